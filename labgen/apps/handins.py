"""Several hand-ins: whose each is, and the table of nonces that they must have been made with."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path

from labgen.core.atomic_files import content_of, is_utf16, real
from labgen.core.errors import EvidenceError, HostError, UsageError
from labgen.core.i18n import _
from labgen.core.nonce import derive

_PLAIN_NAME = "evidence"
_MAKE = "Make it: labgen nonce --secret FILE NAME ... > nonces.csv"


def name_of(file: Path) -> str:
    """Name whose a hand-in is: the file's name without its ending, or for ``evidence.jsonl`` the folder's.

    >>> name_of(Path("kim.jsonl")), name_of(Path("lee/evidence.jsonl"))
    ('kim', 'lee')
    """
    name = real(file).parent.name if file.stem == _PLAIN_NAME else file.stem
    return _plain(name)


def _plain(name: str) -> str:
    # macOS writes the letters of a Korean name one by one.
    return unicodedata.normalize("NFC", name.strip())


def table(secret: bytes, names: list[str], day: str) -> str:
    """Write the nonce of each learner as CSV: ``name,nonce``.

    :raises UsageError: a name is empty, cannot be printed, or is there twice.
    """
    plain = [_plain(name) for name in names]
    for name in plain:
        if not name or not name.isprintable():
            raise UsageError(
                _("%(name)r cannot be a learner's name.", name=name), _("Write each name as the learner's file has it.")
            )
        if plain.count(name) > 1:
            raise UsageError(_("%(name)s is there twice.", name=name), _("Each name has one nonce."))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["name", "nonce"])
    writer.writerows([name, derive(secret, _plain(name), day)] for name in names)
    return text.getvalue()


def read_table(file: Path) -> Mapping[str, str]:
    """Read what :func:`table` gave, or a spreadsheet made of it.

    :raises EvidenceError: there is no such file, or it is no table of names and nonces.
    """
    nonces: dict[str, str] = {}
    for number, row in _rows(file):
        if not any(cell.strip() for cell in row) or row[:2] == ["name", "nonce"]:
            continue
        if len(row) != 2 or not all(cell.strip() for cell in row):
            raise EvidenceError(
                _("%(file)s, line %(number)s: this is no name and nonce.", file=file, number=number),
                _("Each line reads: name,nonce"),
            )
        name = _plain(row[0])
        if name in nonces:
            raise EvidenceError(
                _("%(file)s, line %(number)s: %(name)s is there twice.", file=file, number=number, name=name),
                _("Each name has one nonce."),
            )
        nonces[name] = row[1].strip()
    if not nonces:
        raise EvidenceError(_("%(file)s has no names.", file=file), _MAKE)
    return nonces


def _rows(file: Path) -> Iterator[tuple[int, list[str]]]:
    """Read the rows of a CSV file, with their numbers.

    :raises EvidenceError: it cannot be read, or is none.
    """
    try:
        content = content_of(file, _MAKE)
    except HostError as why:
        raise EvidenceError(why.message, why.hint) from None
    if is_utf16(content):
        raise EvidenceError(_("%(file)s is UTF-16.", file=file), _("Save it as CSV UTF-8."))
    rows = csv.reader(io.StringIO(content.decode("utf-8-sig", errors="replace"), newline=None))
    try:
        yield from enumerate(rows, 1)
    except csv.Error as why:
        raise EvidenceError(
            _("%(file)s, line %(line_num)s: this is no CSV: %(why)s.", file=file, line_num=rows.line_num, why=why),
            _MAKE,
        ) from None
