"""The text of a lab file, and files whose names nearly are ``lab.yml``."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

from labgen.core.atomic_files import is_utf16
from labgen.core.errors import LabFileError, Problem
from labgen.core.i18n import Text, _

FILE_NAME = "lab.yml"
LONGEST = 64 * 1024
"""Bytes. A lab file has a page or two: what is longer is another file."""

_MISNAMED = frozenset(
    f"{stem}{ending}"
    for stem in ("lab.yml", "lab.yaml", "lab.ymal", "lab.yam", "lab.yl", "lab..yml", "lab.yml.")
    for ending in ("", ".txt", ".yml", ".yaml")
) | {"labyml", "lab_yml", "lab-yml", "lab,yml", "lab .yml", ".lab.yml", ".lab.yaml", "labgen.yml"}
"""Names that people, editors and Windows give to what was meant to be lab.yml, in lower case."""


def text_of(path: Path, source: str) -> str:
    """Give what a lab file holds.

    :param source: what to call the file in errors.
    :raises FileNotFoundError: there is nothing of that name.
    :raises LabFileError: it is not a file, is too long, cannot be read or is not UTF-8.
    """
    try:
        # A pipe would be waited for, and a device may never end.
        if not stat.S_ISREG(path.stat().st_mode):
            raise _unreadable(source, _("is not a file."), _("Move it away: lab.yml is a text file, or is left out."))
        with path.open("rb") as file:
            content = file.read(LONGEST + 1)
    except (FileNotFoundError, NotADirectoryError):
        if path.is_symlink():
            target = str(path.readlink())
            raise _unreadable(
                source,
                _("is a link to %(target)s, which is not there.", target=repr(target)),
                _("Correct or remove the link."),
            ) from None
        raise FileNotFoundError(str(path)) from None
    except (OSError, ValueError) as why:
        reason = getattr(why, "strerror", None) or why
        raise _unreadable(
            source, _("cannot be read: %(reason)s.", reason=reason), _("Check its path and its permissions.")
        ) from None
    if len(content) > LONGEST:
        raise _unreadable(source, _("is longer than 64 KiB."), _("Is it a lab file? One has a page or two."))
    return _decoded(content, source)


def _decoded(content: bytes, source: str) -> str:
    if is_utf16(content):
        raise _unreadable(
            source,
            _("is UTF-16, as Windows PowerShell writes with '>'."),
            _("Save it as UTF-8 in your editor."),
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as why:
        line = content[: why.start].count(b"\n") + 1
        raise _unreadable(
            source, _("is not UTF-8 (byte %(start)s).", start=why.start), _("Save it as UTF-8 in your editor."), line
        ) from None


def _unreadable(source: str, reason: Text, fix: Text, line: int | None = None) -> LabFileError:
    return LabFileError(source, [Problem("file", "", reason, fix, line)])


def misnamed(folder: Path, own: str = FILE_NAME) -> Iterator[str]:
    """List the names in a folder that nearly are the lab file's, and are not read.

    :param own: the name that is read.
    """
    try:
        names = sorted(entry.name for entry in folder.iterdir())
    except OSError:
        return  # whoever needs the folder itself says so
    for name in names:
        if name != own and name.strip().lower() in _MISNAMED and _is_another_file(folder / name, folder / own):
            yield name


def _is_another_file(path: Path, own: Path) -> bool:
    if not path.is_file():
        return path.is_symlink()
    # Where upper and lower case are one, Lab.yml is the lab.yml that is read.
    return not (own.exists() and path.samefile(own))
