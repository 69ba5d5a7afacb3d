"""The key stands for everything a box is made from."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from labgen.images import recipe


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    box = tmp_path / "box"
    shutil.copytree(recipe.FILES.parent, box)
    monkeypatch.setattr(recipe, "FILES", box / "files")
    return box


def test_recipe_copy_of_the_recipe_has_the_same_key(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = recipe.key()
    monkeypatch.undo()
    assert recipe.key() == here


@pytest.mark.parametrize("name", ["recipe.py", "disk.py", "files/setup.sh", "files/disk/etc/fstab"])
def test_any_change_gives_another_key(copied: Path, name: str) -> None:
    before = recipe.key()
    content = (copied / name).read_bytes()
    # Of the same length: what it says counts, not how much.
    (copied / name).write_bytes(content[:-2] + b"?" + content[-1:])
    assert recipe.key() != before


def test_key_is_the_same_in_a_clone_with_the_line_ends_of_windows(copied: Path) -> None:
    before = recipe.key()
    for path in copied.rglob("*"):
        if path.is_file() and path.suffix != ".pyc":
            path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert recipe.key() == before


def test_recipe_renamed_file_gives_another_key(copied: Path) -> None:
    before = recipe.key()
    (copied / "files/disk/etc/fstab").rename(copied / "files/disk/etc/fstab2")
    assert recipe.key() != before


def test_recipe_what_python_compiles_does_not_count(copied: Path) -> None:
    before = recipe.key()
    (copied / "__pycache__").mkdir(exist_ok=True)
    (copied / "__pycache__" / "extra.cpython-311.pyc").write_bytes(b"x")
    assert recipe.key() == before


def test_recipe_nothing_a_host_installs_starts_a_service() -> None:
    assert "docker-registry" not in recipe.PACKAGES
    assert {"mmdebstrap", "extlinux", "qemu-utils", "skopeo", "syslinux-common"} <= set(recipe.PACKAGES)
