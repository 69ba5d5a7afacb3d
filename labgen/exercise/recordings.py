"""The ids of the labs that the recordings of exercises were made on, as hashes.

``recorded_ids.txt`` beside this module is written by ``python -m tests.e2e.record``. The recordings themselves, one in
each exercise's folder, are in no distribution of labgen: only the hashes are, so that a recording is refused as a
hand-in wherever it is handed in.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("recorded_ids.txt")

_SALT = b"labgen recording"


def hash_id(value: str) -> str:
    """Hash an id of a swarm, node, task or container; the file of hashes gives no id away.

    >>> hash_id("pwn3o216i67ia67ez50dluqsy")
    '3ef7bd71e252c1d0'
    """
    return hashlib.blake2b(value.encode("utf-8", "replace"), digest_size=8, salt=_SALT).hexdigest()


@cache
def recorded_ids() -> frozenset[str]:
    """Give the hashes of every id in the recordings of exercises."""
    return frozenset(FILE.read_text(encoding="ascii").split())


def write(hashes: Iterable[str], file: Path = FILE) -> None:
    """Write the hashes of every id in the recordings, a line each."""
    file.write_text("".join(f"{line}\n" for line in sorted(hashes)), encoding="ascii", newline="\n")
