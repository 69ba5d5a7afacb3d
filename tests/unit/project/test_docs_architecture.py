"""docs/architecture.md has every package of labgen on its map."""

from __future__ import annotations

import re
from pathlib import Path

PROJECT = Path(__file__).parents[3]


def test_docs_architecture_has_every_package_of_labgen_in_its_table_of_floors() -> None:
    text = (PROJECT / "docs" / "architecture.md").read_text(encoding="utf-8")
    floors = text.partition("## Floors of labgen")[2].partition("\n## ")[0]
    named = {name for row in re.findall(r"(?m)^\| (`.*?) \|", floors) for name in re.findall(r"`labgen\.(\w+)`", row)}
    packages = {path.parent.name for path in PROJECT.glob("labgen/*/__init__.py")}
    assert named == packages
