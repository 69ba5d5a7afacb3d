"""The checks of each exercise, against a recording of a real lab that is right, and of every fault put into it."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from expected_verdicts import ExpectedVerdicts
from in_lab_folder import PYTEST
from recorded import Recorded

from labgen.core.nonce import choose
from labgen.exercise import fault_edits as edits
from labgen.exercise.catalogue import exercise_names, exercises
from labgen.exercise.faults import Fault, faults_of
from labgen.report import from_json
from tests.e2e.sabotage.verdicts import unexpected
from verify import bundle

pytest_plugins = ["pytester"]

FAULTS: dict[tuple[str, str], Fault] = {
    (name, fault.title): fault for name, exercise in exercises().items() for fault in faults_of(exercise)
}
RECORDED = [key for key, fault in FAULTS.items() if fault.on_recording]


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

    @property
    def verdicts(self) -> dict[str, str]:
        """Verdict of every check of the last grading, those of the swarm included, by its id."""
        return {check["id"]: check["verdict"] for check in self.report["checks"]}


@pytest.fixture
def grade(lab_folder: Path, pytester: pytest.Pytester) -> Grade:
    """Grades a recording; gives the verdict of each check of the exercise, by its name."""
    return Grade(lab_folder, pytester)


def came_out(verdicts: dict[str, str], *accepted: str) -> set[str]:
    """Names of the checks with one of these verdicts, without the node they were made for."""
    return {name.partition("[")[0] for name, verdict in verdicts.items() if verdict in accepted}


@pytest.mark.parametrize("name", exercise_names())
def test_course_right_lab_gets_every_point(grade: Grade, expected_verdicts: ExpectedVerdicts, name: str) -> None:
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


@pytest.fixture(scope="module")
def right() -> dict[str, dict[str, str]]:
    """Verdicts of all checks of each right lab, once they are known: by exercise, then by the check's id."""
    return {}


def put_into(recorded: Recorded, name: str, title: str) -> None:
    """Bring a fault of an exercise about in a recording."""
    edit = FAULTS[name, title].on_recording
    assert edit is not None
    edit(recorded)


@pytest.mark.parametrize(("name", "title"), RECORDED)
def test_course_each_fault_turns_the_checks_that_it_names_and_no_other(
    grade: Grade, expected_verdicts: ExpectedVerdicts, right: dict[str, dict[str, str]], name: str, title: str
) -> None:
    if name not in right:
        grade(name, Recorded(name))
        right[name] = grade.verdicts
    recorded = Recorded(name)
    put_into(recorded, name, title)
    grade(name, recorded)
    fault = FAULTS[name, title]
    assert unexpected(right[name], grade.verdicts, fault.turns(right[name])) == {}
    if fault.cause and not fault.on_nodes:
        assert fault.cause in {check["cause"] for check in grade.report["checks"]}
    expected_verdicts.check_fault(name, title, grade.report)


@pytest.mark.parametrize("name", exercise_names())
def test_course_every_check_is_turned_by_a_fault_in_the_recording(name: str) -> None:
    checks = {
        name.removeprefix("test_")
        for name in vars(import_module(f"labgen.exercises.{name}.checks"))
        if name[:5] == "test_"
    }
    turned = {check.partition("[")[0] for of, title in RECORDED if of == name for check in FAULTS[of, title].fail}
    assert checks <= turned


@pytest.mark.parametrize("name", exercise_names())
def test_exercises_with_services_have_the_faults_that_all_services_can_have(name: str) -> None:
    # The swarm itself and what is left of a clean-up have no service.
    expected = {edits.FLAPPING, edits.NO_CONTAINERS, edits.SURPLUS} if exercises()[name].services else set()
    assert expected <= {title for of, title in RECORDED if of == name}


def test_course_what_swarm_itself_did_is_told_and_costs_nothing(grade: Grade, pytester: pytest.Pytester) -> None:
    recorded = Recorded("health")
    put_into(recorded, "health", "no fault: Swarm itself kept another task than the old one")
    grade("health", recorded)
    report = from_json((pytester.path / "out" / "report.json").read_text(encoding="utf-8"))
    (exchange,) = report.seen.exchanges
    assert (exchange.exercise, exchange.service) == ("health", "my-session")
    assert exchange.seconds == pytest.approx(0.7)


def test_course_exercise_for_which_the_lab_is_too_small_is_not_applicable(grade: Grade) -> None:
    verdicts = grade("quorum", Recorded("stack"))
    assert set(verdicts.values()) == {"not applicable"}
