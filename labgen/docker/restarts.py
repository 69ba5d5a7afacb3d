"""Whether a service's tasks stay up: which of them ended by themselves, one after the other, in the same place.

A task that ends by itself and is replaced is running whenever one looks, and serves nobody for long. The history that
the swarm keeps tells it: in one place (a replica, or a node of a global service) the last tasks before the one that
runs now ended by themselves, and that one has not yet run for as long as they did.

A container that someone ended by force (``docker rm -f``, ``docker kill``), a node or an engine that was restarted
(whose containers are then gone), a task that was replaced by an update: none of these ends by itself. One that did,
once, is no habit. Everything is told by the managers' clock, which dates when a task was made and when its state was
last heard of.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile

from labgen.docker.tasks import Service, Task
from labgen.docker.timeline import places

WINDOW = timedelta(minutes=10)
"""How far back an end counts: long enough for two lives of a few minutes each."""

LEAST = 2
"""Tasks in one place that ended by themselves from which on it is a habit."""

_KILLS, _KILLING = 4, timedelta(seconds=25)
"""So many containers in one place ended by force within this time: no person and no check of ours does that, each of
which waits for the replacement, but a limit of memory does."""


@dataclass(frozen=True)
class Restarts:
    """Tasks of a service that did not stay up.

    :param ended: those that ended by themselves, in all places.
    :param seconds: from the end of the first of them until now.
    """

    ended: tuple[Task, ...]
    seconds: float

    def __str__(self) -> str:
        """For people: ``3 tasks ended by themselves in the last 20 s (exit code 0)``."""
        ways = Counter(_way(task) for task in self.ended)
        return (
            f"{len(self.ended)} tasks ended by themselves in the last {max(1, round(self.seconds))} s "
            f"({', '.join(way for way, _ in ways.most_common(2))})"
        )


def restarting(service: Service, now: datetime) -> Restarts | None:
    """Find the tasks that show that a service does not stay up, ``None`` if it does.

    :param now: by the managers' clock.
    """
    ended = [task for tasks in places(service).values() for task in _habit(tasks, now)]
    if not ended:
        return None
    first = min(end for task in ended if (end := _since(task)))
    return Restarts(tuple(ended), (now - first).total_seconds())


def young(service: Service, now: datetime, least: float, least_after_an_end: float) -> float:
    """Give the seconds until every running task has run long enough to count as stable; 0 if all have.

    :param least: seconds that a task must have run.
    :param least_after_an_end: the same where the one before it in its place has ended by itself just before.
    """
    missing = [0.0]
    for tasks in places(service).values():
        for task in tasks:
            if task.running and (since := _since(task)):
                suspicious = _chain(tasks[: tasks.index(task)], task, now)
                required = least_after_an_end if suspicious else least
                missing.append(required - (now - since).total_seconds())
    return max(missing)


def ended_by_itself(task: Task) -> bool:
    """Say whether a task could not be started or its container ended, and nobody had asked for that.

    An engine that ends a container because its health check failed ends it by force.
    """
    return task.failed and (not task.killed or "unhealthy" in task.error)


def _habit(tasks: Sequence[Task], now: datetime) -> list[Task]:
    """Find the tasks of one place that ended by themselves, if they keep doing so."""
    current = tasks[-1]
    before = tasks[:-1]
    if current.failed and current.desired != "running":
        # Its successor is not made yet, or never will be.
        before = tasks
    chain = _chain(before, current, now)
    if len(chain) < LEAST:
        chain = _killed(before, current, now)
    if not current.running:
        return chain
    since = _since(current)
    lives = [end - task.created for task in chain if task.created and (end := _since(task))]
    outlived = since is not None and all(now - since >= life for life in lives)
    return [] if outlived else chain


def _chain(before: Sequence[Task], current: Task, now: datetime) -> list[Task]:
    """Find the last tasks before one, all like it, that ended by themselves one after the other, not long ago."""
    return list(takewhile(ended_by_itself, _alike(before, current, now)))


def _killed(before: Sequence[Task], current: Task, now: datetime) -> list[Task]:
    killed = list(takewhile(lambda task: task.killed, _alike(before, current, now)))[:_KILLS]
    ends = [end for task in killed if (end := _since(task))]
    return killed if len(ends) == _KILLS and max(ends) - min(ends) <= _KILLING else []


def _alike(before: Sequence[Task], current: Task, now: datetime) -> Iterable[Task]:
    return takewhile(
        lambda task: task.spec == current.spec and (end := _since(task)) is not None and now - end <= WINDOW,
        reversed(before),
    )


def _since(task: Task) -> datetime | None:
    """Give the date of a task's state, by the managers' clock if that has noted it; its end if it is over."""
    return task.updated or task.since


def _way(task: Task) -> str:
    if task.error and not task.error.startswith("task: non-zero exit"):
        return task.error
    return f"exit code {task.exit_code}"
