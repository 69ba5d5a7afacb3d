"""A grading that acts on the lab does not run beside a command that changes it."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from fake_lab import FakeLab

from labgen.core.errors import HostError
from labgen.core.lock import folder_lock
from labgen.exercise.catalogue import exercise_names, exercises
from labgen.model.lab_folder import LabFolder
from verify import session

pytest_plugins = ["pytester"]


def test_exercise_acts_says_whose_checks_act() -> None:
    modules = {name: import_module(f"labgen.exercises.{name}.checks") for name in exercise_names()}
    acting = {
        name
        for name, module in modules.items()
        for _, function in inspect.getmembers(module, inspect.isfunction)
        if (inspect.getdoc(function) or "").startswith("Live test")
    }
    assert acting == {name for name, exercise in exercises().items() if exercise.acts}


def graded_beside_another_command(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, *options: str
) -> subprocess.CompletedProcess[str]:
    """Grade in a process of its own, while this one holds the lock, and does not hand it on."""
    with folder_lock(LabFolder.at(pytester.path), "labgen run --all"):
        monkeypatch.delenv("LABGEN_LOCK")
        try:
            code = "import sys, pytest; from labgen.core import lock; lock.GRADING_WAITS = 0.5; sys.exit(pytest.main())"
            return subprocess.run(
                [
                    sys.executable,
                    "-c",
                    code,
                    "-p",
                    "verify.plugin",
                    "-p",
                    "no:cacheprovider",
                    str(Path(session.__file__).parent),
                    *options,
                ],
                cwd=pytester.path,
                capture_output=True,
                text=True,
                check=False,
            )
        finally:
            monkeypatch.undo()


@pytest.mark.parametrize("options", [(), ("--exercise=scaling",), ("--exercise=all",)])
def test_grading_waits_for_another_command_then_says_which_it_is(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    grading = graded_beside_another_command(pytester, monkeypatch, *options)
    assert grading.returncode != 0
    assert "This lab is in use by `labgen run --all`" in grading.stdout
    assert "still in use by `labgen run --all`" in grading.stderr


def test_grading_that_only_looks_is_not_held_up(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    grading = graded_beside_another_command(pytester, monkeypatch, "--exercise=update")
    assert "in use" not in grading.stderr
    assert "is not up" in grading.stderr


def test_grading_holds_the_lock_only_as_long_as_it_lasts(
    grade: Callable[..., dict[str, Any]], fake: FakeLab, pytester: pytest.Pytester
) -> None:
    grade()
    with folder_lock(LabFolder.at(pytester.path), "labgen up"):
        pass


def test_grading_of_a_folder_that_may_only_be_read_takes_no_lock(
    grade: Callable[..., dict[str, Any]], fake: FakeLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise HostError(".labgen/lock cannot be locked: Read-only file system.")

    monkeypatch.setattr(session, "folder_lock", refuse)
    monkeypatch.setattr(os, "access", lambda _path, _mode: False)
    assert grade()["points"]["got"] > 0
