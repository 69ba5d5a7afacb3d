"""`labgen box`: what it builds for each provider, and what it says about taking it elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from labgen import cli, images
from labgen.images import ensure as engine

CONTENT = b"a box"
CHECKSUM = "32b6a526c5596678e2f5313401dad0877100c1c88dcb5c6a7e991931f8e81212"
"""What sha256sum says of it."""


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """What was asked for, of a computer that builds everything and whose engine does not answer."""
    asked: list[str] = []

    def build(providers: Sequence[str], **_: object) -> dict[str, Path]:
        asked.extend(providers)
        files = {provider: tmp_path / f"made-{provider}" for provider in providers}
        for path in files.values():
            path.write_bytes(CONTENT)
        return files

    def ensure(*_: object, **__: object) -> str:
        asked.append("engine")
        return "labgen/node:key"

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(images, "build", build)
    monkeypatch.setattr(images, "ensure_node_image", ensure)
    monkeypatch.setattr(engine, "answers", lambda _: False)
    return asked


def test_command_all_is_the_boxes_and_the_node_image(built: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["box", "build"]) == 0
    assert built == ["libvirt", "virtualbox", "docker"]
    said = capsys.readouterr().out
    assert (
        f"vagrant box add --checksum-type sha256 --checksum {CHECKSUM} "
        "--name labgen/debian-12 --provider virtualbox made-virtualbox"
    ) in said
    assert said.count(f"sha256: {CHECKSUM}") == 3
    assert "docker load --input made-docker" in said


def test_command_engine_that_answers_gets_it(
    built: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(engine, "answers", lambda _: True)
    assert cli.main(["box", "build", "--provider", "docker"]) == 0
    assert built == ["engine"]
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "docker: labgen/node:key"
    assert said[1].endswith("docker save --output labgen-node.tar labgen/node:key")
    assert said[2].endswith("docker load --input labgen-node.tar")


def test_command_one_box_asks_no_engine(built: list[str]) -> None:
    assert cli.main(["box", "build", "--provider", "libvirt"]) == 0
    assert built == ["libvirt"]


def test_path_where_nothing_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cli.main(["box", "path", "--provider", "docker"]) == 6
    assert "labgen box build --provider docker`" in capsys.readouterr().err
    assert cli.main(["box", "path", "--provider", "docker", "--suite", "trixie"]) == 6
    assert "labgen box build --provider docker --suite trixie`" in capsys.readouterr().err


def test_node_image_for_a_named_processor_asks_no_engine(
    built: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(engine, "answers", lambda _: True)
    assert cli.main(["box", "build", "--provider", "docker", "--arch", "arm64"]) == 0
    assert built == ["docker"]
    assert "docker load --input made-docker" in capsys.readouterr().out


@pytest.mark.parametrize("provider", ["all", "libvirt", "virtualbox"])
def test_boxes_are_built_for_one_processor(built: list[str], capsys: pytest.CaptureFixture[str], provider: str) -> None:
    assert cli.main(["box", "build", "--provider", provider, "--arch", "arm64"]) == 2
    assert "labgen box build --provider docker --arch arm64" in capsys.readouterr().err
    assert built == []
