"""Tasks, turns and services of the past, for tests of what is told of them."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

from labgen.docker.swarm import Service, Task
from labgen.docker.timeline import Turn

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


def lived(place: int, created: float, spec: str, ran: tuple[float, float | None] | None, **more: Any) -> Task:
    """A task that ran from one moment to another, to this day if there is none, or never."""
    began, ended = ran if ran else (None, created + 1)
    state = "running" if ended is None else "shutdown"
    since = began if ended is None else ended
    plain = task(place, created, state, since)
    dates = {"began": began and at(began), "ended": ended and at(ended)}
    return dataclasses.replace(plain, **{"spec": spec, **dates, **more})
