"""Catalogues of boxes; Vagrant itself takes one in tests/integration/box."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from labgen import boxes, cli
from labgen.boxes import catalogue, store
from labgen.core.errors import BoxError, UsageError
from labgen.images import cache
from labgen.model.lab import CloudImageSource


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache with boxes of a cloud image for two providers, and one of packages."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = cache.default()
    folder.mkdir(parents=True)
    for provider in ("virtualbox", "libvirt"):
        box = boxes.box_path(CloudImageSource("debian-13"), "amd64", provider)
        box.write_text(f"box for {provider}", encoding="utf-8")
        store.write_note(box, {"provider": provider, "arch": "amd64", "image": "Debian 13 1"})
    cache.box("libvirt").write_text("built box", encoding="utf-8")
    return folder


def entries(folder: Path) -> list[store.Entry]:
    return [entry for entry in store.entries(folder, boxes.is_current) if entry.kind == "box"]


def test_publish_writes_a_catalogue_for_each_box(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "공유 folder"
    published = catalogue.publish(entries(folder), target, "http://teacher:8000/boxes")
    assert {box.name for box in published} == {"labgen/debian-13-cloud", "labgen/debian-12"}
    content = json.loads((target / "labgen-debian-13-cloud.json").read_text(encoding="utf-8"))
    assert content["name"] == "labgen/debian-13-cloud"
    (version,) = content["versions"]
    assert version["version"].replace(".", "").isdigit()
    assert {entry["name"] for entry in version["providers"]} == {"virtualbox", "libvirt"}
    for entry in version["providers"]:
        file = target / entry["url"].removeprefix("http://teacher:8000/boxes/")
        assert entry["checksum_type"] == "sha256"
        assert entry["checksum"] == hashlib.sha256(file.read_bytes()).hexdigest()
        assert file.read_text(encoding="utf-8") == f"box for {entry['name']}"


def test_publish_without_an_address_gives_that_of_the_folder(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "공유 folder"
    published = catalogue.publish(entries(folder), target)
    assert {box.catalogue.rpartition("/")[0] for box in published} == {target.as_uri()}
    again = catalogue.publish(entries(folder), target)
    assert again == published


def test_publish_of_nothing_says_how_a_box_is_made(tmp_path: Path) -> None:
    with pytest.raises(BoxError, match="no box to publish") as refused:
        catalogue.publish([], tmp_path)
    assert "labgen box make" in refused.value.hint


def test_publish_into_a_file_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BoxError, match="inside cannot be written: Not a directory"):
        catalogue.publish(entries(folder), tmp_path / "file" / "inside")


def test_publish_onto_a_file_asks_for_a_folder(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BoxError, match="file is a file") as refused:
        catalogue.publish(entries(folder), tmp_path / "file")
    assert "Name a folder" in refused.value.hint


@pytest.mark.parametrize("base", ["192.168.0.10:8000/boxes", "teacher/boxes", "ftp://teacher/", "http://", "file:a"])
def test_publish_refuses_an_address_that_vagrant_does_not_fetch_from(folder: Path, tmp_path: Path, base: str) -> None:
    with pytest.raises(UsageError, match="is no address of a folder"):
        catalogue.publish(entries(folder), tmp_path / "share", base)
    assert not (tmp_path / "share").exists()


def test_publish_quotes_the_address(folder: Path, tmp_path: Path) -> None:
    published = catalogue.publish(entries(folder), tmp_path / "share", "http://teacher:8000/공유 a%20b")
    assert {box.catalogue.rpartition("/")[0] for box in published} == {"http://teacher:8000/%EA%B3%B5%EC%9C%A0%20a%20b"}


def test_publish_command_takes_the_newest_of_each_and_prints_what_to_write(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "debian-12-0123456789ab-libvirt.box").write_text("older")
    words = ["box", "publish", str(tmp_path / "share"), "--url", "http://teacher", "--provider", "libvirt"]
    assert cli.main(words) == 0
    output = capsys.readouterr().out
    assert 'box: {name: labgen/debian-13-cloud, url: "http://teacher/labgen-debian-13-cloud.json"}' in output
    assert "vagrant box add --provider libvirt http://teacher/labgen-debian-12.json" in output
    assert "virtualbox" not in output
    assert len(list((tmp_path / "share").glob("*.box"))) == 2
