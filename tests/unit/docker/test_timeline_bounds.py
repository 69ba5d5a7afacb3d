"""What is told of a service's past is possible, whatever a swarm has made of it and remembers."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given

from labgen.docker.spans import merged
from labgen.docker.swarm import Service
from labgen.docker.timeline import (
    Turn,
    at_once,
    began,
    drained,
    failing,
    lost,
    most_empty,
    most_missing,
    moves,
    over,
    places,
    relieved,
    taken_back,
    turns,
    updates,
    vacancies,
)
from tests.histories import KEPT, histories


def all_turns(service: Service) -> list[Turn]:
    return [Turn(place, old, new) for place, tasks in places(service).items() for old, new in pairwise(tasks)]


@given(histories())
def test_most_missing_is_never_more_than_there_are_places(service: Service) -> None:
    many = len(places(service))
    for happened in (all_turns(service), turns(service), relieved(service), moves(service), *updates(service)):
        missing = most_missing(happened)
        assert 0 <= missing <= len({turn.place for turn in happened}) <= many
        # What is known of other tasks can only tell of fewer.
        assert 0 <= most_missing(happened, service) <= missing
    assert 0 <= most_empty(service) <= many


@given(histories())
def test_vacancies_of_a_place_are_apart_and_no_task_runs_in_them(service: Service) -> None:
    empty = vacancies(all_turns(service), service)
    for place, tasks in places(service).items():
        spans = [(vacancy.start, vacancy.end) for vacancy in empty if vacancy.place == place]
        assert merged(spans) == spans
        for start, end in spans:
            for task in tasks:
                first, last = began(task), over(task)
                if first is not None and last is not None and first < last:
                    assert last <= start or (end is not None and first >= end)


@given(histories())
def test_timeline_bounds_at_once_counts_places(service: Service) -> None:
    for happened in (all_turns(service), turns(service), *updates(service)):
        most = at_once(happened)
        assert 0 <= most <= len({turn.place for turn in happened})
        assert most <= at_once(happened, 5.0) <= len({turn.place for turn in happened})


@given(histories())
def test_timeline_bounds_move_is_not_both_of_a_lost_node_and_of_a_drained_one(service: Service) -> None:
    assert not [turn for turn in moves(service) if lost(turn) and drained(turn)]


@given(histories())
def test_places_named_by_an_update_are_places_of_the_service(service: Service) -> None:
    assert {*failing(service), *taken_back(service)} <= {*places(service)}
    assert all(len(tasks) <= KEPT for tasks in places(service).values())
