"""The trial of a mutant: the tests that come to it, run in a copy of the project that has it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tests.mutation.mutants import Mutant

_IGNORED = shutil.ignore_patterns(".git", ".venv", ".mutation", ".*_cache", "__pycache__", ".hypothesis", "lab", "dist")
_SLOWER = 4.0
"""How much longer than without a mutant the tests may take, on a computer that is not busy."""

_ABSENT = re.compile(r"^ERROR: not found: (.+)\n\(no match in any of ", re.MULTILINE)
"""What pytest says of a test that its file has no more."""

_STARTING = 40.0
"""Seconds that pytest itself may take to start."""


class Fate(StrEnum):
    """What came of a mutant."""

    KILLED = "killed"
    ALIVE = "alive"
    UNTESTED = "untested"
    UNDECIDED = "undecided"
    """The tests did not end in time, with the mutant or without it."""


@dataclass(frozen=True)
class Tried:
    """A mutant and what came of it.

    :param by: the test that noticed it, ``"time"`` if the tests did not end; empty if none did.
    :param tests: how many tests were asked.
    :param diff: the change, as it was made.
    """

    mutant: Mutant
    fate: Fate
    by: str = ""
    tests: int = 0
    diff: str = ""


def copy_of(root: Path, folder: Path) -> Path:
    """Copy the project, to be changed."""
    shutil.copytree(root, folder, ignore=_IGNORED, symlinks=True)
    return folder


def attempt(tree: Path, mutant: Mutant, tests: Sequence[str], expected: float) -> Tried:
    """Put a mutant into a copy of the project, run tests until one fails, and take it out again.

    :param expected: seconds that the tests take without a mutant.
    """
    file = tree / mutant.path
    source, stat = file.read_bytes(), file.stat()
    diff = mutant.diff(source)
    # A baseline that was kept may know tests that there are no more.
    tests = [test for test in tests if (tree / test.partition("::")[0]).exists()]
    if not tests:
        return Tried(mutant, Fate.UNTESTED, diff=diff)
    limit = (_STARTING + _SLOWER * expected) * _load()
    try:
        file.write_bytes(mutant.apply(source))
        status, printed = _run(tree, tests, limit)
        while (present := those_present(tests, printed)) != tests:
            tests = present
            status, printed = _run(tree, tests, limit) if tests else (0, "")
    except subprocess.TimeoutExpired:
        status, printed = None, ""
    finally:
        file.write_bytes(source)
        # As old as it was: what Python has compiled of it is of this age.
        os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    if status is None:
        fate = Fate.KILLED if _end_within(tree, tests, limit) else Fate.UNDECIDED
        return Tried(mutant, fate, "time", len(tests), diff)
    if status == 0:
        return Tried(mutant, Fate.ALIVE if tests else Fate.UNTESTED, tests=len(tests), diff=diff)
    failed = (line.split()[1] for line in printed.splitlines() if line.startswith("FAILED "))
    return Tried(mutant, Fate.KILLED, next(failed, f"the run itself, with status {status}"), len(tests), diff)


def those_present(tests: Sequence[str], printed: str) -> list[str]:
    """Leave out the tests that pytest has not found.

    Where only the parameters have changed, or the function is gone, pytest names the function alone: it is asked for
    without parameters, and left out if that is not found either.
    """
    absent = set(_ABSENT.findall(printed))
    present: dict[str, None] = {}
    for test in tests:
        function = test.partition("[")[0]
        if not any(name.endswith(test if "[" in name else function) for name in absent):
            present[test] = None
        elif function != test and not any(name.endswith(test) for name in absent):
            present[function] = None
    return list(present)


def _load() -> float:
    """Return how many times longer a program takes because others run: at least 1."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def _end_within(tree: Path, tests: Sequence[str], limit: float) -> bool:
    """Return whether the tests end in time without a mutant: only then is it the mutant that made them hang."""
    try:
        _run(tree, tests, limit)
    except subprocess.TimeoutExpired:
        return False
    return True


def _run(tree: Path, tests: Sequence[str], within: float) -> tuple[int, str]:
    """Run tests until one fails; give pytest's status, and what it printed."""
    names = tree / "mutation-tests.txt"
    names.write_text("\n".join(tests) + "\n", encoding="utf-8")
    command = [sys.executable, "-B", "-m", "pytest", "-x", "-q", "--no-header", "--tb=no", "-rf", "-p", "no:randomly"]
    command += ["-p", "no:cacheprovider", "--hypothesis-seed=0", f"@{names}"]
    environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    ended = subprocess.run(
        command, cwd=tree, env=environment, timeout=within, check=False, capture_output=True, text=True
    )
    return ended.returncode, ended.stdout + ended.stderr
