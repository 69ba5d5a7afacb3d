"""The checks of each exercise, against a recording of a real lab that is right, and of every fault put into it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from expected_verdicts import ExpectedVerdicts
from in_lab_folder import PYTEST
from recorded import Fault, Recorded

from labgen.core.nonce import choose
from labgen.exercise.catalogue import exercise_names
from labgen.observation.causes import symptoms
from labgen.report import from_json
from tests.e2e.sabotage import of_causes
from verify import bundle

pytest_plugins = ["pytester"]

ELSEWHERE = {"cluster", "loadbalance"}
"""Exercises whose checks have their faults in test_verify_suite.py."""

EXERCISES = [name for name in exercise_names() if name not in ELSEWHERE]
FAULTS: dict[tuple[str, str], Fault] = {
    (name, what): fault for name in EXERCISES for what, fault in import_module(f"faults.{name}").FAULTS.items()
}


class Grade:
    """Grades a recording.

    :ivar report: of the last grading, as `report.json` holds it.
    """

    def __init__(self, folder: Path, pytester: pytest.Pytester) -> None:
        self.folder = folder
        self.pytester = pytester
        self.report: dict[str, Any] = {}

    def __call__(self, name: str, recorded: Recorded) -> dict[str, str]:
        """Give the verdict of each check of the exercise, by its name."""
        evidence = self.folder / "evidence.json"
        # A fault may have added what a node would have said, too.
        recorded.evidence.observations.sort(key=lambda observation: observation.since)
        evidence.write_text(bundle.write(recorded.evidence))
        options = [f"--exercise={name}", f"--from={evidence}", "--report=out", "--lang=en", "-p", "no:randomly"]
        result = self.pytester.runpytest_inprocess(*PYTEST, *options)
        print(result.stdout.str())
        self.report = json.loads((self.folder / "out" / "report.json").read_text(encoding="utf-8"))
        checks = [check for check in self.report["checks"] if check["exercise"] == name]
        return {check["id"].removeprefix(f"{name}."): check["verdict"] for check in checks}


@pytest.fixture
def grade(lab_folder: Path, pytester: pytest.Pytester) -> Grade:
    """Grades a recording; gives the verdict of each check of the exercise, by its name."""
    return Grade(lab_folder, pytester)


def came_out(verdicts: dict[str, str], *accepted: str) -> set[str]:
    """Names of the checks with one of these verdicts, without the node they were made for."""
    return {name.partition("[")[0] for name, verdict in verdicts.items() if verdict in accepted}


@pytest.mark.parametrize("name", exercise_names())
def test_a_right_lab_gets_every_point(grade: Grade, expected_verdicts: ExpectedVerdicts, name: str) -> None:
    verdicts = grade(name, Recorded(name))
    assert verdicts
    assert came_out(verdicts, "fail", "blocked", "inconclusive") == set()
    assert came_out(verdicts, "pass")
    expected_verdicts.check_right(name, grade.report)


@pytest.mark.parametrize("name", ["discovery", "health", "recovery", "scaling"])
def test_acts_of_a_recording_do_not_fit_another_nonce(grade: Grade, name: str) -> None:
    """The first nonce of some that has the check act otherwise than without one: it may choose the same by chance."""
    choices = {"scaling": 3, "recovery": 3}
    nonce = next(text for text in "abcdef" if choose(text, name, choices.get(name, 2)))
    recorded = Recorded(name)
    recorded.evidence.nonce = nonce
    verdicts = grade(name, recorded)
    assert came_out(verdicts, "inconclusive")
    assert not came_out(verdicts, "fail")


@pytest.mark.parametrize(("name", "what"), FAULTS)
def test_each_fault_turns_its_own_checks(
    grade: Grade, expected_verdicts: ExpectedVerdicts, name: str, what: str
) -> None:
    fault, recorded = FAULTS[name, what], Recorded(name)
    fault.change(recorded)
    verdicts = grade(name, recorded)
    assert came_out(verdicts, "fail") == fault.fails
    assert came_out(verdicts, "inconclusive") == fault.inconclusive
    expected_verdicts.check_fault(name, what, grade.report)


@pytest.mark.parametrize("name", EXERCISES)
def test_every_check_has_a_fault_that_turns_it(name: str) -> None:
    checks = {
        name.removeprefix("test_")
        for name in vars(import_module(f"labgen.exercises.{name}.checks"))
        if name[:5] == "test_"
    }
    turned = {check for (of, _), fault in FAULTS.items() if of == name for check in fault.fails}
    assert checks == turned


def test_what_swarm_itself_did_is_told_and_costs_nothing(grade: Grade, pytester: pytest.Pytester) -> None:
    fault, recorded = FAULTS["health", "no fault: Swarm itself kept another task than the old one"], Recorded("health")
    fault.change(recorded)
    grade("health", recorded)
    report = from_json((pytester.path / "out" / "report.json").read_text(encoding="utf-8"))
    (exchange,) = report.seen.exchanges
    assert (exchange.exercise, exchange.service) == ("health", "my-session")
    assert exchange.seconds == pytest.approx(0.7)


def test_an_exercise_for_which_the_lab_is_too_small_is_not_applicable(grade: Grade) -> None:
    verdicts = grade("quorum", Recorded("stack"))
    assert set(verdicts.values()) == {"not applicable"}


def clock_off(recorded: Recorded) -> None:
    """The history is gone, and the clock of one worker is two minutes ahead."""
    FAULTS["update", "removed and made anew"].change(recorded)
    start = recorded.evidence.started.timestamp() + recorded.evidence.observations[-1].since
    for place, node in enumerate(recorded.evidence.lab.nodes):
        clock = start + (120 if place == 1 else 0)
        recorded.answers(node, {symptoms.SCRIPT: f"\n@@clock\n{clock:.6f}\n\n@@end\n"})


def still_starting(recorded: Recorded) -> None:
    """One of the tasks is being prepared whenever it is asked for."""

    def prepare(tasks: list[dict[str, Any]]) -> None:
        next(task for task in tasks if task["Status"]["State"] == "running")["Status"]["State"] = "preparing"

    recorded.tasks("my-database", prepare)


CAUSES: dict[str, tuple[Callable[[Recorded], None], str, str]] = {
    "clock-off": (clock_off, "history", r"The clock of swarm-worker1 is 1[12]\d s ahead of the other nodes'\."),
    "still-starting": (
        still_starting,
        "running",
        r"Tasks of my-database are still on their way to run \(preparing\)\.",
    ),
}
"""Causes that container nodes do not show: what happens, the check of the update that fails, how it begins."""


@pytest.mark.parametrize("cause", CAUSES)
def test_a_cause_that_container_nodes_do_not_show_is_told_of_a_recording(grade: Grade, cause: str) -> None:
    happen, check, words = CAUSES[cause]
    recorded = Recorded("update")
    happen(recorded)
    assert grade("update", recorded)[check] == "fail"
    (entry,) = (entry for entry in grade.report["checks"] if entry["id"] == f"update.{check}")
    assert entry["cause"] == cause
    assert re.match(words, entry["seen"])


def test_causes_shown_on_recordings_are_those_that_the_sabotage_leaves_out() -> None:
    assert set(CAUSES) == set(of_causes.ON_RECORDINGS)
