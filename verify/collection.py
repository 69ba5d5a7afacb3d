"""Collect the checks of the exercises: in a ``verify/`` of labgen's, one module for each, named after the exercise.

What is wrong with an exercise is kept and told at the end of the run; the checks of the others are collected.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from labgen.core.errors import ExerciseError
from labgen.exercise.catalogue import exercises, import_part, problems
from labgen.exercise.model import Exercise
from verify.needs import Declared, mistakes
from verify.plugin import is_checks_folder

LEFT_OUT = pytest.StashKey[dict[str, ExerciseError]]()
"""Why exercises were left out, by name."""

_SKELETON = re.compile(r'\s*(""".*?"""\s*)?from verify\.test_(\w+) import \*\s*', re.DOTALL)
"""What `labgen init` of labgen 0.1 laid down for each exercise: ``verify/test_NAME.py``."""


class ChecksModule(pytest.Module):
    """The checks of one exercise; its id is ``verify/NAME``, wherever the exercise stands."""

    @classmethod
    def of(cls, exercise: Exercise, checks: ModuleType, parent: pytest.Dir) -> ChecksModule:
        """Make the collector of an exercise's checks."""
        # In a run whose root is this very folder, pytest calls it ".".
        place = "" if parent.nodeid in ("", ".") else f"{parent.nodeid}/"
        module: ChecksModule = cls.from_parent(
            parent, path=Path(str(checks.__file__)), name=exercise.name, nodeid=f"{place}{exercise.name}"
        )
        module.checks, module.exercise = checks, exercise
        return module

    checks: ModuleType
    exercise: Exercise

    def _getobj(self) -> ModuleType:
        return self.checks


class ChecksFolder(pytest.Dir):  # type: ignore[misc]  # final to type checkers; no Directory collects as it does
    """A ``verify/`` of labgen's: every exercise, then the folder's own files, which may be a teacher's checks."""

    def collect(self) -> Iterable[pytest.Item | pytest.Collector]:
        """Give one module for each exercise that has no mistake."""
        modules, left_out = _checks(exercises())
        self.config.stash[LEFT_OUT] = {**dict(problems()), **left_out}
        for name, checks in modules.items():
            yield ChecksModule.of(exercises()[name], checks, self)
        if self.path != Path(__file__).parent and not (self.path / "grading.ini").is_file():
            yield from super().collect()


def pytest_configure() -> None:
    """Have pytest tell the values in failed assertions of checks, as it does for tests."""
    checks = [f"{exercise.package}.checks" for exercise in exercises().values()]
    pytest.register_assert_rewrite(*(name for name in checks if name not in sys.modules))


@pytest.hookimpl(tryfirst=True)
def pytest_collect_directory(path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect the exercises where the folder is for them."""
    return ChecksFolder.from_parent(parent, path=path) if is_checks_folder(path) else None


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out the files that an older `labgen init` laid down: the exercises are collected without them."""
    return True if is_checks_folder(collection_path.parent) and is_old_file(collection_path) else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say which exercises were left out, and why."""
    for name, error in config.stash.get(LEFT_OUT, {}).items():
        terminalreporter.line(f"{name}: left out: {error.message}")


def is_old_file(path: Path) -> bool:
    """Tell whether a file is one that an older `labgen init` laid down for an exercise, unchanged."""
    if not path.name.startswith("test_") or path.suffix != ".py" or not path.is_file():
        return False
    return _SKELETON.fullmatch(path.read_text(encoding="utf-8", errors="replace")) is not None


def refuse_removed_files(paths: Iterable[Path]) -> None:
    """Say how an exercise is named now, where somebody names the file that its checks once were.

    :raises pytest.UsageError: somebody does.
    """
    for path in paths:
        name = path.stem.removeprefix("test_")
        if name in exercises() and is_checks_folder(path.parent) and (not path.exists() or is_old_file(path)):
            raise pytest.UsageError(
                f"the checks of {name} are no file of this folder: pytest verify/ --exercise {name}"
            )


def serve_old_folders() -> None:
    """Let the ``verify/conftest.py`` of older lab folders import what it imports: nothing is in there any more."""
    sys.modules.setdefault("verify.conftest", ModuleType("verify.conftest", "Empty; older lab folders import it."))


def _checks(exercises_by_name: Mapping[str, Exercise]) -> tuple[dict[str, ModuleType], dict[str, ExerciseError]]:
    """Import the checks of exercises; gives the modules, and what is wrong with the others."""
    modules: dict[str, ModuleType] = {}
    left_out: dict[str, ExerciseError] = {}
    for name, exercise in exercises_by_name.items():
        try:
            modules[name] = import_part(exercise, "checks")
        except ExerciseError as error:
            left_out[name] = error
    left_out |= mistakes({name: declared(module) for name, module in modules.items()})
    return {name: module for name, module in modules.items() if name not in left_out}, left_out


def declared(module: ModuleType) -> Sequence[Declared]:
    """List the checks of a module, each with the place where it is declared."""
    return [
        Declared(mark.args[0], f"{value.__code__.co_filename}, line {value.__code__.co_firstlineno}")
        for value in vars(module).values()
        for mark in _marks(value)
    ]


def _marks(value: Any) -> list[pytest.Mark]:
    marks = getattr(value, "pytestmark", ())
    return [mark for mark in marks if mark.name == "check"] if isinstance(marks, list) else []
