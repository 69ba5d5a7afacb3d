"""What is told of a service's past from its tasks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from labgen.swarm import Service, Task
from labgen.swarm.timeline import Turn, batches, most_missing, places, turns

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def task(place: int | str, created: float, state: str = "running", since: float | None = None) -> Task:
    """A task of a replica, or of the node of that id."""
    return Task(
        id=f"{place}-{created}",
        service_id="s",
        slot=place if isinstance(place, int) else 0,
        node_id=place if isinstance(place, str) else "n",
        state=state,
        desired="running" if state == "running" else "shutdown",
        image="nginx",
        container_id="c",
        error="",
        created=at(created),
        updated=None,
        since=at(created + 1 if since is None else since),
    )


def service(*tasks: Task) -> Service:
    return Service("s", "web", "replicated", 2, "nginx", (), (), "", "", tasks)


def turn(place: int, stopped: float | None, started: float | None, created: float = 0) -> Turn:
    old = task(place, -100, "running" if stopped is None else "shutdown", stopped)
    new = task(place, created, "failed" if started is None else "running", started)
    return Turn(str(place), old, new)


def test_places_are_replicas_or_nodes_and_each_has_its_tasks_oldest_first() -> None:
    there = service(task(2, 5), task(1, 9), task(1, 3, "failed"), task("node-b", 1))
    assert {name: [one.id for one in tasks] for name, tasks in places(there).items()} == {
        "1": ["1-3", "1-9"],
        "2": ["2-5"],
        "node-b": ["node-b-1"],
    }


def test_the_latest_turn_of_each_place_in_the_order_in_which_they_began() -> None:
    there = service(
        task(1, 0, "failed", 20), task(1, 30, "shutdown", 50), task(1, 51), task(2, 0, "shutdown", 40), task(2, 41)
    )
    first, second = turns(there)
    assert (first.place, first.old.id, first.new.id) == ("2", "2-0", "2-41")
    assert (second.place, second.old.id, second.new.id) == ("1", "1-30", "1-51")
    assert (second.stopped, second.started, second.gap) == (at(50), at(52), 2.0)


def test_a_place_that_has_had_one_task_had_no_turn() -> None:
    assert turns(service(task(1, 0))) == []


@pytest.mark.parametrize(
    ("stopped", "started", "gap"), [(None, 5, None), (5, None, None), (5.0, 7.5, 2.5), (9.0, 7.0, -2.0)]
)
def test_the_gap_is_below_zero_where_the_new_one_ran_first(
    stopped: float | None, started: float | None, gap: float | None
) -> None:
    assert turn(1, stopped, started).gap == gap


@pytest.mark.parametrize(
    ("happened", "missing"),
    [
        ([], 0),
        ([turn(1, 0, 5)], 1),
        # One after the other, also where one ends at the moment at which the next begins.
        ([turn(1, 0, 5), turn(2, 5, 9)], 1),
        ([turn(1, 0, 5), turn(2, 4, 9)], 2),
        ([turn(1, 0, 9), turn(2, 1, 9), turn(3, 2, 3), turn(4, 4, 5)], 3),
        # The new one ran first: nothing was missing.
        ([turn(1, 5, 3), turn(2, 9, 7)], 0),
        ([turn(1, 5, 5)], 0),
        # No successor runs, so the place is empty still.
        ([turn(1, 0, None), turn(2, 50, 60)], 2),
        # The old one runs still.
        ([turn(1, None, None), turn(2, None, 3)], 0),
    ],
)
def test_how_many_were_missing_at_once(happened: list[Turn], missing: int) -> None:
    assert most_missing(happened) == missing


def test_turns_that_began_together_are_a_batch() -> None:
    happened = [turn(3, 0, 1, created=10.2), turn(1, 0, 1, created=0), turn(2, 0, 1, created=0.4), turn(4, 0, 1, 10.9)]
    assert [[one.place for one in batch] for batch in batches(happened, apart=2.0)] == [["1", "2"], ["3", "4"]]
    assert batches([], apart=2.0) == []
