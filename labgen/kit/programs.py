"""Programs that a learner installs before labgen: named by a kit with version, address and checksum, and not carried.

programs.json says of each checksum from where it was taken. The makers' own servers cannot be reached where labgen is
developed, so no file was compared with its checksum.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from labgen.kit.platforms import Platform

_RECORDS = Path(__file__).with_name("programs.json")


@dataclass(frozen=True)
class Program:
    """A program for a platform.

    :param version: that the address and the checksum are of; empty if any will do.
    :param address: of the file; of the page that leads to it if no file is named.
    :param checksum: SHA-256 of the file; empty if none is named.
    :param packages: of Debian and Ubuntu, to install in its place; empty if there are none.
    """

    title: str
    version: str
    address: str
    checksum: str
    packages: str = ""


def needed(platform: Platform, provider: str, pythons: Sequence[str]) -> list[Program]:
    """List the programs that a platform needs for a provider, in the order in which they are installed.

    :param pythons: the versions of Python that the kit is for.
    """
    names = ["python", provider, *_records()[provider].get("with", ())]
    return [_program(_records()[name], platform, pythons if name == "python" else ()) for name in names]


def usual_python(pythons: Sequence[str]) -> str:
    """Choose the Python that commands are written with: the one that is named with a checksum, else the oldest."""
    named: str = _records()["python"]["version"].rpartition(".")[0]
    return named if named in pythons else pythons[0]


def _program(record: dict[str, Any], platform: Platform, pythons: Sequence[str]) -> Program:
    file = record["files"].get(platform.name)
    if pythons and record["version"].rpartition(".")[0] not in pythons:
        file = None
    packages = record["packages"].get(platform.system, {})
    return Program(
        title=packages.get("title", record["title"]),
        version=record["version"] if file else ", ".join(pythons),
        address=file["url"] if file else record["page"],
        checksum=file["sha256"] if file else "",
        packages=packages.get("names", ""),
    )


@cache
def _records() -> dict[str, Any]:
    records: dict[str, Any] = json.loads(_RECORDS.read_text(encoding="utf-8"))
    return records
