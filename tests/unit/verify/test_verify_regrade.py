"""A grading from evidence tells the times of the run that the evidence is of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from in_lab_folder import PYTEST
from recorded import Recorded

from labgen.core.errors import SwarmError
from labgen.exercise.catalogue import exercise_names
from verify import bundle, session

pytest_plugins = ["pytester"]


def regraded(pytester: pytest.Pytester, name: str, evidence: str) -> dict[str, Any]:
    """The report of a grading of evidence."""
    (pytester.path / "verify").mkdir(exist_ok=True)
    (pytester.path / "lab.yml").touch()
    file = Path(pytester.path) / "evidence.jsonl"
    file.write_text(evidence)
    pytester.runpytest_inprocess(*PYTEST, f"--exercise={name}", f"--from={file}", "--report=out")
    report: dict[str, Any] = json.loads((pytester.path / "out" / "report.json").read_text())
    return report


def test_regrade_tells_how_long_the_run_took_then(pytester: pytest.Pytester) -> None:
    evidence = Recorded("scaling").evidence
    report = regraded(pytester, "scaling", bundle.write(evidence))
    then = max(observation.since for observation in evidence.observations)
    assert report["started"] == evidence.started.isoformat(timespec="seconds")
    assert report["seconds"] == pytest.approx(then, abs=0.5)
    assert 0 < report["seen"]["waited"] <= report["seconds"]
    spent = [check["seconds"] for check in report["checks"]]
    assert min(spent) >= 0
    # The checks that act took most of it.
    assert report["seen"]["waited"] - 0.01 <= sum(spent) <= report["seconds"] + 0.01
    page = (pytester.path / "out" / "report.html").read_text()
    assert f" · {then:.0f} s · " in page


def test_regrade_tells_when_containers_began_where_the_evidence_says_so(pytester: pytest.Pytester) -> None:
    report = regraded(pytester, "health", bundle.write(Recorded("health").evidence))
    (service,) = (service for service in report["seen"]["services"] if service["name"] == "my-session")
    tasks = service["tasks"]
    assert all(task["began"] for task in tasks if task["state"] == "running")
    # The update whose tasks were never healthy.
    assert None in [task["began"] for task in tasks]
    assert any(task["ended"] for task in tasks)
    page = (pytester.path / "out" / "report.html").read_text()
    assert "no replica was missing" in page


@pytest.mark.parametrize(("chosen", "readable"), [((), True), (("update",), True), ((), False)])
def test_regrade_tells_of_exercises_not_begun_only_if_it_knows_and_none_was_named(
    lab_folder: Path,
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    chosen: tuple[str, ...],
    readable: bool,
) -> None:
    def refuse(_swarm: Any) -> list[str]:
        raise SwarmError("no manager")

    evidence = Recorded("update").evidence
    evidence.exercises = chosen
    if not readable:
        monkeypatch.setattr(session, "standing", refuse)
    file = lab_folder / "evidence.jsonl"
    file.write_text(bundle.write(evidence))
    pytester.runpytest_inprocess(*PYTEST, f"--from={file}", "--report=out")
    report = json.loads((lab_folder / "out" / "report.json").read_text())
    rest = [name for name in exercise_names() if name not in ("cluster", "update")]
    # Nobody knows what was begun in a swarm that cannot be seen.
    assert report["not_begun"] == (rest if readable and not chosen else [])
    assert {check["exercise"] for check in report["checks"]} == {"cluster"} | ({"update"} if readable else set())
