"""What stands in the cache is finished, and belongs to who asked for it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from labgen.core.errors import BoxBusy
from labgen.images import built, cache

pwd = pytest.importorskip("pwd", reason="needs a POSIX system: no box is built elsewhere")


def test_xdg_cache_home_is_respected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.default() == tmp_path / "labgen" / "boxes"


def test_under_sudo_the_cache_is_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    user = next(entry for entry in pwd.getpwall() if entry.pw_uid != 0)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("SUDO_USER", user.pw_name)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert cache.default() == Path(user.pw_dir) / ".cache" / "labgen" / "boxes"


def test_cache_workplace_is_gone_whatever_happens_in_it(tmp_path: Path) -> None:
    work = cache.workplace(tmp_path)
    place = work.__enter__()
    (place / "half").write_text("done")
    assert not work.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert not place.exists()


def test_cache_what_a_killed_build_left_is_cleared_away(tmp_path: Path) -> None:
    left = tmp_path / "building-old" / "root"
    left.mkdir(parents=True)
    with cache.workplace(tmp_path):
        assert not left.exists()


def test_cache_only_one_build_at_a_time(tmp_path: Path) -> None:
    with (
        cache.workplace(tmp_path) as place,
        pytest.raises(BoxBusy, match="is building a box or an image"),
        cache.workplace(tmp_path),
    ):
        pass
    assert not place.exists()


def test_cache_box_is_built_once_it_is_kept(tmp_path: Path) -> None:
    with cache.workplace(tmp_path) as place:
        made = place / "libvirt.box"
        made.write_text("box")
        assert built("libvirt", tmp_path) is None
        cache.keep(made, cache.box("libvirt", tmp_path))
    found = built("libvirt", tmp_path)
    assert found is not None
    assert found.read_text() == "box"
    assert built("virtualbox", tmp_path) is None


def test_cache_no_box_is_built_for_another_provider(tmp_path: Path) -> None:
    assert built("vmware", tmp_path) is None
