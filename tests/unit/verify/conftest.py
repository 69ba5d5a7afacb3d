"""A lab that answers from recordings, graded through the files that a lab folder gets."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import verify.conftest  # noqa: F401 - kept imported: pytester would import it anew for each run
from expected_verdicts import ExpectedVerdicts, from_environment
from fake_lab import FakeLab

from labgen.exercise.catalogue import exercise_names
from labgen.machines import inventory

Grade = Callable[..., dict[str, Any]]

CONFTEST = """
import sys
sys.path.insert(0, {here!r})
from verify.conftest import *
from verify import conftest
import pytest, fake_lab_in_use

conftest.inventory.load = lambda path: fake_lab_in_use.LAB.inventory
conftest.SshHosts = lambda _inventory: fake_lab_in_use.LAB
"""


@pytest.fixture(scope="session")
def expected_verdicts() -> Iterator[ExpectedVerdicts]:
    """The verdicts that are kept as data, or what collects them to be written."""
    expected = from_environment()
    yield expected
    if expected.write:
        from test_verify_verdicts import fault_names

        expected.write_data(fault_names())


@pytest.fixture
def fake() -> FakeLab:
    """A lab with everything as it should be."""
    return FakeLab()


@pytest.fixture
def grade(pytester: pytest.Pytester, fake: FakeLab, monkeypatch: pytest.MonkeyPatch) -> Grade:
    """Grade the fake lab through the files that a lab folder gets; gives the report and the exit status."""
    holder = ModuleType("fake_lab_in_use")
    holder.LAB = fake  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "fake_lab_in_use", holder)
    monkeypatch.setattr(inventory, "load", inventory.load)  # put back what the conftest above replaces
    skeleton = Path(inventory.__file__).parents[1] / "skeleton" / "verify" / "test_EXERCISE.py.in"
    folder = pytester.mkdir("verify")
    for name in exercise_names():
        (folder / f"test_{name}.py").write_text(skeleton.read_text().replace("EXERCISE", name))
    (folder / "conftest.py").write_text(CONFTEST.format(here=str(Path(__file__).parent)))

    def run(*arguments: str, lab: FakeLab | None = None) -> dict[str, Any]:
        holder.LAB = lab or fake  # type: ignore[attr-defined]
        result = pytester.runpytest_inprocess("verify", "--report", "out", "-p", "no:cacheprovider", *arguments)
        report: dict[str, Any] = json.loads((pytester.path / "out" / "report.json").read_text())
        return {**report, "status": int(result.ret), "printed": result.stdout.str()}

    return run
