"""The manifest of a kit: every file with size and SHA-256, and what the kit is for. The same kit has the same bytes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from labgen.core.errors import HostError
from labgen.kit import check
from labgen.kit.files import write_text


@dataclass(frozen=True, order=True)
class File:
    """A file of a kit.

    :param path: below the kit, with slashes.
    :param size: bytes.
    :param purpose: what it is for: platforms with a Python, or a sentence.
    """

    path: str
    size: int
    sha256: str
    purpose: str


def write(kit: Path, files: Sequence[File], about: Mapping[str, Any]) -> None:
    """Write the manifest of a finished kit.

    :param about: what the kit is for: ``platforms``, ``pythons`` and versions.
    :raises HostError: it cannot be written.
    """
    entries = [asdict(file) for file in sorted(files)]
    _write(kit, {"format": check.FORMAT, "complete": True, **about, "files": entries})


def begin(kit: Path, lock: str) -> frozenset[str]:
    """Take possession of an empty folder, or of a kit, and give the targets whose wheels are in it.

    :param lock: SHA-256 of the lock file.
    :raises HostError: something else is in the folder, its manifest is damaged, a folder of the kit is a link, or it
        cannot be read.
    """
    if kit.exists() and not kit.is_dir():
        raise HostError(f"{kit} is a file.", "Name a folder for the kit.")
    try:
        occupied = kit.is_dir() and any(not check.of_the_system(path.name) for path in kit.iterdir())
    except OSError as why:
        raise HostError(f"{kit} cannot be read: {why.strerror or why}.", "Check its permissions.") from None
    content = _read(kit)
    if occupied and content is None:
        raise HostError(
            f"{kit} is neither empty nor a kit.", "Name a new folder for the kit. Nothing in this one was changed."
        )
    if linked := check.linked_folders(kit):
        raise HostError(
            f"{kit / linked[0]} is a link to another folder.",
            "Name a new folder for the kit. Nothing in this one was changed.",
        )
    finished = content.get("targets", ()) if content and content.get("lock") == lock else ()
    return frozenset(map(str, finished))


def go_on(kit: Path, lock: str, targets: Iterable[str]) -> None:
    """Write down that a kit is being made, and the targets whose wheels are in it.

    :raises HostError: it cannot be written.
    """
    empty: dict[str, Any] = {"platforms": {}, "pythons": [], "files": []}
    _write(kit, {"format": check.FORMAT, "complete": False, "lock": lock, "targets": sorted(targets), **empty})


def _read(kit: Path) -> dict[str, Any] | None:
    """Read the manifest of a folder; ``None`` if there is none, or one of another program."""
    try:
        content = json.loads((kit / check.MANIFEST).read_text(encoding="utf-8"))
    except OSError:
        return None
    except (ValueError, RecursionError):
        raise HostError(
            f"{kit / check.MANIFEST} is damaged.",
            "Name a new folder for the kit. Delete this one if it holds a kit and nothing of yours; nothing in it was "
            "changed.",
        ) from None
    return content if isinstance(content, dict) and check.is_manifest(content) else None


def _write(kit: Path, content: Mapping[str, Any]) -> None:
    write_text(kit / check.MANIFEST, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
