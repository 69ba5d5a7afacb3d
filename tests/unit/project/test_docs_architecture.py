"""docs/architecture.md has every package of labgen on its map."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

PROJECT = Path(__file__).parents[3]


def floors() -> list[str]:
    """List the packages of labgen that the page's table of floors has, from the roof down."""
    text = (PROJECT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = text.partition("## Floors of labgen")[2].partition("\n## ")[0]
    return re.findall(r"(?m)^\| `labgen\.(\w+)` \|", table)


def test_docs_architecture_has_every_package_of_labgen_in_its_table_of_floors() -> None:
    assert set(floors()) == {path.parent.name for path in PROJECT.glob("labgen/*/__init__.py")}


def test_docs_architecture_has_the_floors_in_the_order_that_import_linter_tests() -> None:
    contracts = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    (layers,) = [contract["layers"] for contract in contracts["contracts"] if contract["type"] == "layers"]
    packages = [layer.partition(".")[2] for layer in layers if layer.startswith("labgen.")]
    assert floors() == [package for package in packages if package != "__main__"]
