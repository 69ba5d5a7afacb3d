"""What of a service cannot become true any more by itself, and is not worth waiting for.

Swarm tries again for ever: an image that does not exist is asked for every five seconds, a container that ends is
started again. Whoever waits for such a service to run waits in vain, and learns why only at the end.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import takewhile

from labgen.docker.tasks import Service, Task
from labgen.docker.timeline import places

ATTEMPTS = 2
"""Attempts in one place that failed in the same way, one after the other, from which on another is not waited for."""

_CLOCKS = 5.0
"""Seconds by which two clocks may differ."""

_PAUSED = ("paused", "rollback_paused")
_UPDATING = ("updating", "rollback_started")


def exhausted(service: Service) -> dict[str, str]:
    """Give the places in which a task failed again and again in the same way, each with the error."""
    errors = {}
    for place, tasks in places(service).items():
        if not any(task.running for task in tasks) and (error := _repeated(tasks)):
            errors[place] = error
    return errors


def stuck(service: Service) -> str:
    """Say why every task that should run waits for a node; empty if one is on its way or all run."""
    waiting = [task for task in service.tasks if task.desired in ("running", "ready") and not task.running]
    if not waiting or not all(task.stuck for task in waiting):
        return ""
    return waiting[-1].error


def hopeless(service: Service) -> str:
    """Say why no more tasks of a service will ever run; empty if some still may.

    Tasks that wait for a node are not told of here: one may come.
    """
    if service.update_state in _UPDATING:
        return ""  # What failed may be what the update mends.
    for error in exhausted(service).values():
        return error
    if service.update_state in _PAUSED:
        errors = [task.error for task in service.tasks if task.error and not task.running]
        return errors[-1] if errors else service.update_message or "the update is paused"
    return ""


def settled(service: Service) -> bool:
    """Say whether no task or update of a service is still in progress."""
    given_up = exhausted(service)
    if service.update_state in _UPDATING and not stuck(service):
        return False
    moving = [str(task.slot) if task.slot else task.node_id for task in service.tasks if task.moving]
    return all(place in given_up for place in moving)


def begun_lately(services: Iterable[Service], port: int, looked: datetime, within: float) -> bool:
    """Say whether a task behind a published port began so late that the routing mesh may not know it yet.

    :param looked: when the services were looked at.
    :param within: seconds that the mesh has.
    """
    publishing = [service for service in services if any(mapping.published == port for mapping in service.ports)]
    dates = [task.updated or task.since for service in publishing for task in service.running]
    # Nodes' clocks differ a little; a task without a date may have begun just now.
    return any(date is None or looked - date < timedelta(seconds=within + _CLOCKS) for date in dates)


def _repeated(tasks: list[Task]) -> str:
    """Give the error with which the last tasks of a place failed, all alike; empty if they did not."""
    # The one that is on its way now is the next attempt.
    past = [task for task in tasks if not task.moving]
    if not past:
        return ""
    last = past[-1]
    if any(task.moving and task.spec != last.spec for task in tasks):
        return ""
    alike = list(takewhile(lambda task: _failed_like(task, last), reversed(past)))
    return (last.error or f"exit code {last.exit_code}") if len(alike) >= ATTEMPTS else ""


def _failed_like(task: Task, last: Task) -> bool:
    return task.failed and not task.killed and (task.spec, task.error) == (last.spec, last.error)
