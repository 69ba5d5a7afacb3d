"""The walls of the house: provision and verify rest on labgen, and none of the three looks the other way."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2]
WALLS = {"labgen": {"provision", "verify"}, "provision": {"verify"}, "verify": {"provision"}}


def imported(module: Path) -> set[str]:
    """First names of what a module imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


@pytest.mark.parametrize("room", WALLS)
def test_nothing_is_imported_through_a_wall(room: str) -> None:
    # An exercise's steps and checks stand on top of provision and verify, and have walls of their own.
    modules = sorted(set((HOUSE / room).rglob("*.py")) - set((HOUSE / "labgen" / "exercises").rglob("*.py")))
    assert modules
    through = {str(module): imported(module) & WALLS[room] for module in modules}
    assert {module: names for module, names in through.items() if names} == {}


@pytest.mark.parametrize(("part", "wall"), [("exercise", {"provision", "verify"}), ("steps", {"verify"})])
def test_exercise_parts_import_nothing_through_a_wall(part: str, wall: set[str]) -> None:
    modules = sorted((HOUSE / "labgen" / "exercises").glob(f"*/{part}.py"))
    assert modules
    assert {str(module): names for module in modules if (names := imported(module) & wall)} == {}
