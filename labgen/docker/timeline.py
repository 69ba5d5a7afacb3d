"""What became of a service's tasks in time: which came after which, how long a place was empty, how many at once.

Read from the history that the swarm itself keeps (five tasks for each replica), so it can be told afterwards,
whoever did the update. The moments are those at which nodes saw their containers start and stop, by the
nodes' own clocks, or by the manager's where :func:`labgen.docker.container_times.dated` has dated the service, also
for tasks that ended long ago.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby, pairwise
from operator import itemgetter
from typing import Literal

from labgen.docker.spans import Span, merged, most_at_once, without
from labgen.docker.tasks import Service, Task

_OVER = frozenset({"complete", "shutdown", "failed", "rejected", "remove", "orphaned"})
"""States of a task that will not run again (moby ``api/types/swarm/task.go``)."""


def over(task: Task) -> datetime | None:
    """Give the date on which a task's container ended, ``None`` if it has not."""
    return (task.ended or task.since) if task.state in _OVER else None


def began(task: Task) -> datetime | None:
    """Give when a task began to run as the swarm counts it, ``None`` where it never did or has left no date."""
    # A task with a health check is running only from when that succeeds, later than its container. Of one that is on
    # its way out its node says again that it runs, with a later moment.
    if task.state == "running" and (task.desired == "running" or task.began is None):
        return task.since
    return None if task.unwell else task.began


def undated(task: Task) -> bool:
    """Say whether a task is over and nothing tells when it began to run, or whether it ever did."""
    return over(task) is not None and began(task) is None and task.state != "rejected" and not task.unwell


UNNOTICED = 3.0
"""Seconds. The end of a container is told to the managers within one; a node is given up after ten at the least."""

WANTED = timedelta(seconds=90)
"""How long after the end of a task its successor is made at most: a manager that was away first has to come back. What
is made later was not wanted before."""

BACK = timedelta(seconds=30)
"""How long a node that is back takes at most to say what has become of its tasks."""


@dataclass(frozen=True)
class Turn:
    """One task coming after another in the same place: the same replica, or the same node of a global service.

    :param stopped: when the old one's container ended, ``None`` where it has not.
    :param started: when the new one began to run, ``None`` where it has not yet, or is over and has left no date.
    """

    place: str
    old: Task
    new: Task

    @property
    def stopped(self) -> datetime | None:
        """When the old task ended."""
        return over(self.old)

    @property
    def started(self) -> datetime | None:
        """When the new task began to run."""
        return began(self.new)

    @property
    def gap(self) -> float | None:
        """Seconds for which the place was empty; below 0 where the new one ran before the old one ended."""
        if self.stopped is None or self.started is None:
            return None
        return (self.started - self.stopped).total_seconds()


def places(service: Service) -> dict[str, list[Task]]:
    """Group a service's tasks by place, oldest first in each."""
    by_place: dict[str, list[Task]] = {}
    for task in service.tasks:
        by_place.setdefault(str(task.slot) if task.slot else task.node_id, []).append(task)
    return {place: sorted(tasks, key=lambda task: str(task.created)) for place, tasks in sorted(by_place.items())}


def turns(service: Service) -> list[Turn]:
    """Give each place's latest turn: its last task, and the one before; in the order in which the new ones began."""
    latest = [Turn(place, tasks[-2], tasks[-1]) for place, tasks in places(service).items() if len(tasks) > 1]
    return sorted(latest, key=lambda turn: str(turn.new.created))


def relieved(service: Service) -> list[Turn]:
    """Give each place's running task, and the last before it that ever ran; in the order in which the new ones began.

    Unlike :func:`turns` it passes over tasks that failed or were given up before they ran.
    """
    reliefs = []
    for place, tasks in places(service).items():
        now = next((task for task in tasks if task.running), None)
        if now is None:
            continue
        ran = [task for task in tasks if began(task) and str(task.created) < str(now.created)]
        if ran:
            reliefs.append(Turn(place, ran[-1], now))
    return sorted(reliefs, key=lambda turn: str(turn.new.created))


def updates(service: Service) -> list[list[Turn]]:
    """Give the updates that the history still shows, oldest first: of each, the turns in which tasks became others.

    A task that only took the place of one like it (its container or its node failed) is none.
    """
    changes = [
        Turn(place, old, new)
        for place, tasks in places(service).items()
        for old, new in pairwise(tasks)
        if old.spec != new.spec
    ]
    changes.sort(key=lambda turn: str(turn.new.created))
    return [list(update) for _, update in groupby(changes, key=lambda turn: turn.new.spec)]


def moves(service: Service) -> list[Turn]:
    """Give the turns in which a replica of unchanged settings went to another node, oldest first."""
    moved = [
        Turn(place, old, new)
        for place, tasks in places(service).items()
        for old, new in pairwise(tasks)
        if old.spec == new.spec and old.node_id != new.node_id
    ]
    return sorted(moved, key=lambda turn: str(turn.new.created))


def lost(turn: Turn) -> bool:
    """Say whether the node of the old task was given up: the new one did not wait for the old one's end.

    Where a node is drained, the old task is stopped first, and the new one runs after that. A node that does not
    answer cannot say that its task has ended; it says so when it is back, just after its engine has begun. Or its
    container had ended long before anyone noticed: an engine that stops stops its containers.
    """
    reported, ended = turn.old.since if turn.old.state in _OVER else None, turn.old.ended
    late = turn.started is not None and (reported is None or reported > turn.started)
    unnoticed = bool(ended and turn.new.created and (turn.new.created - ended).total_seconds() > UNNOTICED)
    back = turn.old.engine
    just_back = bool(back and reported and turn.old.created and turn.old.created < back < reported < back + BACK)
    return late or unnoticed or just_back


def drained(turn: Turn) -> bool:
    """Say whether the old task was told to stop, and the new one began elsewhere after that."""
    dated = turn.stopped is not None and turn.started is not None
    return dated and turn.old.state == "shutdown" and not lost(turn)


def failing(service: Service) -> dict[str, list[Task]]:
    """Give, by place, tasks that failed and whose settings are not those of the task that runs there now."""
    failed = {}
    for place, tasks in places(service).items():
        now = {task.spec for task in tasks if task.running}
        bad = [task for task in tasks if task.failed and now and task.spec not in now]
        if bad:
            failed[place] = bad
    return failed


def taken_back(service: Service) -> list[str]:
    """Give the places of a failed update that was rolled back before it reached all: each runs its old settings again.

    Empty unless the last thing that has happened to the service is that.
    """
    empty: list[Turn] = []
    *_, bad, good = [empty, empty, *updates(service)]
    before, by_place = {turn.place: turn.old.spec for turn in bad}, places(service)
    now = {place: {task.spec for task in tasks if task.running} for place, tasks in by_place.items()}
    back = [turn.place for turn in good if now[turn.place] == {turn.new.spec} == {before.get(turn.place)}]
    complete = set(back) == set(before) and any(turn.new.failed for turn in bad)
    return sorted(back) if complete and len(before) < len(by_place) else []


def most_empty(service: Service) -> int:
    """Count the places that updates left empty at once, at most, from when each first had a task that ran.

    Unlike :func:`most_missing` it also knows a place whose old task went on while a new one failed beside it. What
    :func:`exchanged` and :func:`broken_off` tell is not counted.
    """
    return most_at_once([_emptied(tasks, "update") for tasks in places(service).values()])


def exchanged(service: Service) -> list[Vacancy]:
    """Give the times for which Swarm left a place empty in a rollback, though the old task still ran there.

    Where the new task of an update fails, Swarm makes another in its place, by then in the old way again. Going back it
    keeps whichever of the two it comes upon, and stops the other at once, whatever order was asked for (swarmkit
    ``manager/orchestrator/update/updater.go``, ``useExistingTask``).
    """
    return _vacant(service, "exchange")


def broken_off(service: Service) -> list[Vacancy]:
    """Give the times for which a place was empty beside an update because its old container ended by itself."""
    return _vacant(service, "failure")


Cause = Literal["update", "exchange", "failure"]


def _vacant(service: Service, cause: Cause) -> list[Vacancy]:
    return [
        Vacancy(place, start, end) for place, tasks in places(service).items() for start, end in _emptied(tasks, cause)
    ]


def _emptied(tasks: Sequence[Task], cause: Cause) -> list[tuple[datetime, datetime]]:
    """Give the times for which a place was empty while it was updated, because of that or of something beside it."""
    lives = sorted(((start, task) for task in tasks if (start := began(task))), key=itemgetter(0))
    empty: list[tuple[datetime, datetime]] = []
    for (_, before), (start, task) in pairwise(lives):
        ends = [(over(earlier), earlier) for began_at, earlier in lives if began_at < start]
        if any(moment is None for moment, _ in ends):
            continue  # one of them runs still
        end, last_to_run = max(((moment, earlier) for moment, earlier in ends if moment), key=itemgetter(0))
        # A place that is empty because its container or its node failed is not the update's.
        first, last = sorted((tasks.index(before), tasks.index(task)))
        between = tasks[first : last + 1]
        updated = any(neighbour.spec != before.spec for neighbour in between)
        if start > end and updated and _cause(last_to_run, task, end, between) == cause:
            empty.append((end, start))
    return empty


def _cause(old: Task, new: Task, stopped: datetime, between: Sequence[Task]) -> Cause:
    """Say why a place was empty between two tasks, with an update in between."""
    if old.spec != new.spec:
        return "update"
    if old.failed:
        return "failure"
    # An update that stops first makes the new task when it stops the old one; so that has failed, and another was made,
    # only after that.
    other_failed = any(neighbour.failed for neighbour in between if neighbour.spec != new.spec)
    return "exchange" if other_failed and new.created is not None and new.created < stopped else "update"


@dataclass(frozen=True)
class Vacancy:
    """A time in which a place had no task that ran, though it was to have one.

    :param end: ``None`` where it has none still, as far as the turns tell.
    """

    place: str
    start: datetime
    end: datetime | None


def vacancies(happened: Iterable[Turn], service: Service | None = None) -> list[Vacancy]:
    """Give the times for which turns left their places empty, by place, in order; those of one place never overlap.

    A place counts as empty until the next of its tasks that is known to have begun. A place that was not to have a task
    for a while (a node of a global service that was drained) counts from when it was to have one again.

    :param service: with more tasks of these places, which may have run meanwhile: an old one that went on while a new
        one failed beside it.
    """
    return [
        Vacancy(place, start, end)
        for place, spans in sorted(_vacated(happened, service).items())
        for start, end in spans
    ]


def _vacated(happened: Iterable[Turn], service: Service | None = None) -> dict[str, list[Span]]:
    more = places(service) if service else {}
    empty: dict[str, list[Span]] = {}
    for place, in_order in _by_place(happened).items():
        tasks = [*more.get(place, ()), *(task for turn in in_order for task in (turn.old, turn.new))]
        ran = [
            (start, over(task))
            for task in tasks
            if (start := began(task)) and (over(task) or task.desired == "running")
        ]
        empty[place] = without(merged(_empty_spans(in_order)), ran)
    return empty


def _empty_spans(in_order: Sequence[Turn]) -> list[Span]:
    """Give the spans from the end of each old task to the start of the next new one, which may have begun earlier."""
    empty: list[Span] = []
    for number, turn in enumerate(in_order):
        start, created = turn.stopped, turn.new.created
        if start is None:
            continue
        if created and created - start > WANTED:
            start = created
        empty.append((start, next((later.started for later in in_order[number:] if later.started), None)))
    return empty


def most_missing(happened: Iterable[Turn], service: Service | None = None) -> int:
    """Count the places that were empty at the same time, at most; one without a running successor still is.

    Never more than there are places. Where a task is :func:`undated`, its place counts as empty until the next began.

    :param service: as for :func:`vacancies`.
    """
    return most_at_once(_vacated(happened, service).values())


def _by_place(happened: Iterable[Turn]) -> dict[str, list[Turn]]:
    """Group turns by place, the oldest first in each."""
    by_place: dict[str, list[Turn]] = {}
    for turn in sorted(happened, key=lambda turn: str(turn.new.created)):
        by_place.setdefault(turn.place, []).append(turn)
    return by_place


def at_once(happened: Iterable[Turn], after: float = 0.0) -> int:
    """Count the places that were changed at once, at most: each from when a new task was made until it ran.

    :param after: seconds for which a place counts as being changed after that: an update that waits so long between one
        replica and the next has no more going on than without.
    """
    longer = timedelta(seconds=after)
    under_way = [
        [
            (turn.new.created, turn.started and max(turn.started + longer, turn.new.created))
            for turn in in_order
            if turn.new.created
        ]
        for in_order in _by_place(happened).values()
    ]
    return most_at_once(under_way)
