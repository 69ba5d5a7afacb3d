"""Causes in the history of a whole service: an update that is paused, tasks that do not stay up."""

from __future__ import annotations

from collections.abc import Iterator

from labgen.core.i18n import _
from labgen.docker.hopeless import hopeless
from labgen.docker.restarts import restarting
from labgen.exercise.hint import in_folder, on_manager
from labgen.observation.causes.model import Cause, Observations, RecognisedCause
from labgen.observation.causes.tasks import TOPICS, errors, see, without_tasks


def _flapping(observations: Observations) -> Iterator[RecognisedCause]:
    for _spec, service in observations.services():
        dates = [task.updated or task.since for task in service.tasks]
        now = observations.now or max((date for date in dates if date), default=None)
        restarts = restarting(service, now) if now else None
        if restarts is None:
            continue
        # Their own errors say more where they never ran.
        yield RecognisedCause(
            "flapping",
            _("The tasks of %(service)s do not stay up: %(restarts)s.", service=service.name, restarts=str(restarts)),
            (
                on_manager(
                    f"docker service logs --tail 20 {service.name}",
                    f"docker service inspect --pretty {service.name}",
                    look=_("See what they say before they end, and which command they run."),
                ),
                see(service.name),
            ),
        )


def _paused(observations: Observations) -> Iterator[RecognisedCause]:
    for _spec, service in without_tasks(observations):
        if service.update_state not in ("paused", "rollback_paused"):
            continue
        why = next((error for _, error in errors(service)), service.update_message)
        yield RecognisedCause(
            "update-paused",
            _("The update of %(service)s is paused: %(why)s", service=service.name, why=why),
            (
                see(service.name),
                on_manager(
                    f"docker service rollback {service.name}",
                    look=_("Go back to how it was, or update again with what is right."),
                ),
            ),
        )


def _starting(observations: Observations) -> Iterator[RecognisedCause]:
    for _spec, service in without_tasks(observations):
        moving = [task for task in service.tasks if task.moving]
        if not moving or hopeless(service):
            continue
        states = ", ".join(dict.fromkeys(task.state for task in moving))
        yield RecognisedCause(
            "still-starting",
            _("Tasks of %(service)s are still on their way to run (%(states)s).", service=service.name, states=states),
            (
                see(service.name, look=_("Wait until they run.")),
                in_folder("labgen grade", look=_("Then grade again.")),
            ),
        )


CAUSES = (
    Cause(
        "update-paused",
        TOPICS,
        _("An update's state is `paused`."),
        "docker service rollback SERVICE",
        _paused,
    ),
    Cause(
        "flapping",
        TOPICS | {"requests"},
        _("Two or more tasks of a replica ended by themselves, one after the other."),
        "docker service logs --tail 20 SERVICE",
        _flapping,
    ),
    Cause(
        "still-starting",
        TOPICS,
        _("Tasks are being prepared or started when the wait for them ends."),
        "docker service ps --no-trunc SERVICE",
        _starting,
    ),
)
