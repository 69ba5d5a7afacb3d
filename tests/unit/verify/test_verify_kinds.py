"""Faults of the same kinds in every exercise, put into its recording; and what is no fault in any."""

from __future__ import annotations

import pytest
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


def failed(grade: Grade, name: str, recorded: Recorded) -> set[str]:
    """The checks that fail; none may be without a verdict."""
    verdicts = grade(name, recorded)
    assert came_out(verdicts, "inconclusive") == set()
    return came_out(verdicts, "fail")


@pytest.mark.parametrize("name", RUNS)
def test_tasks_that_do_not_stay_up_do_not_run(grade: Grade, name: str) -> None:
    service, check = RUNS[name]
    recorded = Recorded(name)
    do_not_stay_up(recorded, service)
    assert check in failed(grade, name, recorded)


@pytest.mark.parametrize("name", RUNS)
def test_tasks_without_containers_do_not_run(grade: Grade, name: str) -> None:
    service, check = RUNS[name]
    recorded = Recorded(name)
    have_no_containers(recorded, service)
    assert check in failed(grade, name, recorded)


@pytest.mark.parametrize("name", MADE)
def test_a_service_that_sleeps_is_not_what_its_image_is_for(grade: Grade, name: str) -> None:
    service, check = MADE[name]
    recorded = Recorded(name)
    run_another_command(recorded, service)
    assert check in failed(grade, name, recorded)


@pytest.mark.parametrize("name", UPDATED)
def test_one_image_of_two_names_is_no_update(grade: Grade, name: str) -> None:
    service, check = UPDATED[name]
    recorded = Recorded(name)
    have_one_image_of_two_names(recorded, service)
    assert failed(grade, name, recorded) == {check}


@pytest.mark.parametrize("name", RUNS)
def test_a_surplus_costs_nothing(grade: Grade, name: str) -> None:
    recorded = Recorded(name)
    have_a_surplus(recorded, RUNS[name][0])
    assert failed(grade, name, recorded) == set()


def test_every_exercise_with_services_is_there() -> None:
    assert set(RUNS) == set(EXERCISES) - {"cleanup"}
    # The image of these is there to run whatever is asked; what that is has checks of its own.
    assert set(RUNS) - set(MADE) == {"service", "placement"}
