"""What is told of a service's past from its tasks."""

from __future__ import annotations

import dataclasses

import pytest

from labgen.docker.swarm import Service, Task
from labgen.docker.timeline import (
    Turn,
    Vacancy,
    at_once,
    broken_off,
    drained,
    exchanged,
    failing,
    lost,
    most_empty,
    most_missing,
    moves,
    places,
    relieved,
    taken_back,
    turns,
    updates,
)
from tests.past import at, lived, service, task, turn


def test_places_are_replicas_or_nodes_and_each_has_its_tasks_oldest_first() -> None:
    replicated = service(task(2, 5), task(1, 9), task(1, 3, "failed"), task("node-b", 1))
    assert {name: [place_task.id for place_task in tasks] for name, tasks in places(replicated).items()} == {
        "1": ["1-3", "1-9"],
        "2": ["2-5"],
        "node-b": ["node-b-1"],
    }


def test_timeline_latest_turn_of_each_place_in_the_order_in_which_they_began() -> None:
    replicated = service(
        task(1, 0, "failed", 20), task(1, 30, "shutdown", 50), task(1, 51), task(2, 0, "shutdown", 40), task(2, 41)
    )
    first, second = turns(replicated)
    assert (first.place, first.old.id, first.new.id) == ("2", "2-0", "2-41")
    assert (second.place, second.old.id, second.new.id) == ("1", "1-30", "1-51")
    assert (second.stopped, second.started, second.gap) == (at(50), at(52), 2.0)


def test_timeline_place_that_has_had_one_task_had_no_turn() -> None:
    assert turns(service(task(1, 0))) == []


@pytest.mark.parametrize(
    ("stopped", "started", "gap"), [(None, 5, None), (5, None, None), (5.0, 7.5, 2.5), (9.0, 7.0, -2.0)]
)
def test_timeline_gap_is_below_zero_where_the_new_one_ran_first(
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
def test_timeline_how_many_were_missing_at_once(happened: list[Turn], missing: int) -> None:
    assert most_missing(happened) == missing


def test_updates_are_told_apart_and_restarts_are_none() -> None:
    updated = service(
        lived(1, 0, "a", (1, 10)),
        lived(1, 10, "b", (11, 20)),
        lived(1, 30, "b", (31, 40)),  # the same once more: it had failed
        lived(1, 40, "a", (41, None)),
        lived(2, 0, "a", (1, 12)),
        lived(2, 12, "b", (13, 42)),
        lived(2, 42, "a", (43, None)),
    )
    places_and_specs = [[(turn.place, turn.old.spec + turn.new.spec) for turn in update] for update in updates(updated)]
    assert places_and_specs == [[("1", "ab"), ("2", "ab")], [("1", "ba"), ("2", "ba")]]


@pytest.mark.parametrize(("after", "most"), [(0.0, 2), (2.5, 2), (4.0, 4)])
def test_timeline_how_many_are_changed_at_once_and_how_long_is_paused(after: float, most: int) -> None:
    # Two at a time, and 3 s between the first two and the next.
    happened = [turn(1, 0.1, 1, 0), turn(2, 0.1, 1.2, 0), turn(3, 4.1, 5, 4.1), turn(4, 4.3, 5.2, 4.3)]
    assert at_once(happened, after) == most


def test_timeline_turn_that_has_not_come_to_its_end_goes_on() -> None:
    assert at_once([turn(1, 0, None, 0), turn(2, 100, 101, 100)]) == 2


def test_timeline_place_whose_old_task_goes_on_beside_one_that_fails_is_not_empty() -> None:
    updated = service(
        lived(1, 0, "old", (1, 40)),
        lived(1, 10, "bad", (11, 14), unwell="refused"),
        lived(1, 14, "old", None),
        lived(1, 30, "new", (31, None)),
    )
    assert most_empty(updated) == 0
    assert [(relief.old.created, relief.gap) for relief in relieved(updated)] == [(at(0), -9.0)]


@pytest.mark.parametrize(("stopped", "empty"), [(10, 1), (32, 0)])
def test_timeline_place_that_an_update_leaves_empty_is(stopped: float, empty: int) -> None:
    updated = service(
        lived(1, 0, "old", (1, stopped)),
        lived(1, 10, "bad", (11, 14), unwell="refused"),
        lived(1, 20, "old", (31, None)),
        lived(2, 0, "old", (1, None)),
    )
    assert most_empty(updated) == empty


def _taken_back(old: Task, *, created: float = 14.0, spec: str = "old", failed: str = "complete") -> Service:
    """An update that failed at 14 s; another task, made then, runs at 33 s."""
    bad = lived(1, 10, "bad", (11, 14), unwell="refused", state=failed)
    return service(old, bad, lived(1, created, spec, (33, None)), lived(2, 0, "old", (1, None)))


STOPPED = dataclasses.replace(lived(1, 0, "old", (1, 25)), state="shutdown")


def test_exchanged_is_a_task_that_was_made_before_the_one_like_it_was_stopped() -> None:
    updated = _taken_back(STOPPED)
    assert exchanged(updated) == [Vacancy("1", at(25), at(33))]
    assert most_empty(updated) == 0


def test_exchanged_is_what_a_real_swarm_did_with_a_restart_delay_of_nothing() -> None:
    old = dataclasses.replace(lived(2, 47.131, "a", (47.818, 63.303)), state="shutdown")
    bad = dataclasses.replace(lived(2, 51.979, "b", (52.5, 61.737), unwell="refused"), state="complete")
    updated = service(old, bad, lived(2, 61.986, "a", (65.621, None)), lived(1, 47.131, "a", (50.947, None)))
    assert [(vacancy.place, (vacancy.start, vacancy.end)) for vacancy in exchanged(updated)] == [
        ("2", (at(63.303), at(65.621)))
    ]
    assert most_empty(updated) == 0


@pytest.mark.parametrize(
    "lost_task",
    [
        # Stopped first, as the update was told to: there was no other yet.
        _taken_back(dataclasses.replace(STOPPED, ended=at(10), since=at(10)), created=20),
        _taken_back(STOPPED, created=26),
        # It did not come in place of one that had failed: both were told to stop.
        _taken_back(STOPPED, failed="shutdown"),
        # Another version came in its place: that is the update's.
        _taken_back(STOPPED, spec="new"),
    ],
)
def test_exchanged_is_nothing_that_an_update_has_lost(lost_task: Service) -> None:
    assert exchanged(lost_task) == broken_off(lost_task) == []
    assert most_empty(lost_task) == 1


@pytest.mark.parametrize("state", ["failed", "complete"])
def test_broken_off_is_a_task_whose_container_ended_by_itself_beside_an_update(state: str) -> None:
    broken = _taken_back(dataclasses.replace(STOPPED, state=state), created=26)
    assert broken_off(broken) == [Vacancy("1", at(25), at(33))]
    assert (exchanged(broken), most_empty(broken)) == ([], 0)
    # Where another version came in its place, that is the update's.
    broken = _taken_back(dataclasses.replace(STOPPED, state=state), created=26, spec="new")
    assert (broken_off(broken), most_empty(broken)) == ([], 1)


def test_timeline_task_on_its_way_out_began_when_its_container_did() -> None:
    # Its node has said anew that it runs, after its successor did.
    going = dataclasses.replace(lived(1, 10, "b", (11, None)), desired="shutdown", since=at(22))
    updated = service(lived(1, 0, "a", (1, 15)), going, lived(1, 20, "c", (21, None)))
    assert most_empty(updated) == 0


def test_timeline_place_that_is_empty_because_its_container_failed_is_no_updates() -> None:
    assert most_empty(service(lived(1, 0, "a", (1, 10)), lived(1, 10, "a", (16, None)))) == 0
    assert most_empty(service(lived(1, 0, "a", None))) == 0


def on(node: str, moved: Task) -> Task:
    return dataclasses.replace(moved, node_id=node)


@pytest.mark.parametrize(
    ("old", "is_lost", "is_drained"),
    [
        # Drained: stopped, and then the new one ran.
        (lived(1, 0, "a", (1, 10.2)), False, True),
        # The node was given up: it said only when it was back that its task had ended,
        (lived(1, 0, "a", (1, 25), ended=None), True, False),
        # or its container had ended long before anyone noticed.
        (lived(1, 0, "a", (1, 25), ended=at(3)), True, False),
        (lived(1, 0, "a", (1, 10.2), ended=at(6.9)), True, False),
        # Managers hear of an end within a second or two: that is no node that was given up.
        (lived(1, 0, "a", (1, 10.2), ended=at(7.1)), False, True),
        # or just after its engine had begun again.
        (lived(1, 0, "a", (1, 10.9), began=None, ended=None, engine=at(9)), True, False),
        (lived(1, 0, "a", (1, 10.9), engine=at(-9)), False, True),
        # A container that failed, and came to run elsewhere.
        (dataclasses.replace(lived(1, 0, "a", (1, 9.9)), state="failed"), False, False),
        # A node that has not come back yet.
        (lived(1, 0, "a", (1, None), desired="shutdown"), True, False),
    ],
)
def test_timeline_node_that_was_lost_is_told_from_one_that_was_drained(
    old: Task, is_lost: bool, is_drained: bool
) -> None:
    (moved,) = moves(service(on("x", old), on("y", lived(1, 10, "a", (11, None)))))
    assert (lost(moved), drained(moved)) == (is_lost, is_drained)


def test_timeline_update_moves_nothing() -> None:
    assert moves(service(on("x", lived(1, 0, "a", (1, 9))), on("y", lived(1, 10, "b", (11, None))))) == []
    assert moves(service(on("x", lived(1, 0, "a", (1, 9))), on("x", lived(1, 10, "a", (11, None))))) == []


def failed(place: int, created: float, spec: str = "bad") -> Task:
    return dataclasses.replace(lived(place, created, spec, None), state="failed")


def test_timeline_failed_update_that_was_taken_back() -> None:
    spared = lived(2, 0, "good", (1, None))
    rolled_back = service(lived(1, 0, "good", (1, 10)), failed(1, 10), lived(1, 12, "good", (13, None)), spared)
    assert taken_back(rolled_back) == ["1"]
    assert list(failing(rolled_back)) == ["1"]
    # It is still so when its node was drained since.
    moved = service(
        *(remaining_task for remaining_task in rolled_back.tasks if remaining_task.state != "running"), spared
    )
    moved = dataclasses.replace(
        moved, tasks=(*moved.tasks, lived(1, 12, "good", (13, 20)), lived(1, 20, "good", (21, None)))
    )
    assert taken_back(moved) == ["1"]


@pytest.mark.parametrize(
    "tasks",
    [
        # It came to all.
        [(1, "good", "bad", "good"), (2, "good", "bad", "good")],
        # It was mended by something else.
        [(1, "good", "bad", "better"), (2, "good", "good", "good")],
        # Nothing has failed.
        [(1, "good", "good", "good"), (2, "good", "good", "good")],
    ],
)
def test_timeline_what_is_no_way_back(tasks: list[tuple[int, str, str, str]]) -> None:
    tasks_made = []
    for place, *specs in tasks:
        for number, spec in enumerate(specs):
            ran = (number * 10 + 1, None if number == 2 else number * 10 + 9)
            specimen = lived(place, number * 10, spec, ran)
            tasks_made.append(dataclasses.replace(specimen, state="failed") if spec == "bad" else specimen)
    assert taken_back(service(*tasks_made)) == []
