"""Faults of the same kinds in every exercise, put into its recording; and what is no fault in any."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from expected_verdicts import ExpectedVerdicts
from faults.kinds import (
    MADE,
    RUNS,
    UPDATED,
    do_not_stay_up,
    have_a_surplus,
    have_no_containers,
    have_one_image_of_two_names,
    run_another_command,
)
from recorded import Recorded
from test_verify_course import EXERCISES, Grade, came_out
from test_verify_course import grade as grade  # the fixture

pytest_plugins = ["pytester"]


KINDS: dict[str, tuple[dict[str, tuple[str, str]], Callable[[Recorded, str], Any]]] = {
    "tasks that do not stay up": (RUNS, do_not_stay_up),
    "tasks without containers": (RUNS, have_no_containers),
    "a service that sleeps": (MADE, run_another_command),
    "one image of two names": (UPDATED, have_one_image_of_two_names),
    "a surplus": (RUNS, have_a_surplus),
}
"""By kind, the service and the check of each exercise that has it, and what puts it into a recording."""


class Failed:
    """Grades a recording with a fault of a kind in it."""

    def __init__(self, grade: Grade, expected_verdicts: ExpectedVerdicts) -> None:
        self.grade = grade
        self.expected_verdicts = expected_verdicts

    def __call__(self, name: str, kind: str) -> set[str]:
        """Give the checks that fail; none may be without a verdict."""
        services, change = KINDS[kind]
        recorded = Recorded(name)
        change(recorded, services[name][0])
        verdicts = self.grade(name, recorded)
        assert came_out(verdicts, "inconclusive") == set()
        self.expected_verdicts.check_fault(name, kind, self.grade.report)
        return came_out(verdicts, "fail")


@pytest.fixture
def failed(grade: Grade, expected_verdicts: ExpectedVerdicts) -> Failed:
    """Gives the checks of an exercise that fail of a kind of fault."""
    return Failed(grade, expected_verdicts)


@pytest.mark.parametrize("name", RUNS)
def test_tasks_that_do_not_stay_up_do_not_run(failed: Failed, name: str) -> None:
    assert RUNS[name][1] in failed(name, "tasks that do not stay up")


@pytest.mark.parametrize("name", RUNS)
def test_tasks_without_containers_do_not_run(failed: Failed, name: str) -> None:
    assert RUNS[name][1] in failed(name, "tasks without containers")


@pytest.mark.parametrize("name", MADE)
def test_a_service_that_sleeps_is_not_what_its_image_is_for(failed: Failed, name: str) -> None:
    assert MADE[name][1] in failed(name, "a service that sleeps")


@pytest.mark.parametrize("name", UPDATED)
def test_one_image_of_two_names_is_no_update(failed: Failed, name: str) -> None:
    assert failed(name, "one image of two names") == {UPDATED[name][1]}


@pytest.mark.parametrize("name", RUNS)
def test_a_surplus_costs_nothing(failed: Failed, name: str) -> None:
    assert failed(name, "a surplus") == set()


def test_every_exercise_with_services_is_there() -> None:
    assert set(RUNS) == set(EXERCISES) - {"cleanup"}
    # The image of these is there to run whatever is asked; what that is has checks of its own.
    assert set(RUNS) - set(MADE) == {"service", "placement"}
