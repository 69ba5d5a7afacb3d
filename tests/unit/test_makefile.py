"""The Makefile: what its first commands do."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

MAKEFILE = Path(__file__).parents[2] / "Makefile"


def commands(target: str) -> list[str]:
    """What make would run of labgen for a target, without its folder of programs."""
    run = subprocess.run(
        ["make", "--dry-run", "--no-print-directory", target],
        cwd=MAKEFILE.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    return re.findall(r"(?m)^\.venv/bin/(labgen .*)$", run.stdout)


UP = ["labgen init lab", "labgen -C lab doctor --fix", "labgen -C lab up"]


@pytest.mark.parametrize(
    ("target", "after"),
    [
        ("lab", ["labgen -C lab run loadbalance", "labgen -C lab grade loadbalance"]),
        ("course", ["labgen -C lab run --all --grade"]),
    ],
)
def test_makefile_brings_the_lab_up_and_then_does_what_its_name_says(target: str, after: list[str]) -> None:
    assert commands(target) == [*UP, *after]


def test_makefile_without_a_target_is_make_lab() -> None:
    first = re.search(r"(?m)^([a-z-]+):", MAKEFILE.read_text(encoding="utf-8"))
    assert first is not None
    assert first[1] == "lab"


def test_makefile_takes_down_every_folder_that_it_makes() -> None:
    text = MAKEFILE.read_text(encoding="utf-8")
    down = re.search(r"for folder in (.*); do", text)
    assert down is not None
    assert {"$(LAB)", "course-docker", "course-libvirt"} <= set(down[1].split())
