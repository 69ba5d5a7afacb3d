"""Find needs of checks that can never be met: of a check that there is not, or of itself by way of others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from labgen.core.errors import ExerciseError
from verify.checks import Check

_HINT = "Correct its needs; the other exercises work meanwhile."


@dataclass(frozen=True)
class Declared:
    """A check and where it stands.

    :param place: file and line.
    """

    check: Check
    place: str


def mistakes(exercises: Mapping[str, Sequence[Declared]]) -> dict[str, ExerciseError]:
    """Find the exercises whose checks have needs that can never be met.

    :param exercises: the checks of each, by its name.
    """
    by_id = {declared.check.id: declared for checks in exercises.values() for declared in checks}
    wrong: dict[str, ExerciseError] = {}
    for name, checks in exercises.items():
        for declared in checks:
            if reason := _unknown(declared, by_id) or _circle(declared, by_id):
                wrong.setdefault(name, ExerciseError(f"{declared.place}: {reason}.", _HINT))
    return wrong


def _unknown(declared: Declared, by_id: Mapping[str, Declared]) -> str:
    need = next((need for need in declared.check.needs if need not in by_id), "")
    return f"{declared.check.id} needs {need}, and there is no such check" if need else ""


def _circle(declared: Declared, by_id: Mapping[str, Declared]) -> str:
    """Say by which way a check needs itself; empty if it does not."""
    start = declared.check.id
    ways = [[start]]
    visited: set[str] = set()
    while ways:
        way = ways.pop()
        for need in by_id[way[-1]].check.needs if way[-1] in by_id else ():
            if need == start:
                return f"{start} needs itself: {' needs '.join([*way, start])}"
            if need not in visited:
                visited.add(need)
                ways.append([*way, need])
    return ""
