"""The cache of boxes: what is listed, and what `labgen box prune` removes."""

from __future__ import annotations

import os
import re
import threading
import time
from pathlib import Path

import pytest
from rich.cells import cell_len

from labgen import boxes, cli
from labgen.boxes import store
from labgen.core.errors import HostError
from labgen.core.i18n import Text
from labgen.images import cache
from labgen.model.lab import CloudImageSource
from tests import needs

DEBIAN = CloudImageSource("debian-13")
TODAY = boxes.file_name(DEBIAN, "amd64", "virtualbox")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = cache.default()
    store.images_folder(folder).mkdir(parents=True)
    return folder


def put(folder: Path, name: str, age: float = 0.0) -> Path:
    path = folder / name
    path.write_bytes(b"x" * 2**20)
    os.utime(path, (time.time() - age, time.time() - age))
    return path


def listed(folder: Path) -> dict[str, store.Entry]:
    return {entry.path.name: entry for entry in store.entries(folder, boxes.is_current)}


def test_entries_know_each_kind(folder: Path) -> None:
    built, node = cache.box("libvirt").name, cache.node("amd64").name
    for name in (built, node, TODAY, "debian-12-0123456789ab-libvirt.box", "debian-sid-0123456789ab-docker-arm64.tar"):
        put(folder, name)
    put(folder, "images/debian-13.img")
    put(folder, "images/debian-13.img.part")
    put(folder, "build.log")
    store.write_note(folder / TODAY, {"provider": "virtualbox", "arch": "amd64", "image": "Debian 13 20260712-2537"})
    entries = listed(folder)
    assert {name: (entry.kind, entry.provider, entry.arch, entry.current) for name, entry in entries.items()} == {
        built: ("box", "libvirt", "amd64", True),
        node: ("node image", "docker", "amd64", True),
        TODAY: ("box", "virtualbox", "amd64", True),
        "debian-12-0123456789ab-libvirt.box": ("box", "libvirt", "amd64", False),
        "debian-sid-0123456789ab-docker-arm64.tar": ("node image", "docker", "arm64", False),
        "debian-13.img": ("cloud image", "", "", False),
        "debian-13.img.part": ("partial download", "", "", True),
    }
    assert entries[TODAY].made_of == "Debian 13 20260712-2537"


def test_surplus_keeps_what_is_current_and_the_newest_of_each(folder: Path) -> None:
    old = [put(folder, f"debian-13-{number:012x}-amd64-virtualbox.box", 1000.0 * number) for number in (1, 2, 3)]
    put(folder, TODAY, 99_000)
    put(folder, "images/abandoned.part", 8 * 86400)
    for path in old:
        store.write_note(path, {"provider": "virtualbox"})
    names = [entry.path.name for entry in store.surplus(list(listed(folder).values()), 1)]
    assert names == [old[1].name, old[2].name]
    names = [entry.path.name for entry in store.surplus(list(listed(folder).values()), 0)]
    assert names == [*(path.name for path in old), "abandoned.part"]


def test_prune_removes_a_box_with_its_note(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    box = put(folder, "debian-13-000000000001-amd64-virtualbox.box")
    store.write_note(box, {"provider": "virtualbox"})
    put(folder, TODAY)
    assert cli.main(["box", "prune", "--dry-run"]) == 0
    assert f"would remove {box.name} (1 MiB)" in capsys.readouterr().out
    assert box.exists()
    assert cli.main(["box", "prune"]) == 0
    assert "Freed: 1 MiB" in capsys.readouterr().out
    assert sorted(path.name for path in folder.iterdir() if path.suffix in (".box", ".json")) == [TODAY]


def test_list_shows_name_size_and_source(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(folder, TODAY, 2 * 86400)
    store.write_note(folder / TODAY, {"provider": "virtualbox", "arch": "amd64", "image": "Debian 13 20260712-2537"})
    assert cli.main(["box", "list"]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith(TODAY))
    assert re.split(r" {2,}", line)[-7:] == [
        "box",
        "virtualbox",
        "amd64",
        "1 MiB",
        "2 days",
        "Debian 13 20260712-2537",
        "yes",
    ]


def test_list_is_in_the_users_language(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "ko_KR.UTF-8")
    put(folder, TODAY, 2 * 86400)
    put(folder, "images/debian-13.img.part", 60)
    assert cli.main(["box", "list"]) == 0
    heading, *rows, total = capsys.readouterr().out.splitlines()
    assert heading.split() == ["이름", "종류", "프로바이더", "아키텍처", "크기", "나이", "원본", "사용"]
    assert rows[0].split()[1:] == ["받다", "만", "파일", "-", "-", "1", "MiB", "1분", "debian-13.img", "예"]
    # Each Korean letter is two columns wide.
    columns = [
        cell_len(line[: line.index(text)]) for line, text in ((heading, "나이"), (rows[0], "1분"), (rows[1], "2일"))
    ]
    assert len(set(columns)) == 1
    assert total == f"파일 2개, 2MiB, 폴더 {folder}"


def test_list_of_an_empty_cache(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["box", "list"]) == 0
    assert capsys.readouterr().out == f"{folder} is empty.\n"


def test_making_waits_for_another_command(folder: Path) -> None:
    notes: list[Text] = []
    order: list[str] = []
    inside, leave = threading.Event(), threading.Event()

    def first() -> None:
        with store.making(folder, notes.append):
            inside.set()
            leave.wait(10)
            order.append("first")

    thread = threading.Thread(target=first)
    thread.start()
    inside.wait(10)
    threading.Timer(0.2, leave.set).start()
    with store.making(folder, notes.append):
        order.append("second")
    thread.join()
    assert order == ["first", "second"]
    assert list(map(str, notes)) == [f"Another labgen command makes a box in {folder}. Waiting for it to end."]


def test_making_names_a_cache_that_cannot_be_written(folder: Path) -> None:
    needs.posix("a link")
    (folder / ".making").symlink_to(folder / "missing" / "file")
    with pytest.raises(HostError, match=r"\.making cannot be written: No such file"), store.making(folder, print):
        pytest.fail("it has the lock")
