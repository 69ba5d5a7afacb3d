"""`labgen box make`: whose image, for which provider, and what it says of the box."""

from __future__ import annotations

from pathlib import Path

import pytest

from labgen import cli
from labgen.boxes import cloud_box
from labgen.model.lab import CloudImageSource

DIGEST = "a" * 64
BOX = b"a box"
CHECKSUM = "32b6a526c5596678e2f5313401dad0877100c1c88dcb5c6a7e991931f8e81212"
"""What sha256sum says of it."""


@pytest.fixture
def orders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[CloudImageSource, str, object]]:
    """Record what is to be made, in an empty lab folder."""
    orders: list[tuple[CloudImageSource, str, object]] = []

    def make(source: CloudImageSource, provider: str, _arch: str, **options: object) -> Path:
        orders.append((source, provider, options["file"]))
        path = tmp_path / "made.box"
        path.write_bytes(BOX)
        return path

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cloud_box, "make", make)
    return orders


@pytest.mark.parametrize(
    ("lab", "words", "order"),
    [
        ("", "--provider libvirt", (CloudImageSource("debian-13"), "libvirt", None)),
        ("provider: libvirt", "", (CloudImageSource("debian-13"), "libvirt", None)),
        ("provider: libvirt", "ubuntu-24.04", (CloudImageSource("ubuntu-24.04"), "libvirt", None)),
        (
            "provider: virtualbox\nbox: {image: debian-12, url: 'http://teacher/'}",
            "",
            (CloudImageSource("debian-12", "http://teacher/"), "virtualbox", None),
        ),
        (
            "box: {image: debian-12}",
            f"--provider virtualbox --image stick.img --checksum sha256:{DIGEST}",
            (CloudImageSource("debian-12", "", DIGEST), "virtualbox", Path("stick.img")),
        ),
        (
            "",
            f"debian-13 --provider virtualbox --image http://teacher/a.qcow2 --checksum {DIGEST}",
            (CloudImageSource("debian-13", "http://teacher/a.qcow2", DIGEST), "virtualbox", None),
        ),
    ],
)
def test_make_takes_image_and_provider_from_the_line_or_the_lab(
    orders: list[object], tmp_path: Path, lab: str, words: str, order: tuple[object, ...]
) -> None:
    (tmp_path / "lab.yml").write_text(lab, encoding="utf-8")
    assert cli.main(["box", "make", *words.split()]) == 0
    assert orders == [order]


def test_make_prints_how_another_computer_takes_the_box(
    orders: list[object], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["box", "make", "--provider", "virtualbox"]) == 0
    assert (
        f"vagrant box add --checksum-type sha256 --checksum {CHECKSUM} "
        "--name labgen/debian-13-cloud --provider virtualbox made.box"
    ) in capsys.readouterr().out


def test_make_refuses_an_image_that_it_does_not_know(orders: list[object], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["box", "make", "fedora"]) == 2
    assert "debian-13" in capsys.readouterr().err
    assert orders == []
