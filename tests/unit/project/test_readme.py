"""The READMEs list every exit status, and have each reader's way complete."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from labgen.core import errors

PROJECT = Path(__file__).parents[3]
ENGLISH = (PROJECT / "README.md").read_text(encoding="utf-8")
KOREAN = (PROJECT / "README.ko.md").read_text(encoding="utf-8")


def families(error: type[errors.LabgenError]) -> set[type[errors.LabgenError]]:
    """Give a class of errors and all below it."""
    return {error}.union(*(families(below) for below in error.__subclasses__()))


STATUSES = {error.exit_status for error in families(errors.LabgenError)} | {*errors.GRADED, errors.INTERRUPTED}
UNEXPECTED = errors.LabgenError.exit_status
"""Of errors about which nothing more exact is known."""


@pytest.mark.parametrize(("text", "heading"), [(ENGLISH, "Exit statuses"), (KOREAN, "종료 상태")])
def test_readme_lists_every_exit_status(text: str, heading: str) -> None:
    section = text.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    listed = {int(number) for number in re.findall(r"(?:^\s*|· *\n?)(\d+) ", section)}
    assert listed == STATUSES - {UNEXPECTED}


@pytest.mark.parametrize("text", [ENGLISH, KOREAN], ids=["en", "ko"])
@pytest.mark.parametrize(
    "command",
    [
        "py -3 -m venv .venv",
        "Set-ExecutionPolicy -Scope CurrentUser RemoteSigned",
        "cd mylab",
        "labgen up --provider docker",
        "pipx install --include-deps",
        "uv tool install --with-executables-from fabric,pytest",
        "labgen kit make classroom",
        "python -m labgen",
    ],
)
def test_readme_has_each_way_complete(text: str, command: str) -> None:
    assert command in text
