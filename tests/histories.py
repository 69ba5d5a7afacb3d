"""Histories of services that a swarm can make, for properties that hold of all of them.

A history is acted out, event by event: updates of either order, also paused and rolled back, containers that fail,
nodes that are drained, or lost and back. What a swarm forgets of it is then forgotten: tasks beyond five in a place,
the dates of containers that are gone, the difference between the nodes' clocks.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count

from hypothesis import strategies as st

from labgen.docker.swarm import Service, Task
from tests.past import at

KEPT = 5
"""Tasks that a swarm keeps of each place."""

IMAGES = ("redis:6.0-alpine", "redis:6.2.5-alpine", "nginx:latest")
NODES = ("node-a", "node-b", "node-c")


@dataclass
class Acting:
    """A service while its history is acted out.

    :ivar tasks: by place, the oldest first.
    :ivar now: seconds since noon.
    """

    draw: st.DrawFn
    is_global: bool
    tasks: dict[str, list[Task]] = field(default_factory=dict)
    now: float = 0.0
    spec: int = 0
    image: str = IMAGES[0]
    ids: count[int] = field(default_factory=count)

    def seconds(self, least: float = 0.0, most: float = 9.0) -> float:
        return self.draw(st.floats(least, most).map(lambda seconds: round(seconds, 3)))

    def create(self, places: int) -> None:
        for number in range(places):
            self.start(NODES[number % 3] + str(number) if self.is_global else str(number + 1), self.now)

    def start(self, place: str, created: float, *, spec: int | None = None, image: str = "") -> None:
        """A new task that comes to run."""
        began = created + self.seconds(0.1, 6.0)
        self.tasks.setdefault(place, []).append(
            Task(
                id=f"task{next(self.ids)}",
                service_id="s",
                slot=0 if self.is_global else int(place),
                node_id=place if self.is_global else self.draw(st.sampled_from(NODES)),
                state="running",
                desired="running",
                image=image or self.image,
                container_id="c",
                error="",
                created=at(created),
                updated=None,
                since=at(began),
                spec=str(self.spec if spec is None else spec),
                began=at(began),
            )
        )
        self.now = max(self.now, began)

    def end(self, place: str, moment: float, state: str, error: str = "") -> None:
        """The last task of a place ends, not before it began."""
        last = self.tasks[place][-1]
        ended = max(at(moment), last.began or at(moment))
        self.tasks[place][-1] = replace(last, state=state, desired="shutdown", error=error, since=ended, ended=ended)

    def update(self) -> None:
        """Some places or all, in batches; a bad image fails in the first of them, and may be rolled back."""
        start_first, bad = self.draw(st.booleans()), self.draw(st.booleans())
        before, self.spec = (self.spec, self.image), self.spec + 1
        self.image = self.draw(st.sampled_from(IMAGES))
        places = list(self.tasks)
        # An update that is paused has come to some of them only.
        places = places[: self.draw(st.integers(1, len(places)))]
        parallelism = 1 if bad else self.draw(st.integers(1, 3))
        for first in range(0, len(places), parallelism):
            self.now += self.seconds()
            created = self.now
            for place in places[first : first + parallelism]:
                if bad:
                    return self.fail(place, created, start_first, before)
                self.replace(place, created, start_first)
        return None

    def replace(self, place: str, created: float, start_first: bool) -> None:
        old = len(self.tasks[place]) - 1
        if not start_first:
            stopped = created + self.seconds()
            self.end(place, stopped, "shutdown")
            self.start(place, created)
            self.tasks[place][-1] = self.shifted(self.tasks[place][-1], stopped)
            return
        self.start(place, created)
        if self.draw(st.integers(0, 3)):
            last, going = self.tasks[place][-1], self.tasks[place][old]
            ended = last.began + timedelta(seconds=self.seconds()) if last.began else None
            self.tasks[place][old] = replace(going, state="shutdown", desired="shutdown", since=ended, ended=ended)
        else:  # it is on its way out still
            self.tasks[place][old] = replace(self.tasks[place][old], desired="shutdown")

    def shifted(self, task: Task, stopped: float) -> Task:
        """Stop-first: a task that waited for the end of the one before."""
        began = max(task.began or at(stopped), at(stopped))
        return replace(task, began=began, since=began)

    def fail(self, place: str, created: float, start_first: bool, before: tuple[int, str]) -> None:
        """A new task that is rejected, fails, or is never healthy; then the update is paused or rolled back."""
        old = self.tasks[place][-1]
        if not start_first:
            self.end(place, created + self.seconds(), "shutdown")
        self.start(place, created)
        how = self.draw(st.sampled_from(["rejected", "failed", "unwell"]))
        ended = self.now + self.seconds()
        self.end(place, ended, "failed" if how == "unwell" else how, "No such image" if how == "rejected" else "exit 1")
        if how != "failed":
            bad = self.tasks[place][-1]
            never = replace(bad, began=None, unwell="refused" if how == "unwell" else "")
            self.tasks[place][-1] = replace(never, ended=None) if how == "rejected" else never
        if self.draw(st.booleans()):
            self.spec, self.image = before
            self.start(place, ended)
            if start_first:  # the old one went on until the one of the way back ran
                number = self.tasks[place].index(old)
                began = self.tasks[place][-1].began
                gone = began + timedelta(seconds=self.seconds()) if began else None
                self.tasks[place][number] = replace(old, state="shutdown", desired="shutdown", since=gone, ended=gone)

    def crash(self) -> None:
        """A container fails; another takes its place after the restart delay."""
        place = self.draw(st.sampled_from(list(self.tasks)))
        self.now += self.seconds()
        self.end(place, self.now, self.draw(st.sampled_from(["failed", "complete"])), "exit 137")
        self.start(place, self.now + self.seconds(0.0, 5.0))

    def lose(self) -> None:
        """A node does not answer any more, and may be back later; a replica goes elsewhere, a global task nowhere."""
        place = self.draw(st.sampled_from(list(self.tasks)))
        self.now += self.seconds(10.0, 20.0)
        last, back = self.tasks[place][-1], self.draw(st.booleans())
        self.tasks[place][-1] = replace(last, desired="shutdown")
        if back:
            reported, ended = at(self.now + self.seconds(0.0, 300.0)), at(self.now - 10.0)
            began = last.began if last.began and last.began < ended else None
            gone = replace(
                last, state="shutdown", desired="shutdown", since=reported, began=began, ended=ended, engine=reported
            )
            self.tasks[place][-1] = gone
        if not self.is_global or back:
            self.start(place, self.now + (self.seconds(0.0, 300.0) if self.is_global else 0.0))

    def drain(self) -> None:
        """A node is drained: a replica is stopped there and runs elsewhere; a global task comes back days later."""
        place = self.draw(st.sampled_from(list(self.tasks)))
        self.now += self.seconds()
        self.end(place, self.now + self.seconds(), "shutdown")
        away = self.draw(st.sampled_from([0.0, 30.0, 90_000.0])) if self.is_global else 0.0
        self.start(place, self.now + away)

    def pend(self) -> None:
        """A task that no node suits."""
        place = self.draw(st.sampled_from(list(self.tasks)))
        self.end(place, self.now + self.seconds(), "failed", "exit 1")
        self.start(place, self.now)
        last = self.tasks[place][-1]
        self.tasks[place][-1] = replace(last, state="pending", error="no suitable node", began=None, since=last.created)


@st.composite
def histories(draw: st.DrawFn) -> Service:
    """A service with all that a swarm and its nodes still tell of its past."""
    acting = Acting(draw, draw(st.booleans()))
    acting.create(draw(st.integers(1, 5)))
    events = (acting.update, acting.crash, acting.lose, acting.drain, acting.pend)
    for number in draw(st.lists(st.integers(0, len(events) - 1), max_size=8)):
        if all(tasks[-1].running for tasks in acting.tasks.values()):
            events[number]()
    skews = {node: timedelta(seconds=draw(st.floats(-1.0, 1.0))) for node in _nodes(acting)}
    remembered = [task for tasks in acting.tasks.values() for task in tasks[-KEPT:]]
    tasks = [
        _forgotten(task, skews[task.node_id], draw(st.integers(0, 3))) for task in draw(st.permutations(remembered))
    ]
    replicas = None if acting.is_global else len(acting.tasks)
    return Service(
        id="s",
        name="web",
        mode="global" if acting.is_global else "replicated",
        replicas=replicas,
        image=acting.image,
        constraints=(),
        ports=(),
        update_state=draw(st.sampled_from(["", "completed", "paused", "rollback_completed"])),
        update_message="",
        tasks=tuple(tasks),
    )


def _nodes(acting: Acting) -> set[str]:
    return {task.node_id for tasks in acting.tasks.values() for task in tasks}


def _forgotten(task: Task, skew: timedelta, how: int) -> Task:
    """A task with its node's clock, and without what its node does not know any more."""
    began, ended, since, engine = (
        moment and moment + skew for moment in (task.began, task.ended, task.since, task.engine)
    )
    skewed = replace(task, began=began, ended=ended, since=since, engine=engine)
    if how == 0:  # its container is gone, and its dates with it
        return replace(skewed, began=None, ended=None, unwell="")
    return skewed
