"""Reading files that may be missing, and writing them whole or not at all."""

from __future__ import annotations

import codecs
import contextlib
import errno
import os
import stat
import tempfile
from pathlib import Path

from labgen.core.errors import HostError
from labgen.core.i18n import _
from labgen.core.polling import NotYet, wait_until
from labgen.core.quoting import typed_path

_HELD = 3.0
"""Seconds for which a virus scanner, or one that synchronises folders, may hold on to a file on Windows."""

_LARGEST = 4 * 2**20
"""Bytes that a file may have, unless its reader says otherwise."""


def read(path: Path, most: int = _LARGEST) -> str | None:
    """Read a file's text with its line ends made ``\\n``; ``None`` if there is no such file.

    A byte order mark is dropped. What is not UTF-8 comes as U+FFFD: such a file is a person's, to be told
    from one of labgen's, not to be kept.

    :param most: bytes that it may have.
    :raises HostError: something is there that cannot be read, is larger, or is not a file.
    """
    try:
        content = _content(path, most, "Move it away.")
    except FileNotFoundError:
        need_no_dangling_link(path)
        return None
    except OSError as why:
        raise HostError(
            _("%(path)s cannot be read: %(value)s.", path=path, value=why.strerror or why),
            _("Move it away, or check its permissions."),
        ) from None
    return content.decode("utf-8-sig", errors="replace").replace("\r\n", "\n").replace("\r", "\n")


def content_of(path: Path, hint: str, most: int = _LARGEST) -> bytes:
    """Read a file that somebody has named.

    :param hint: what to do where it is not such a file.
    :param most: bytes that it may have.
    :raises HostError: it is not there, cannot be read, is larger, or is not a file.
    """
    try:
        return _content(path, most, hint)
    except OSError as why:
        raise HostError(_("%(path)s cannot be read: %(value)s.", path=path, value=why.strerror or why), hint) from None


def _content(path: Path, most: int, hint: str) -> bytes:
    # A pipe would be waited for, and a device may never end.
    if not stat.S_ISREG(path.stat().st_mode):
        raise HostError(_("%(path)s is not a file.", path=path), hint)
    with path.open("rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        size = f"{most >> 20} MiB" if most >= 2**20 else f"{most >> 10} KiB"
        raise HostError(_("%(path)s is larger than %(size)s.", path=path, size=size), hint)
    return content


def is_utf16(content: bytes) -> bool:
    """Tell whether a file's content begins with UTF-16's byte order mark, as Notepad and PowerShell 5 write it."""
    return content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))


def is_link(path: Path) -> bool:
    """Tell whether a symbolic link is seen there; not where its folder may not be looked into."""
    try:
        return path.is_symlink()
    except OSError:
        return False


def real(path: Path) -> Path:
    """Resolve the links of a path; one that leads to itself stays, and opening it fails."""
    try:
        return path.resolve()
    except (OSError, RuntimeError):
        return path.absolute()


def exists(path: Path) -> bool:
    """Tell whether something is there.

    :raises HostError: that cannot be looked at.
    """
    try:
        return path.exists()
    except OSError as why:
        if why.errno == errno.ENAMETOOLONG:
            return False
        raise HostError(
            _("%(path)s cannot be read: %(value)s.", path=path, value=why.strerror or why),
            _("Check its folder's permissions."),
        ) from None


def home() -> Path:
    """Find the user's home folder.

    :raises HostError: the user has none, as in some containers.
    """
    try:
        return Path.home()
    except RuntimeError:
        raise HostError(_("this user has no home folder."), _("Set HOME to a folder: export HOME=/tmp/home")) from None


def expanded(path: str) -> Path:
    """Put a user's home folder in the place of the ``~`` or ``~NAME`` that a path begins with.

    :raises HostError: there is no such user, or the user has no home folder.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        user = Path(path).parts[0]
        raise HostError(
            _("%(user)s is the home folder of no user: %(path)s", user=user[:100], path=path[:200]),
            _("Write the path without %(user)s.", user=user[:100]),
        ) from None


def is_file(path: Path) -> bool:
    """Tell whether a file is seen there; not where its folder may not be looked into, or its name is too long."""
    try:
        return path.is_file()
    except OSError:
        return False


def need_no_dangling_link(path: Path) -> None:
    """Refuse a path that leads through a symbolic link to nothing: what is made there would be made elsewhere.

    :raises HostError: it does.
    """
    for place in (path, *path.parents):
        try:
            if place.is_symlink() and not place.exists():
                target = str(place.readlink())
                raise HostError(
                    _("%(place)s is a link to %(target)r, which does not exist.", place=place, target=target),
                    _("Correct or remove it."),
                )
        except OSError:
            continue  # too long a name, or a folder that may not be looked into: no link that is known


def need_folder(path: Path) -> None:
    """Refuse a path that leads to no folder.

    :raises HostError: it does.
    """
    try:
        if not path.resolve(strict=True).is_dir():
            raise HostError(_("%(path)s is not a folder.", path=path), _("Name the lab's folder."))
    except FileNotFoundError:
        need_no_dangling_link(path)
        raise HostError(
            _("there is no folder %(path)s.", path=path),
            _("Make a lab there: labgen init %(path)s", path=typed_path(path)),
        ) from None
    except (OSError, RuntimeError) as why:
        # Of a link that leads to itself, Python up to 3.12 says so with a RuntimeError.
        reason = getattr(why, "strerror", None) or "it is a link that leads to itself"
        raise HostError(
            _("%(path)s cannot be read: %(reason)s.", path=path, reason=reason),
            _("Check the path and its permissions."),
        ) from None


def remove(path: Path) -> None:
    """Remove a file; that there is none is well.

    :raises HostError: something is there that cannot be removed.
    """
    try:
        path.unlink(missing_ok=True)
    except OSError as why:
        if why.errno in (errno.ENOTDIR, errno.ENAMETOOLONG):
            return  # there can be none
        raise HostError(
            _("%(path)s cannot be removed: %(value)s.", path=path, value=why.strerror or why), _("Move it away.")
        ) from None


def write_whole(path: Path, text: str, mode: int = 0o644, *, follow: bool = False) -> None:
    """Put a text in a file's place in one step: a reader, or a crash, finds the old or the new, never half.

    What UTF-8 has no bytes for (half of a surrogate pair) is written as its escape.

    :param path: where.
    :param mode: the file's permissions.
    :param follow: whether a symbolic link in its place is followed to the file it leads to, as is right for files that
        are the user's own; else it is replaced.
    :raises HostError: the folder cannot be written to.
    """
    need_no_dangling_link(path if follow else path.parent)
    try:
        path = path.resolve() if follow else path.parent.resolve() / path.name
        make_folder(path.parent)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace", newline="\n") as sink:
                sink.write(text)
                sink.flush()
                os.fsync(sink.fileno())
            Path(temporary).chmod(mode)
            give_to_user(Path(temporary))
            _replace(Path(temporary), path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except (OSError, RuntimeError) as why:
        # Of a link that leads to itself, Python up to 3.12 says so with a RuntimeError.
        raise HostError(
            _("%(path)s cannot be written: %(value)s.", path=path, value=getattr(why, "strerror", None) or why),
            _("Check the folder's permissions and the disk."),
        ) from None


def _replace(source: Path, place: Path) -> None:
    """Put a file in another's place; on Windows, as soon as nobody holds that open."""

    def attempt() -> None:
        try:
            source.replace(place)
        except PermissionError as why:
            if os.name != "nt" or place.is_dir():
                raise
            raise NotYet(str(why)) from None

    wait_until(f"{place} to be released", attempt, within=_HELD, every=0.05, error=HostError, hint="Close it.")


def make_folder(path: Path) -> None:
    """Make a folder and those above it, where they are missing, as the user's own."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for folder in missing:
        give_to_user(folder)


def give_to_user(path: Path) -> None:
    """Give a file that was made under `sudo` to the user who has called it, who is to read it afterwards."""
    uid, gid = os.environ.get("SUDO_UID"), os.environ.get("SUDO_GID")
    # Windows has neither.
    if uid and gid and hasattr(os, "geteuid") and os.geteuid() == 0:
        # A file system that knows no owners refuses.
        with contextlib.suppress(ValueError, OverflowError, OSError):
            os.chown(path, int(uid), int(gid))
