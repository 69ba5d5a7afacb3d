"""Several hand-ins: whose each is, and the table of nonces that they must have been made with."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Mapping
from pathlib import Path

from labgen.core.atomic_files import read, real
from labgen.core.errors import EvidenceError
from labgen.core.nonce import derive

_PLAIN_NAME = "evidence"


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
    """Write the nonce of each learner as CSV: ``name,nonce``."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["name", "nonce"])
    writer.writerows([name, derive(secret, _plain(name), day)] for name in names)
    return text.getvalue()


def read_table(file: Path) -> Mapping[str, str]:
    """Read what :func:`table` gave, or a spreadsheet made of it.

    :raises EvidenceError: there is no such file, or it is no table of names and nonces.
    """
    text = read(file)
    if text is None:
        raise EvidenceError(f"{file} is not there.", "Make it: labgen nonce --secret FILE NAME ... > nonces.csv")
    nonces: dict[str, str] = {}
    for number, row in enumerate(csv.reader(io.StringIO(text)), 1):
        if not any(cell.strip() for cell in row) or row[:2] == ["name", "nonce"]:
            continue
        if len(row) != 2 or not all(cell.strip() for cell in row):
            raise EvidenceError(f"{file}, line {number}: this is no name and nonce.", "Each line reads: name,nonce")
        name = _plain(row[0])
        if name in nonces:
            raise EvidenceError(f"{file}, line {number}: {name} is there twice.", "Each name has one nonce.")
        nonces[name] = row[1].strip()
    if not nonces:
        raise EvidenceError(f"{file} has no names.", "Make it: labgen nonce --secret FILE NAME ... > nonces.csv")
    return nonces
