"""The trial of a mutant: the tests that come to it, run in a copy of the project that has it."""

from __future__ import annotations

import os
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
"""How much longer than without a mutant the tests may take: what takes longer hangs, and was noticed."""

_STARTING = 40.0
"""Seconds that pytest itself may take to start."""


class Fate(StrEnum):
    """What came of a mutant."""

    KILLED = "killed"
    ALIVE = "alive"
    UNTESTED = "no test comes to it"


@dataclass(frozen=True)
class Tried:
    """A mutant and what came of it.

    :param by: the test that noticed it, ``"time"`` where the tests did not end; empty where none did.
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
    file, names = tree / mutant.path, tree / "mutation-tests.txt"
    source, stat = file.read_bytes(), file.stat()
    diff = mutant.diff(source)
    if not tests:
        return Tried(mutant, Fate.UNTESTED, diff=diff)
    names.write_text("\n".join(tests) + "\n", encoding="utf-8")
    command = [sys.executable, "-B", "-m", "pytest", "-x", "-q", "--no-header", "--tb=no", "-rf", "-p", "no:randomly"]
    command += ["-p", "no:cacheprovider", "--hypothesis-seed=0", f"@{names}"]
    environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        file.write_bytes(mutant.apply(source))
        ended = subprocess.run(
            command,
            cwd=tree,
            env=environment,
            timeout=_STARTING + _SLOWER * expected,
            check=False,
            capture_output=True,
            text=True,
        )
    except subprocess.TimeoutExpired:
        return Tried(mutant, Fate.KILLED, "time", len(tests), diff)
    finally:
        file.write_bytes(source)
        # As old as it was: what Python has compiled of it is of this age.
        os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    if ended.returncode == 0:
        return Tried(mutant, Fate.ALIVE, tests=len(tests), diff=diff)
    failed = (line.split()[1] for line in ended.stdout.splitlines() if line.startswith("FAILED "))
    return Tried(mutant, Fate.KILLED, next(failed, "the run itself"), len(tests), diff)
