"""No provider is asked for by name outside its own folder: its facts and verbs are asked for."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from labgen.model import provider_names

ROOT = Path(__file__).parents[3]
NAMES = frozenset(provider_names.packages())
# "docker" is the name of a program and of a source of engines as well, so what stands beside it decides.
OTHER_MEANINGS = {"docker"}


def modules() -> Iterator[Path]:
    for package in ("labgen", "provision", "verify"):
        yield from (ROOT / package).rglob("*.py")


def aliases(tree: ast.AST) -> frozenset[str]:
    """Names under which a module has imported something of one provider's."""
    return frozenset(
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[:2] == ["labgen", "providers"]
        for alias in node.names
        if {*(node.module or "").split(".")[2:], alias.name} & NAMES
    )


def named(node: ast.AST) -> frozenset[str]:
    """Names of providers that an expression holds as text."""
    return frozenset(part.value for part in ast.walk(node) if isinstance(part, ast.Constant) and part.value in NAMES)


def asks(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Where a module compares with a provider's name, or has a table with one as its key or index."""
    imported = aliases(tree)
    for node in ast.walk(tree):
        parts: list[ast.AST] = []
        if isinstance(node, ast.Compare):
            parts = [node.left, *node.comparators]
        elif isinstance(node, ast.MatchValue):
            parts = [node.value]
        elif isinstance(node, ast.Dict):
            parts = [key for key in node.keys if key is not None]
        elif isinstance(node, ast.Subscript):
            parts = [node.slice]
        names = {name for part in parts for name in named(part)}
        # A program `docker` in a command line, a key `docker` of an engine's source: about no provider.
        words = {inner.id for part in parts for inner in ast.walk(part) if isinstance(inner, ast.Name)}
        by_import = words & imported and not isinstance(node, ast.Subscript)
        if by_import or names - OTHER_MEANINGS or (names and "provider" in ast.unparse(node)):
            yield getattr(node, "lineno", 0), ast.unparse(node)[:80]


def imports(tree: ast.AST) -> Iterator[str]:
    """Provider folders that a module imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("labgen.providers"):
            parts = [*(node.module or "").split(".")[2:3], *(alias.name for alias in node.names)]
            yield from (part for part in parts if part in NAMES)


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ('if state.provider == "libvirt": pass', 1),
        ('if provider != "docker": pass', 1),
        ('x = provider in ("virtualbox", "docker")', 1),
        ('table = {"libvirt": 1}', 1),
        ('ids["virtualbox"] = {}', 1),
        ('match provider:\n    case "libvirt": pass', 1),
        ("from labgen.providers.docker import PROVIDER as DOCKER\nif provider != DOCKER.name: pass", 1),
        ("from labgen.providers import docker\nif provider == docker.PROVIDER: pass", 1),
        ('run(["docker", "ps"])', 0),
        ('if "docker" not in facts.groups: pass', 0),
    ],
)
def test_asks_finds_comparisons_and_tables(source: str, count: int) -> None:
    assert len(list(asks(ast.parse(source)))) == count


def test_providers_are_not_asked_for_by_name() -> None:
    files = [path for path in modules() if "providers" not in path.relative_to(ROOT).parts]
    assert len(files) > 100
    comparisons = {
        f"{path.relative_to(ROOT)}:{line}": text
        for path in files
        if path.name != "provider_names.py"
        for line, text in asks(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert comparisons == {}


def test_providers_do_not_import_each_other() -> None:
    imported = {}
    for name in NAMES:
        for path in (ROOT / "labgen" / "providers" / name).rglob("*.py"):
            others = set(imports(ast.parse(path.read_text(encoding="utf-8")))) - {name}
            if others:
                imported[str(path.relative_to(ROOT))] = others
    assert imported == {}
