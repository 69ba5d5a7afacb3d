"""Values of an exercise stand in its ``Parameters`` only, so that whoever sets one sets it everywhere."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

import pytest

from labgen.core.i18n import LANGUAGES
from labgen.exercise.catalogue import exercises, find
from labgen.exercise.model import brief_file

FOLDER = Path(__file__).parents[3] / "labgen" / "exercises"
PYTHON = ("exercise.py", "steps.py", "checks.py")
TEXTS = ("messages.ko.po", *map(brief_file, LANGUAGES))

NO_VALUES = {
    ("failover/exercise.py", "2"): "workers of the smallest lab",
    ("ports/exercise.py", "2"): "nodes of the smallest lab whose crowded service is not the first",
    ("placement/checks.py", "spread"): "name of the property that a hint repeats",
}
"""Literals that happen to equal a default, and what they are."""

SMALLEST = 2
"""Of smaller numbers nobody can tell what they count."""


def literals(tree: ast.AST, *, without: str = "") -> Iterator[ast.Constant]:
    """Give the literals of a module: no docstrings, no points of a check, nothing of a class that is named."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef) and node.name == without:
            yield from (
                literal for method in node.body if isinstance(method, ast.FunctionDef) for literal in literals(method)
            )
        elif _is_no_value(node):
            continue
        elif isinstance(node, ast.Constant):
            yield node
        else:
            yield from literals(node, without=without)


def _is_no_value(node: ast.AST) -> bool:
    """Tell whether it is the points of a check, or a docstring."""
    if isinstance(node, ast.keyword):
        return node.arg == "points"
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def repeats(literal: object, default: object) -> bool:
    """Tell whether a literal is a default, or text that has one in it that is no mere word or small number."""
    if isinstance(literal, bool) or isinstance(default, bool):
        return False
    if isinstance(literal, str):
        return literal == default or _stands_in(literal, default)
    return isinstance(literal, (int, float)) and literal >= SMALLEST and literal == default


def _stands_in(text: str, default: object) -> bool:
    distinct = re.search(r"[-_:. ]", default) if isinstance(default, str) else isinstance(default, int) and default > 99
    return bool(distinct) and re.search(rf"(?<![\w.-]){re.escape(str(default))}(?![\w-])", text) is not None


def constants(tree: ast.Module, defaults: Mapping[str, object]) -> Iterator[str]:
    """Give the names at the top of a module that are made of ``Parameters``, or repeat a default of a parameter."""
    for statement in tree.body:
        if not isinstance(statement, (ast.Assign, ast.AnnAssign)) or statement.value is None:
            continue
        (target, *_) = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        names = {node.id for node in ast.walk(statement.value) if isinstance(node, ast.Name)}
        values = [node.value for node in ast.walk(statement.value) if isinstance(node, ast.Constant)]
        copied = any(repeats(value, default) for value in values for default in defaults.values())
        if ("Parameters" in names or copied) and ast.unparse(target) != "EXERCISE":
            yield ast.unparse(target)


@pytest.mark.parametrize("name", exercises())
def test_modules_of_an_exercise_have_no_constants_of_its_parameters(name: str) -> None:
    for part in PYTHON:
        tree = ast.parse((FOLDER / name / part).read_text(encoding="utf-8"))
        assert list(constants(tree, asdict(find(name).parameters))) == [], part
        module = import_module(f"labgen.exercises.{name}.{part.removesuffix('.py')}")
        kind = type(find(name).parameters)
        bound = [word for word, value in vars(module).items() if isinstance(getattr(value, "__self__", value), kind)]
        assert bound == [], part


@pytest.mark.parametrize("name", exercises())
def test_modules_of_an_exercise_repeat_no_default_of_its_parameters(name: str) -> None:
    for part in PYTHON:
        tree = ast.parse((FOLDER / name / part).read_text(encoding="utf-8"))
        for literal in literals(tree, without="Parameters"):
            for parameter, default in asdict(find(name).parameters).items():
                if repeats(literal.value, default):
                    reason = NO_VALUES.get((f"{name}/{part}", str(literal.value)))
                    assert reason, f"{name}/{part}, line {literal.lineno}: {literal.value!r} is {parameter}"


@pytest.mark.parametrize("name", exercises())
def test_texts_of_an_exercise_repeat_no_default_of_its_parameters(name: str) -> None:
    module = ast.parse((FOLDER / name / "checks.py").read_text(encoding="utf-8"))
    claims = [ast.get_docstring(node) or "" for node in module.body if isinstance(node, ast.FunctionDef)]
    for text in (*claims, *((FOLDER / name / file).read_text(encoding="utf-8") for file in TEXTS)):
        for parameter, default in asdict(find(name).parameters).items():
            assert not _stands_in(text, default), f"{parameter} stands in {text.partition(str(default))[0][-60:]!r}"


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("SERVICE = Parameters().service", ["SERVICE"]),
        ("FEW, MANY = Parameters.few, 3", ["(FEW, MANY)"]),
        ("PORT: int = 8001", ["PORT"]),
        ('_NAME = f"{x} web-alb"', ["_NAME"]),
        ("EXERCISE = Exercise(parameters=Parameters())", []),
        ("_SLOW = 7", []),
    ],
)
def test_constants_are_those_that_repeat_parameters(source: str, names: list[str]) -> None:
    assert list(constants(ast.parse(source), {"port": 8001, "name": "web-alb"})) == names


def test_literals_are_those_that_count() -> None:
    source = '''
"""8001"""
class Parameters:
    port: int = 8001
    def url(self):
        return "web-alb"
@check(points=8001)
def test_page(port=8002):
    """Port 8003."""
    assert port == 8004
'''
    assert [literal.value for literal in literals(ast.parse(source), without="Parameters")] == ["web-alb", 8002, 8004]
    assert repeats("curl :8001", 8001)
    assert not repeats("curl :80", 80)
    assert not repeats(1, 1)


def test_allowed_literals_are_still_there() -> None:
    for (file, value), reason in NO_VALUES.items():
        tree = ast.parse((FOLDER / file).read_text(encoding="utf-8"))
        assert value in {str(literal.value) for literal in literals(tree, without="Parameters")}, (file, reason)
