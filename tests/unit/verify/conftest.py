"""A lab that answers from recordings, graded through the files that a lab folder gets."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from expected_verdicts import ExpectedVerdicts, from_environment
from fake_lab import FakeLab
from in_lab_folder import PYTEST

# Kept imported: pytester would import them anew for each run.
from verify import collection, plugin, session, verdicts  # noqa: F401

Grade = Callable[..., dict[str, Any]]


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
def lab_folder(pytester: pytest.Pytester) -> Path:
    """Lay down what makes a folder a lab folder to pytest; gives it."""
    (pytester.path / "lab.yml").touch()
    return pytester.mkdir("verify").parent


@pytest.fixture
def grade(lab_folder: Path, pytester: pytest.Pytester, fake: FakeLab, monkeypatch: pytest.MonkeyPatch) -> Grade:
    """Grade the fake lab in a lab folder; gives the report and the exit status."""
    labs = [fake]
    monkeypatch.setattr(session.inventory, "discover", lambda _path: labs[-1].inventory)
    monkeypatch.setattr(session, "SshTransport", lambda _inventory: labs[-1])

    def run(*arguments: str, lab: FakeLab | None = None, words: Sequence[str] = PYTEST) -> dict[str, Any]:
        labs.append(lab or fake)
        result = pytester.runpytest_inprocess(*words, "--report", "out", *arguments)
        report: dict[str, Any] = json.loads((lab_folder / "out" / "report.json").read_text())
        return {**report, "status": int(result.ret), "printed": result.stdout.str()}

    return run
