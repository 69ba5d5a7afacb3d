"""The import contracts in pyproject.toml see every module: `make lint` compares them with the code."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[3]


@pytest.mark.parametrize("package", ["labgen", "provision", "verify"])
def test_import_contracts_see_every_folder_with_modules(package: str) -> None:
    """Folders without an ``__init__.py`` would be left out in silence."""
    folders = {path.parent for path in (PROJECT / package).rglob("*.py")}
    assert folders
    assert [folder for folder in sorted(folders) if not (folder / "__init__.py").is_file()] == []


def test_import_contracts_name_every_package_of_labgen_as_a_floor() -> None:
    settings = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = settings["tool"]["importlinter"]["contracts"][0]["layers"]
    floors = {name.strip() for layer in layers for name in layer.split("|")}
    packages = {f"labgen.{path.parent.name}" for path in PROJECT.glob("labgen/*/__init__.py")}
    assert packages | {"labgen.__main__", "provision", "verify"} == floors
