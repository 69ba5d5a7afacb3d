"""The moments that a service's past is told from, and what becomes of them at their bounds."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest

from labgen.docker import timeline
from labgen.docker.swarm import Task
from labgen.docker.timeline import (
    Turn,
    Vacancy,
    at_once,
    began,
    drained,
    exchanged,
    lost,
    most_empty,
    most_missing,
    moves,
    over,
    places,
    relieved,
    taken_back,
    turns,
    undated,
    updates,
    vacancies,
)
from tests.past import at, lived, service, task, turn


@pytest.mark.parametrize("state", ["complete", "shutdown", "failed", "rejected", "remove", "orphaned"])
def test_over_is_a_task_that_will_not_run_again(state: str) -> None:
    old = task(1, 0, state, since=7)
    assert over(old) == at(7)
    # Its container's own end is more exact.
    assert over(replace(old, ended=at(5))) == at(5)
    assert undated(old) == (state != "rejected")


@pytest.mark.parametrize("state", ["new", "pending", "preparing", "starting", "running"])
def test_over_is_none_of_a_task_that_may_still_run(state: str) -> None:
    assert over(task(1, 0, state, since=7)) is None
    assert not undated(task(1, 0, state, since=7))


@pytest.mark.parametrize(
    ("change", "start"),
    [
        # A health check succeeded later than its container began.
        ({"state": "running", "desired": "running", "began": at(3)}, 7),
        # Of one on its way out its node says again that it runs, later.
        ({"state": "running", "desired": "shutdown", "began": at(3)}, 3),
        ({"state": "running", "desired": "shutdown", "began": None}, 7),
        ({"state": "shutdown", "desired": "shutdown", "began": at(3)}, 3),
        ({"state": "shutdown", "desired": "shutdown", "began": None}, None),
        ({"state": "failed", "desired": "shutdown", "began": at(3), "unwell": "refused"}, None),
        ({"state": "pending", "desired": "running", "began": None}, None),
    ],
)
def test_began_is_when_a_task_came_to_run(change: dict[str, Any], start: float | None) -> None:
    assert began(replace(task(1, 0, since=7), **change)) == (None if start is None else at(start))


def test_undated_is_only_what_may_have_run() -> None:
    old = task(1, 0, "shutdown", since=7)
    assert undated(old)
    assert not undated(replace(old, began=at(3)))
    assert not undated(replace(old, unwell="refused"))


def test_turns_are_the_last_of_each_place_and_relieved_passes_over_what_never_ran() -> None:
    old, bad, new = (
        lived(1, 0, "a", (1, 40)),
        replace(lived(1, 10, "b", None), state="rejected"),
        lived(1, 20, "a", (21, None)),
    )
    replicated = service(old, bad, new, lived(2, 0, "a", (1, None)))
    assert [(change.old, change.new) for change in turns(replicated)] == [(bad, new)]
    assert [(change.old, change.new) for change in relieved(replicated)] == [(old, new)]
    # A task that was made later is none that was relieved.
    later = replace(lived(1, 30, "a", (31, 35)), state="failed")
    assert [(change.old, change.new) for change in relieved(service(old, new, later))] == [(old, new)]
    assert relieved(service(old, replace(new, desired="shutdown"))) == []


def test_turns_updates_and_moves_are_told_in_the_order_of_the_new_tasks() -> None:
    first = [lived(2, 0, "a", (1, 10)), lived(2, 9, "b", (11, None))]
    second = [lived(1, 0, "a", (1, 20)), lived(1, 19, "b", (21, None))]
    replicated = service(*second, *first)
    assert [change.place for change in turns(replicated)] == ["2", "1"]
    assert [change.place for change in relieved(replicated)] == ["2", "1"]
    assert [[change.place for change in update] for update in updates(replicated)] == [["2", "1"]]
    away = [replace(original, spec="a", node_id=node) for original, node in zip((*second, *first), "xyxy", strict=True)]
    assert [move.place for move in moves(service(*away))] == ["2", "1"]


@pytest.mark.parametrize(
    ("old", "started", "is_lost"),
    [
        # Its node said that it ended when the new one ran, and not after that.
        (task("x", 0, "shutdown", since=12), 12, False),
        (task("x", 0, "shutdown", since=12.5), 12, True),
        (task("x", 0, "shutdown", since=12.5), None, False),
        # Three seconds, and no more, from the end of its container until somebody noticed.
        (replace(task("x", 0, "shutdown", since=9), ended=at(7)), 12, False),
        (replace(task("x", 0, "shutdown", since=9), ended=at(6.5)), 12, True),
        # Its engine had just begun again when it was told, for half a minute at most.
        (replace(task("x", 0, "shutdown", since=9), engine=at(8.9)), 12, True),
        (replace(task("x", 0, "shutdown", since=9), engine=at(9)), 12, False),
        (replace(task("x", -40, "shutdown", since=9), engine=at(-20.5)), 12, True),
        (replace(task("x", -40, "shutdown", since=9), engine=at(-21)), 12, False),
        # It began before the task was made.
        (replace(task("x", 8.5, "shutdown", since=9), engine=at(8.5)), 12, False),
    ],
)
def test_lost_is_a_node_that_was_given_up(old: Task, started: float | None, is_lost: bool) -> None:
    new = task("y", 10, "pending" if started is None else "running", since=started)
    happened = Turn("1", old, new)
    assert lost(happened) == is_lost
    assert drained(happened) == (not is_lost and started is not None)


@pytest.mark.parametrize(("created", "start"), [(90, 0), (90.5, 90.5)])
def test_vacancies_begin_when_a_place_was_to_have_a_task_again(created: float, start: float) -> None:
    happened = turn(1, 0, 100, created=created)
    assert vacancies([happened]) == [Vacancy("1", at(start), at(100))]


def test_vacancies_end_with_the_next_task_that_is_known_to_have_begun() -> None:
    never, later_begun = turn(1, 0, None, created=0), turn(1, 4, 9, created=5)
    assert vacancies([later_begun, never]) == [Vacancy("1", at(0), at(9))]
    assert vacancies([never]) == [Vacancy("1", at(0), None)]
    assert vacancies([turn(2, 0, 5), turn(1, 3, 4), turn(3, 5, 3)]) == [
        Vacancy("1", at(3), at(4)),
        Vacancy("2", at(0), at(5)),
    ]


def test_vacancies_know_of_other_tasks_of_the_place_that_ran_meanwhile() -> None:
    went_on = lived(1, -60, "a", (-59, 6))
    happened = turn(1, 2, 9)
    replicated = service(went_on, happened.old, happened.new)
    assert vacancies([happened], replicated) == [Vacancy("1", at(6), at(9))]
    assert (most_missing([happened], replicated), most_missing([happened])) == (1, 1)
    # One that runs still leaves nothing empty.
    runs = lived(1, -60, "a", (-59, None))
    assert vacancies([happened], service(runs, happened.old, happened.new)) == []
    # One on its way out, of which nobody knows how long it ran, is not counted on.
    on_its_way = replace(lived(1, -60, "a", (-59, None)), desired="shutdown")
    assert vacancies([happened], service(on_its_way, happened.old, happened.new)) == [Vacancy("1", at(2), at(9))]
    # Nor is a task of another place.
    elsewhere = service(replace(went_on, slot=2), happened.old, happened.new)
    assert vacancies([happened], elsewhere) == [Vacancy("1", at(2), at(9))]


def test_most_missing_counts_a_place_once_however_many_of_its_tasks_have_no_date() -> None:
    tasks = [replace(task(1, number * 10, "shutdown", since=number * 10 + 9), began=None) for number in range(5)]
    happened = [Turn("1", old, new) for old, new in itertools.pairwise(tasks)]
    assert most_missing(happened) == 1
    assert most_missing([*happened, turn(2, 100, 101, created=99)]) == 2


def test_timeline_moments_at_once_ends_when_the_new_task_runs_and_some_time_after() -> None:
    happened = [turn(1, 0, 5, created=0), turn(2, 6, 8, created=6)]
    assert [at_once(happened, after) for after in (0.0, 1.0, 1.5)] == [1, 1, 2]
    assert at_once([turn(1, 0, 5, created=0), turn(2, 5, 8, created=5.5)]) == 1
    # By another clock it ran before it was made: it is at it for no time.
    assert at_once([turn(1, 0, 2, created=4), turn(2, 0, 9, created=3)]) == 1
    # A place whose next task is made while the one before does not run yet is one.
    assert at_once([turn(1, 0, None, created=0), turn(1, 2, 5, created=2)]) == 1


def test_exchanged_is_no_time_where_the_new_task_ran_at_once() -> None:
    def there(began: float, created: float) -> list[Vacancy]:
        return exchanged(
            service(
                lived(1, 0, "a", (1, 20)),
                replace(lived(1, 5, "b", None, unwell="refused"), state="failed"),
                lived(1, created, "a", (began, None)),
            )
        )

    assert there(22, 8) == [Vacancy("1", at(20), at(22))]
    assert there(20, 8) == []
    # Made when the old one had been stopped already, it is the update's own.
    assert there(22, 20) == []


def test_most_empty_takes_the_latest_end_of_those_that_ran_before() -> None:
    replicated = service(
        lived(1, 0, "a", (1, 30)),
        replace(lived(1, 5, "b", (6, 12)), state="failed"),
        lived(1, 20, "c", (25, None)),
    )
    assert most_empty(replicated) == 0
    gone = service(
        *(
            replace(old_task, ended=at(22), since=at(22)) if old_task.spec == "a" else old_task
            for old_task in replicated.tasks
        )
    )
    assert most_empty(gone) == 1


def test_places_of_a_global_service_are_its_nodes() -> None:
    assert list(places(service(task("node-b", 1), task("node-a", 2)))) == ["node-a", "node-b"]


def test_taken_back_is_only_what_came_back_whole() -> None:
    def update(slot: int, *specs: str) -> list[Task]:
        tasks = [
            lived(slot, number * 10, spec, (number * 10 + 1, number * 10 + 9)) for number, spec in enumerate(specs)
        ]
        tasks = [replace(old_task, state="failed") if old_task.spec == "bad" else old_task for old_task in tasks]
        return [*tasks[:-1], replace(tasks[-1], state="running", desired="running", ended=None)]

    spared = lived(3, 0, "good", (1, None))
    assert taken_back(service(*update(1, "good", "bad", "good"), spared)) == ["1"]
    two_places = [*update(1, "good", "bad", "good"), *update(2, "good", "bad", "good")]
    assert taken_back(service(*two_places, spared)) == ["1", "2"]
    # One of them did not come back,
    assert taken_back(service(*two_places[:3], *update(2, "good", "bad"), spared)) == []
    # or none had failed.
    mended = [
        replace(old_task, state="shutdown", desired="shutdown") if old_task.spec == "bad" else old_task
        for old_task in two_places
    ]
    assert taken_back(service(*mended, spared)) == []


@pytest.mark.parametrize(("created", "cause"), [(4.0, "exchange"), (5.0, "update"), (None, "update")])
def test_cause_is_an_exchange_where_the_new_task_was_made_before_the_old_one_stopped(
    created: float | None, cause: str
) -> None:
    old, new = lived(1, 0, "a", (1, 5)), lived(1, 4, "a", (9, None))
    other = replace(lived(1, 3, "b", None), state="failed")
    new = replace(new, created=None if created is None else at(created))
    assert timeline._cause(old, new, at(5), [old, other, new]) == cause


def test_relieved_passes_over_places_in_which_no_task_runs() -> None:
    stopped = [lived(1, 0, "a", (1, 5)), lived(1, 6, "a", (7, 9))]
    replaced = [lived(2, 0, "a", (1, 5)), lived(2, 6, "a", (7, None))]
    alone = [lived(3, 0, "a", (1, None))]
    assert relieved(service(*stopped, *replaced, *alone)) == [Turn("2", *replaced)]
