"""Tasks that end by themselves again and again, told from those that someone ended."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from labgen.docker.restarts import ended_by_itself, restarting, young
from labgen.docker.swarm import Task
from tests.past import at, service, task


def ended(place: int, created: float, end: float, **changed: Any) -> Task:
    """A task whose container ended by itself."""
    state = changed.pop("state", "complete")
    return dataclasses.replace(task(place, created, state, end), **changed)


def flaps(life: float, count: int = 4, place: int = 1, **changed: Any) -> list[Task]:
    """Tasks that each lived so long, and one that has just begun, at 0."""
    past = [ended(place, -life * at_, -life * (at_ - 1), **changed) for at_ in range(count, 0, -1)]
    return [*past, task(place, 0, since=0)]


@pytest.mark.parametrize("life", [1, 4, 30, 120, 240])
@pytest.mark.parametrize("state", ["complete", "failed", "rejected"])
def test_restarting_tells_tasks_that_end_one_after_the_other(life: float, state: str) -> None:
    restarts = restarting(service(*flaps(life, state=state)), at(life / 2))
    assert restarts is not None
    assert len(restarts.ended) >= 2


def test_restarting_says_how_many_ended_in_which_time_and_how() -> None:
    flapping = service(*flaps(5, 4, place=1), *flaps(5, 2, place=2, exit_code=3, state="failed"))
    assert str(restarting(flapping, at(2))) == "6 tasks ended by themselves in the last 17 s (exit code 0, exit code 3)"


def test_restarting_tells_the_error_where_there_is_one() -> None:
    rejected = service(*flaps(5, 2, state="rejected", error="No such image: nginx:nosuch"))
    assert str(restarting(rejected, at(2))).endswith("(No such image: nginx:nosuch)")


def test_restarting_is_known_before_the_next_task_begins() -> None:
    past = flaps(5)[:-1]
    assert restarting(service(*past), at(1)) is not None
    waiting = dataclasses.replace(task(1, 0, "ready"), desired="ready")
    assert restarting(service(*past, waiting), at(1)) is not None


def test_restarting_on_one_node_of_a_global_service_is_enough() -> None:
    bad = [dataclasses.replace(flap, slot=0, node_id="b") for flap in flaps(5)]
    assert restarting(service(task("a", -500), *bad), at(1)) is not None


@pytest.mark.parametrize(
    "tasks",
    [
        [task(1, -100)],
        [ended(1, -100, -10), task(1, -9)],
        [ended(1, -104, -100), ended(1, -100, -96), task(1, -95)],
        flaps(5, error="task: non-zero exit (137)", exit_code=137, state="failed", count=3),
        flaps(10, error="task: non-zero exit (137)", exit_code=137, state="failed"),
        flaps(5, error="No such container: web.1.x", state="failed", count=3),
        [*(dataclasses.replace(flap, spec="before") for flap in flaps(5)[:-1]), task(1, 0)],
        [ended(1, -2000, -1000), ended(1, -1000, -700), task(1, -600)],
        [ended(1, -20, -15), task(1, -15, "shutdown", -10), ended(1, -9, -5), task(1, -4)],
        [dataclasses.replace(flap, created=None) for flap in flaps(100)],
        [*(dataclasses.replace(flap, since=None) for flap in flaps(5)[:-1]), task(1, 0)],
    ],
    ids=[
        "nothing ended",
        "one ended by itself",
        "it has outlived those before it",
        "a person kills a container three times",
        "each grading kills one",
        "an engine was restarted",
        "tasks of the settings before",
        "long ago",
        "one between was replaced",
        "nobody knows how long those before it lived",
        "nobody knows when those before it ended",
    ],
)
def test_restarting_is_no_false_alarm(tasks: list[Task]) -> None:
    assert restarting(service(*tasks), at(2)) is None


@pytest.mark.parametrize(("now", "restarts"), [(4.9, True), (5.0, False)])
@pytest.mark.parametrize("lives", [(3, 5), (5, 3)])
def test_restarting_ends_with_a_task_that_has_lived_as_long_as_the_longest(
    lives: tuple[int, int], now: float, restarts: bool
) -> None:
    past = [ended(1, -sum(lives), -lives[1]), ended(1, -lives[1], 0)]
    assert (restarting(service(*past, task(1, 0, since=0)), at(now)) is not None) is restarts


def test_restarting_is_told_where_nobody_knows_since_when_the_task_runs() -> None:
    current = dataclasses.replace(task(1, 0), since=None)
    assert restarting(service(*flaps(5)[:-1], current), at(500)) is not None


@pytest.mark.parametrize(("now", "restarts"), [(0.0, True), (0.5, False)])
def test_restarting_looks_back_ten_minutes(now: float, restarts: bool) -> None:
    tasks = [ended(1, -1200, -600), ended(1, -590, -300), task(1, -299, since=-290)]
    assert (restarting(service(*tasks), at(now)) is not None) is restarts


@pytest.mark.parametrize(("apart", "restarts"), [(25.0, True), (25.5, False)])
def test_restarting_tells_four_that_were_killed_within_25_seconds(apart: float, restarts: bool) -> None:
    ends = [-apart * share for share in (1, 0.6, 0.3, 0)]
    killed = [ended(1, end - 1, end, state="failed", exit_code=137) for end in ends]
    assert (restarting(service(*killed, task(1, 0, since=0)), at(0.5)) is not None) is restarts


def test_restarting_tells_what_is_killed_faster_than_anyone_types() -> None:
    killed = flaps(5, error="task: non-zero exit (137)", exit_code=137, state="failed")
    assert restarting(service(*killed), at(2)) is not None


def test_ended_by_itself_counts_a_container_that_its_health_check_ended() -> None:
    sick = "task: non-zero exit (137): dockerexec: unhealthy container"
    assert ended_by_itself(ended(1, 0, 9, state="failed", exit_code=137, error=sick))
    assert not ended_by_itself(ended(1, 0, 9, state="failed", exit_code=137, error="task: non-zero exit (137)"))
    assert not ended_by_itself(task(1, 0, "shutdown", 9))


def test_young_is_how_long_a_task_must_run_still() -> None:
    assert young(service(task(1, -60), task(2, 0, since=1)), at(2), 3, 10) == 2
    assert young(service(task(1, -60), task(2, -9)), at(2), 3, 10) == 0
    assert young(service(ended(1, -9, -1), task(1, 0, since=1)), at(2), 3, 10) == 9


def test_young_goes_by_the_managers_clock_where_that_has_noted_the_state() -> None:
    noted = dataclasses.replace(task(1, 0, since=-50), updated=at(1))
    assert young(service(noted), at(2), 3, 10) == 2
