"""`labgen grade --from FILE FILE ...`: several hand-ins, each graded by itself, and compared with one another."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from labgen.apps.handins import name_of, read_table
from labgen.core.atomic_files import exists, real
from labgen.core.environment import of_python
from labgen.core.errors import (
    GRADED_INCONCLUSIVE,
    GRADED_NOTHING,
    GRADED_WITH_FAILURES,
    EvidenceError,
    ExerciseError,
    LabgenError,
)
from labgen.core.process import Runner, python
from labgen.exercise.catalogue import find

Grade = Callable[[Path, str | None], tuple[int, Mapping[str, Any] | None]]
"""Grades one file, with the nonce that it must have; gives the exit status and the report."""

_WORST = (EvidenceError.exit_status, LabgenError.exit_status, GRADED_WITH_FAILURES, GRADED_INCONCLUSIVE, GRADED_NOTHING)
"""Exit statuses, the gravest first."""


def files(words: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """Tell files from exercises: a word after the first that names an exercise, and no file, is an exercise.

    :param words: the words after ``--from``.
    :returns: the files, each once, and the exercises.
    """
    paths: list[Path] = []
    exercises: list[str] = []
    for path in words:
        if paths and not exists(path) and _is_exercise(str(path)):
            exercises.append(str(path))
        elif real(path) not in map(real, paths):
            paths.append(path)
    return paths, exercises


def _is_exercise(word: str) -> bool:
    try:
        find(word)
    except ExerciseError:
        return False
    return True


def nonces(handins: Sequence[Path], nonce: str | None, table_file: Path | None) -> dict[Path, str | None]:
    """Give the nonce that each file must have; ``None`` where that does not matter.

    :param nonce: the nonce of all of them.
    :param table_file: the nonce of each, by name.
    :raises EvidenceError: the table cannot be read, or does not have a name.
    """
    if table_file is None:
        return dict.fromkeys(handins, nonce)
    if nonce is not None:
        raise LabgenError("--nonce and --nonces are two ways to say which nonce it must be.", "Leave one of them out.")
    table = read_table(table_file)
    for file in handins:
        if name_of(file) not in table:
            raise EvidenceError(
                f"{file} is of {name_of(file)}, and {table_file} has no such name.",
                "The file's name without .jsonl, or the folder of an evidence.jsonl, is the name in the table.",
            )
    return {file: table[name_of(file)] for file in handins}


def describe(handins: Sequence[Path], lab_file: Path | None) -> Mapping[str, Any]:
    """What the files say of themselves, and which are of one lab; asked of a process of its own.

    :raises LabgenError: it could not be asked.
    """
    options = [f"--lab-file={lab_file.absolute()}"] if lab_file else []
    comparison = Runner(env=of_python()).run(
        [python(), "-m", "verify.handins", *options, "--", *(file.absolute() for file in handins)], timeout=3600
    )
    if not comparison.ok:
        raise LabgenError(comparison.err.strip().removeprefix("error: ") or "the evidence could not be compared.")
    descriptions: Mapping[str, Any] = json.loads(comparison.out)
    return descriptions


def notes(described: Mapping[str, Any], now: datetime) -> str:
    """What a teacher should know of a hand-in that no check says, in one line."""
    started = datetime.fromisoformat(described["started"])
    days = (now - started).days
    age = "today" if days < 1 else "1 day ago" if days == 1 else f"{days} days ago"
    parts = [
        f"made {started.astimezone(UTC):%Y-%m-%d %H:%M} UTC ({age})",
        f"on {described['provider']}{', emulated' if described['emulated'] else ''}",
        f"exercises named: {', '.join(described['named']) or 'none'}",
        f"nonce: {described['nonce'] or 'none'}",
    ]
    parts += [f"its nodes lacked: {', '.join(described['lacks'])}"] if described["lacks"] else []
    parts += ["its lab.yml describes another lab than --lab-file"] if described["other_lab"] else []
    return "; ".join(parts)


def noted(file: Path) -> str:
    """The notes on one file, by itself."""
    (described,) = describe([file], None)["files"]
    return notes(described, datetime.now(UTC))


def copies(descriptions: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    """Which hand-ins are of one lab, a sentence for each two."""
    sentences = []
    for pair in descriptions["shared"]:
        first, second = (names[place] for place in pair["files"])
        counts = ", ".join(f"{pair[kind]} {kind}" for kind in ("nodes", "tasks", "containers") if pair[kind])
        sentences.append(f"{first} and {second} were made on one lab: {counts} are the same.")
    return sentences


def grade_all(handins: Sequence[Path], nonces: Mapping[Path, str | None], lab_file: Path | None, grade: Grade) -> int:
    """Grade each file, print a table, and say what they share; gives the gravest exit status."""
    descriptions = describe(handins, lab_file)
    now = datetime.now(UTC)
    names = _distinct(handins)
    rows, statuses = [("name", "verdict", "points")], []
    lines = []
    for file, name, described in zip(handins, names, descriptions["files"], strict=True):
        status, report = grade(file, nonces[file])
        statuses.append(status)
        points = f"{report['points']['got']}/{report['points']['of']}" if report else "-"
        rows.append((name, str(report["verdict"]) if report else "refused", points))
        lines.append(f"{name}: {_refusal(described, nonces[file]) or notes(described, now)}")
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    print("", *lines, sep="\n")
    if copied := copies(descriptions, names):
        print("", *copied, sep="\n")
    sys.stdout.flush()
    return next((status for status in _WORST if status in statuses), max(statuses, default=0))


def _refusal(described: Mapping[str, Any], nonce: str | None) -> str:
    if "refused" in described:
        return f"refused: {described['refused']}"
    if nonce is not None and described["nonce"] != nonce:
        actual = f"with the nonce {described['nonce']!r}" if described["nonce"] else "without a nonce"
        return f"refused: it was made {actual}, not with {nonce!r}"
    return ""


def _distinct(handins: Sequence[Path]) -> list[str]:
    """A name for each file: its own, or where two have the same, its path."""
    short = [name_of(file) for file in handins]
    return [name if short.count(name) == 1 else str(file) for name, file in zip(short, handins, strict=True)]
