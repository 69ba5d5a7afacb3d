"""The READMEs list every exit status, in both languages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from labgen.core import errors

PROJECT = Path(__file__).parents[3]


def families(error: type[errors.LabgenError]) -> set[type[errors.LabgenError]]:
    """Give a class of errors and all below it."""
    return {error}.union(*(families(below) for below in error.__subclasses__()))


STATUSES = {error.exit_status for error in families(errors.LabgenError)} | {*errors.GRADED, errors.INTERRUPTED}
UNEXPECTED = errors.LabgenError.exit_status
"""Of errors about which nothing more exact is known."""


@pytest.mark.parametrize(("file", "heading"), [("README.md", "Exit statuses"), ("README.ko.md", "종료 상태")])
def test_readme_lists_every_exit_status(file: str, heading: str) -> None:
    text = (PROJECT / file).read_text(encoding="utf-8").partition(f"## {heading}\n")[2].partition("\n## ")[0]
    listed = {int(number) for number in re.findall(r"(?:^\s*|· *\n?)(\d+) ", text)}
    assert listed == STATUSES - {UNEXPECTED}
