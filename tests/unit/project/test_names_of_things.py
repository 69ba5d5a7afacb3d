"""Variables are named for what they hold, and a class name stands for one class.

The share of variables that are pronouns or participles only goes down.

A name counts where it is bound: assigned, a parameter, a loop variable, ``with ... as``, ``except ... as``. To see
where they are: ``python tests/unit/project/test_names_of_things.py``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[3]

SAY_NOTHING = frozenset(
    (
        *("one", "there", "told", "said", "found", "seen", "known", "made", "kept", "asked", "wanted", "left"),
        *("given", "named", "taken", "whole", "both", "same", "done", "other", "each"),
    )
)

UPPER_BOUNDS = {"labgen": 0.1, "provision": 0.1, "verify": 0.5, "tests": 2.3}
"""Percent of the bound names of each package. Lower the bound with each renaming, and never raise it.

The target is 1 % for ``labgen``, ``provision`` and ``verify``, and 3 % for ``tests``.
"""


def bound_names(source: str) -> Iterator[str]:
    """Give every name that is bound, as often as it is, without leading and trailing underscores."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id.strip("_")
        elif isinstance(node, ast.arg):
            yield node.arg.strip("_")
        elif isinstance(node, ast.ExceptHandler) and node.name:
            yield node.name.strip("_")


def counts(package: str) -> dict[Path, tuple[int, int]]:
    """Count the names that say nothing, and all names, of each file of a package."""
    names = {
        path: list(bound_names(path.read_text(encoding="utf-8"))) for path in sorted((PROJECT / package).rglob("*.py"))
    }
    return {path: (sum(name in SAY_NOTHING for name in bound), len(bound)) for path, bound in names.items()}


@pytest.mark.parametrize("package", UPPER_BOUNDS)
def test_names_of_things_say_what_they_hold(package: str) -> None:
    files = counts(package)
    empty, total = (sum(count[part] for count in files.values()) for part in (0, 1))
    assert total
    share = 100 * empty / total
    bound = UPPER_BOUNDS[package]
    assert share <= bound, f"{empty} of {total} names of {package} are pronouns: {share:.2f} %, at most {bound} %"
    assert share > bound - 1, f"{package} has {share:.2f} % now: lower its bound from {bound} %"


def test_bound_names_are_those_that_are_assigned() -> None:
    source = """
def call(one, *, other=1, **kept):
    for said in one:
        pass
    with open("") as _made:
        (left, right) = named.given, found()
    try:
        pass
    except OSError as why:
        pass
    return [each for each in there]
"""
    expected = ["one", "other", "kept", "said", "made", "left", "right", "why", "each"]
    assert sorted(bound_names(source)) == sorted(expected)


OFTEN = frozenset({"Parameters"})
"""Classes of which each exercise has its own."""


def test_class_names_stand_for_one_class_each() -> None:
    modules: dict[str, list[str]] = {}
    for package in ("labgen", "provision", "verify"):
        for path in sorted((PROJECT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ClassDef):
                    modules.setdefault(node.name, []).append(path.relative_to(PROJECT).as_posix())
    assert {name: paths for name, paths in modules.items() if len(paths) > 1 and name not in OFTEN} == {}


NO_UNITS = frozenset(
    (
        *("a", "an", "the", "what", "where", "who", "whoever", "it", "every", "no", "one", "all", "only", "there"),
        *("nothing", "each", "of", "in", "at", "with", "without", "that", "before", "after", "if", "when", "how"),
    )
)
"""Words with which the names of tests do not begin: the unit stands there."""


def test_tests_are_named_for_their_unit() -> None:
    names = [
        node.name
        for path in sorted((PROJECT / "tests").rglob("test_*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]
    without_unit = [name for name in names if name.split("_")[1] in NO_UNITS]
    assert len(without_unit) <= 0.02 * len(names), without_unit


if __name__ == "__main__":
    rows = [(count, path) for package in UPPER_BOUNDS for path, (count, _) in counts(package).items() if count]
    for count, path in sorted(rows, reverse=True):
        print(f"{count:4} {path.relative_to(PROJECT)}")
