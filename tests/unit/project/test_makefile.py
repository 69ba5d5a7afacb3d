"""The Makefile: what its first commands do."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests import needs

MAKEFILE = Path(__file__).parents[3] / "Makefile"


def commands(target: str, program: str = "labgen") -> list[str]:
    """List the command lines of a program that make would run for a target."""
    needs.posix("make")
    dry_run = subprocess.run(
        ["make", "--dry-run", "--no-print-directory", target],
        cwd=MAKEFILE.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    return re.findall(rf"(?m)^\.venv/bin/({program} .*)$", dry_run.stdout)


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


def runs_of(target: str) -> list[str]:
    """List the folders of tests that make would run for a target, each with the provider it is run on."""
    return [
        re.sub(r"^pytest .*?(tests/\S+)(?:.*?( --provider \w+))?.*$", r"\1\2", command)
        for command in commands(target, "pytest")
    ]


def test_makefile_e2e_tests_each_provider_once() -> None:
    assert sorted(runs_of("e2e")) == [
        "tests/e2e --provider docker",
        "tests/e2e --provider libvirt",
        "tests/e2e/virtualbox",
    ]


def test_makefile_e2e_machines_runs_one_lab_of_virtual_machines_after_the_other() -> None:
    assert runs_of("e2e-machines") == ["tests/e2e/virtualbox", "tests/e2e --provider libvirt"]


def test_makefile_test_runs_every_unit_and_integration_test() -> None:
    assert runs_of("test") == ["tests/unit", "tests/integration/virtualbox", "tests/integration"]
    left_out = [re.findall(r"--ignore (\S+)", command) for command in commands("test", "pytest")]
    assert left_out == [[], [], ["tests/integration/virtualbox"]]
