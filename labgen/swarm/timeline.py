"""What became of a service's tasks in time: which came after which, how long a place was empty, how many at once.

Read from the history that the swarm itself keeps (five tasks for each replica), so it can be told afterwards,
whoever did the update. The moments are those at which nodes saw their containers start and stop, by the
nodes' own clocks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from labgen.swarm.model import Service, Task

_OVER = frozenset({"complete", "shutdown", "failed", "rejected", "remove", "orphaned"})
"""States of a task that will not run again (moby ``api/types/swarm/task.go``)."""


@dataclass(frozen=True)
class Turn:
    """One task coming after another in the same place: the same replica, or the same node of a global service.

    :param stopped: when the old one's container ended, ``None`` where it has not.
    :param started: when the new one began to run, ``None`` where it has not yet, or is over again.
    """

    place: str
    old: Task
    new: Task

    @property
    def stopped(self) -> datetime | None:
        """When the old task ended."""
        return self.old.since if self.old.state in _OVER else None

    @property
    def started(self) -> datetime | None:
        """When the new task began to run."""
        return self.new.since if self.new.state == "running" else None

    @property
    def gap(self) -> float | None:
        """Seconds for which the place was empty; below 0 where the new one ran before the old one ended."""
        if self.stopped is None or self.started is None:
            return None
        return (self.started - self.stopped).total_seconds()


def places(service: Service) -> dict[str, list[Task]]:
    """A service's tasks by place, oldest first in each."""
    found: dict[str, list[Task]] = {}
    for task in service.tasks:
        found.setdefault(str(task.slot) if task.slot else task.node_id, []).append(task)
    return {place: sorted(tasks, key=lambda task: str(task.created)) for place, tasks in sorted(found.items())}


def turns(service: Service) -> list[Turn]:
    """Of every place the latest turn: its last task, and the one before; in the order in which the new ones began."""
    latest = [Turn(place, tasks[-2], tasks[-1]) for place, tasks in places(service).items() if len(tasks) > 1]
    return sorted(latest, key=lambda turn: str(turn.new.created))


def most_missing(happened: Iterable[Turn]) -> int:
    """The greatest number of places that were empty at the same time; one without a successor that runs still is."""
    changes: list[tuple[datetime, int]] = []
    for turn in happened:
        if turn.stopped and not turn.started:
            changes.append((turn.stopped, 1))
        elif turn.stopped and turn.started and turn.stopped < turn.started:
            changes += [(turn.stopped, 1), (turn.started, -1)]
    missing = most = 0
    # At the same moment a start comes before a stop: neither place was empty beside the other.
    for _, change in sorted(changes, key=lambda one: (one[0], one[1])):
        missing += change
        most = max(most, missing)
    return most


def batches(happened: Sequence[Turn], apart: float) -> list[list[Turn]]:
    """Turns that began together.

    :param apart: seconds between the beginnings of two new tasks from which on they are not together.
    """
    found: list[list[Turn]] = []
    for turn in sorted(happened, key=lambda one: str(one.new.created)):
        last = found[-1][-1].new.created if found else None
        if last and turn.new.created and (turn.new.created - last).total_seconds() < apart:
            found[-1].append(turn)
        else:
            found.append([turn])
    return found
