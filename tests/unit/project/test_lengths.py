"""Functions of the product are short; what is longer is the list of an exercise's steps."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[3]
MOST = 60
"""Lines that a function may have, its docstring among them."""


def too_long(source: str) -> list[str]:
    """Name each function that has more lines, with how many."""
    functions = [
        node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    lengths = [(function.name, (function.end_lineno or 0) - function.lineno + 1) for function in functions]
    return [f"{name}: {length}" for name, length in lengths if length > MOST]


def is_list_of_steps(path: Path, function: str) -> bool:
    """Tell whether a function is ``script`` of an exercise, which returns its steps, one after the other."""
    return path.name == "steps.py" and function.startswith("script:")


@pytest.mark.parametrize("package", ["labgen", "provision", "verify"])
def test_functions_have_at_most_60_lines(package: str) -> None:
    long = [
        f"{path.relative_to(PROJECT)}: {function}"
        for path in sorted((PROJECT / package).rglob("*.py"))
        for function in too_long(path.read_text(encoding="utf-8"))
        if not is_list_of_steps(path, function)
    ]
    assert long == []


def test_too_long_counts_from_def_to_the_last_line() -> None:
    body = "    x = 1\n" * (MOST - 1)
    assert too_long(f"def f():\n{body}") == []
    assert too_long(f"class C:\n  def f(self):\n    {body.strip()}\n    x = 1\n") == [f"f: {MOST + 1}"]
