"""docs/compatibility.md names the versions that the code writes and reads."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from labgen import report
from labgen.model import lab_folder
from verify import bundle

TEXT = (Path(__file__).parents[3] / "docs" / "compatibility.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("file", "written", "read"),
    [
        ("report.json", report.VERSION, f"1 to {report.VERSION}"),
        ("evidence.jsonl", bundle.VERSION, str(bundle.VERSION)),
        (".labgen/state.json", lab_folder.STATE_VERSION, f"1 to {lab_folder.STATE_VERSION}"),
    ],
)
def test_docs_compatibility_names_the_versions_of_each_file(file: str, written: int, read: str) -> None:
    assert re.search(rf"(?m)^\| .*`{re.escape(file)}` \| {written} \| {read} \|", TEXT)
