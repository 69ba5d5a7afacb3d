"""What the tests of kits share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from package_index import LIMITED, Index, make_kit

from labgen.core.process import Runner
from labgen.kit import wheels


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    """An index with pure packages, one of which is for Windows only, and one that has both kinds of wheels."""
    names = ["pure-1.0-py3-none-any.whl", "colors-3.0-py3-none-any.whl", "both-4.0-py3-none-any.whl"]
    names += ["both-4.0-cp312-cp312-macosx_11_0_arm64.whl", *LIMITED, "fast-2.0-cp312-cp312-macosx_11_0_arm64.whl"]
    index = Index({name: name.encode() for name in names})
    lock = tmp_path / "requirements.txt"
    lock.write_text(index.lock({"colors": " ; sys_platform == 'win32'"}), encoding="utf-8")
    monkeypatch.setattr(wheels, "LOCK", lock)
    monkeypatch.setattr(Runner, "run", lambda _runner, argv, **options: index.run(argv, **options))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    wheels.locked.cache_clear()
    yield index
    wheels.locked.cache_clear()


@pytest.fixture
def kit(index: Index, tmp_path: Path) -> Path:
    """A kit in a folder with a Korean name and a space."""
    return make_kit(tmp_path / "교실 키트")
