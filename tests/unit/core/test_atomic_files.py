"""Files that are written whole or not at all, where links stand, and where somebody holds on to them."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from labgen.core import atomic_files
from labgen.core.atomic_files import write_whole
from labgen.core.errors import HostError
from tests import needs


def test_write_whole_follows_a_link_or_replaces_it(tmp_path: Path) -> None:
    needs.posix("links and permission bits")
    mine, link = tmp_path / "mine", tmp_path / "folder" / "link"
    mine.write_text("old")
    link.parent.mkdir()
    link.symlink_to(mine)
    write_whole(link, "new", follow=True)
    assert (mine.read_text(), link.is_symlink()) == ("new", True)
    write_whole(link, "report", mode=0o600)
    assert (mine.read_text(), link.is_symlink(), link.read_text()) == ("new", False, "report")
    assert stat.S_IMODE(link.stat().st_mode) == 0o600


def test_write_whole_writes_what_utf8_has_no_bytes_for_as_its_escape(tmp_path: Path) -> None:
    write_whole(tmp_path / "x", "한글 \ud800")
    assert (tmp_path / "x").read_text(encoding="utf-8") == "한글 \\ud800"


def test_write_whole_leaves_nothing_behind_where_it_fails(tmp_path: Path) -> None:
    (tmp_path / "x" / "y").mkdir(parents=True)
    with pytest.raises(HostError, match="cannot be written"):
        write_whole(tmp_path / "x", "text")
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


class Windows:
    """The module os, as on Windows."""

    name = "nt"

    def __getattr__(self, name: str) -> object:
        if name in ("geteuid", "chown"):
            raise AttributeError(name)
        return getattr(os, name)


def test_write_whole_tries_again_while_a_scanner_holds_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusals = [PermissionError(13, "Access is denied")] * 2
    replace = Path.replace

    def held(source: Path, place: Path) -> Path:
        if refusals:
            raise refusals.pop()
        return replace(source, place)

    monkeypatch.setattr(Path, "replace", held)
    with pytest.raises(HostError):
        write_whole(tmp_path / "x", "elsewhere it is refused at once")
    monkeypatch.setattr(atomic_files, "os", Windows())
    monkeypatch.setenv("SUDO_UID", "1000")
    monkeypatch.setenv("SUDO_GID", "1000")
    write_whole(tmp_path / "x", "text")
    assert (tmp_path / "x").read_text() == "text"


def test_write_whole_does_not_wait_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def held(source: Path, place: Path) -> Path:
        raise PermissionError(13, "Access is denied")

    monkeypatch.setattr(Path, "replace", held)
    monkeypatch.setattr(atomic_files, "os", Windows())
    monkeypatch.setattr(atomic_files, "_HELD", 0.1)
    with pytest.raises(HostError, match="Access is denied"):
        write_whole(tmp_path / "x", "text")
    assert list(tmp_path.iterdir()) == []


def test_read_takes_no_more_than_a_file_may_have(tmp_path: Path) -> None:
    file = tmp_path / "Vagrantfile"
    file.write_bytes(b"\xef\xbb\xbfa\r\nb\rc")
    assert atomic_files.read(file) == "a\nb\nc"
    assert atomic_files.read(file, 9) == "a\nb\nc"
    with pytest.raises(HostError, match="is larger than 0 KiB"):
        atomic_files.read(file, 8)
    with file.open("wb") as source:
        source.truncate(4 * 2**20 + 1)
    with pytest.raises(HostError, match="Vagrantfile is larger than 4 MiB") as refused:
        atomic_files.read(file)
    assert refused.value.hint == "Move it away."
    assert atomic_files.read(file, 5 * 2**20) is not None


def test_content_of_what_is_no_file(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(HostError) as refused:
            atomic_files.content_of(path, "Name another.", 100)
        assert refused.value.hint == "Name another."


def test_expanded_takes_a_home_folder_only_of_a_user(monkeypatch: pytest.MonkeyPatch) -> None:
    needs.posix("~ by HOME")
    monkeypatch.setenv("HOME", "/home/kim")
    assert atomic_files.expanded("~/.vagrant.d") == Path("/home/kim/.vagrant.d")
    with pytest.raises(HostError, match="~nobody-here is the home folder of no user: ~nobody-here/x"):
        atomic_files.expanded("~nobody-here/x")


def test_is_file_of_a_name_that_is_too_long(tmp_path: Path) -> None:
    assert not atomic_files.is_file(tmp_path / ("x" * 5000))


def test_give_to_user_gives_what_was_made_under_sudo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needs.posix("users")
    owners: list[tuple[str, int, int]] = []
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "chown", lambda path, uid, gid: owners.append((Path(path).name, uid, gid)))
    monkeypatch.setenv("SUDO_UID", "1000")
    monkeypatch.setenv("SUDO_GID", "100")
    atomic_files.make_folder(tmp_path / "a" / "b")
    assert owners == [("b", 1000, 100), ("a", 1000, 100)]
    monkeypatch.delenv("SUDO_UID")
    atomic_files.give_to_user(tmp_path)
    assert len(owners) == 2


@pytest.mark.parametrize("uid", ["-5", "9" * 30, "kim"])
def test_give_to_user_gives_nothing_to_a_user_that_cannot_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uid: str
) -> None:
    needs.posix("users")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("SUDO_UID", uid)
    monkeypatch.setenv("SUDO_GID", "100")
    owner = tmp_path.stat().st_uid
    atomic_files.give_to_user(tmp_path)
    assert tmp_path.stat().st_uid == owner
