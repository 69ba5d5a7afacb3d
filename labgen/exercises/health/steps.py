"""Health checks carried out: an update that never becomes healthy replaces nothing, one that does replaces all."""

from __future__ import annotations

from functools import partial

from labgen.core.errors import ExerciseError
from labgen.core.polling import NotYet
from labgen.docker.availability import Probed
from labgen.docker.swarm import Service
from labgen.docker.timeline import broken_off, exchanged, most_empty, relieved
from labgen.exercise.services import same_image
from labgen.model.capabilities import Capability
from labgen.model.lab import Lab, Node
from provision.exercise import services
from provision.exercise.run import Run
from provision.exercise.steps import Command, Script, Step
from provision.exercise.timing import Timer, watched
from provision.exercise.watching import requests, tell_turns

from .exercise import FORCE, INTERVAL, MONITOR, PER_THOUSAND, RETRIES, RIGHT, SERVICE, UPDATED, WEB, WRONG_PORT

_OFTEN = f"(--health-interval {INTERVAL:g}s)"
UNHEALTHY = Timer(f"a task that does not answer is given up after {RETRIES} checks {_OFTEN}", RETRIES * INTERVAL)
HEALTHY = Timer(f"a task counts as running when its first check succeeds {_OFTEN}", INTERVAL)


def script(lab: Lab) -> Script:
    """List the steps, in order."""
    manager = lab.first_manager
    port = WEB.publish[0].published
    return [
        services.create(
            lab,
            SERVICE,
            f"Create {SERVICE.name}: three servers that are asked every three seconds.",
            also=(UPDATED,),
            shows=_shows,
        ),
        services.show(lab, SERVICE.name),
        Step(
            manager,
            "Update to the new version, set up wrong: it runs, and does not answer. The old tasks must serve on.",
            Command(WRONG_PORT),
            skip_if=_failed,
            until=_nothing_lost,
            quiet=True,
            within=300,
            ends="either",
            timers=(UNHEALTHY, *watched(MONITOR)),
        ),
        services.show(lab, SERVICE.name, "See the history: a task that came and went, and three that have run on."),
        Step(
            manager,
            "Update to the new version as it should be: each old task goes when its successor is healthy.",
            Command(RIGHT),
            skip_if=_updated,
            until=partial(_relieved, name=SERVICE.name),
            quiet=True,
            within=300,
            timers=(HEALTHY, HEALTHY, HEALTHY, *watched(MONITOR)),
        ),
        services.show(lab, SERVICE.name),
        services.create(lab, WEB, f"The same seen from outside: a page with a health check, at port {port}."),
        Step(
            manager,
            "Replace all its tasks while requests go on: none may be lost.",
            Command(FORCE),
            before=partial(_open, node=manager, port=port),
            during=partial(requests, port=port, judge=few_lost),
            until=partial(_relieved, name=WEB.name),
            quiet=True,
            within=300,
            timers=(HEALTHY, HEALTHY, HEALTHY, *watched(MONITOR)),
        ),
    ]


def _unwell(service: Service) -> dict[str, str]:
    """Map each replica whose latest task never became healthy to the output of its health check."""
    return {str(task.slot): task.unwell for task in service.tasks if task.unwell and not task.running}


def _shows(run: Run) -> bool:
    """Tell whether the history shows the update that failed, and that no update lost a replica."""
    return _failed(run) is not None and not most_empty(run.lived(SERVICE.name))


def _failed(run: Run) -> str | None:
    shown = _unwell(run.lived(SERVICE.name))
    return f"The history of {SERVICE.name} shows a task that never became healthy already." if shown else None


def _updated(run: Run) -> str | None:
    image = run.service(SERVICE.name).image
    return f"{SERVICE.name} is at {UPDATED.image} already." if same_image(image, UPDATED.image) else None


def _nothing_lost(run: Run) -> None:
    def look() -> None:
        service = run.service(SERVICE.name)
        if service.update_state not in ("rollback_completed", "completed"):
            raise NotYet(services.describe(service, SERVICE.replicas or 0))

    run.wait("the update to be rolled back", look)
    services.running(run, SERVICE.name)
    service = run.lived(SERVICE.name)
    unwell = _unwell(service)
    for place, output in unwell.items():
        run.say(f"  {SERVICE.name}.{place}: the new task never became healthy; its check said: {output}")
    if not unwell:
        raise ExerciseError(
            f"the update of {SERVICE.name} did not fail of its health check.",
            f"Begin the exercise anew with: fab exercise.reset {run.exercise.name}",
        )
    _none_missing(run, service)


def _open(run: Run, node: Node, port: int) -> None:
    # Without the routing mesh nothing opens, and no requests are made.
    if Capability.ROUTING_MESH not in run.inventory.lacks:
        services.port_open(run, node, port)


def _relieved(run: Run, name: str) -> None:
    """Wait until every old task has made way for its successor; print when, and that no replica was missing."""
    services.running(run, name)

    def look() -> Service:
        service = run.lived(name)
        remaining = [turn.place for turn in relieved(service) if turn.stopped is None]
        if remaining:
            raise NotYet(f"the old task of replica {', '.join(remaining)} runs beside the new one")
        return service

    service = run.look("the old tasks to be gone", look)
    tell_turns(run, service, relieved(service))
    _none_missing(run, service)


def _none_missing(run: Run, service: Service) -> None:
    missing = most_empty(service)
    if missing:
        raise ExerciseError(
            f"{missing} of {service.replicas} replicas of {service.name} were missing at one time.",
            f"Begin the exercise anew with: fab exercise.reset {run.exercise.name}",
        )
    for vacancy in exchanged(service):
        seconds = (vacancy.end - vacancy.start).total_seconds() if vacancy.end else 0.0
        run.say(
            f"  {service.name}.{vacancy.place}: Swarm itself left it without a task for {seconds:.1f} s. {_EXCHANGE}"
        )
    for vacancy in broken_off(service):
        run.say(f"  {service.name}.{vacancy.place}: its container ended by itself while the service was updated.")
    if not exchanged(service) and not broken_off(service):
        run.say(f"  not one of {service.replicas} replicas was missing at any time")


_EXCHANGE = (
    "When the new task failed, Swarm made another in its place. Taking the update back, it kept that one and stopped "
    "the old one at once: the order that was asked for has no say in this."
)


def few_lost(_run: Run, probed: Probed) -> None:
    """Raise if more requests were lost than may be."""
    if probed.lost * 1000 > probed.requests * PER_THOUSAND:
        raise ExerciseError(
            f"requests were lost while the tasks of {WEB.name} were replaced: {probed}.",
            f"Do all its tasks run, and healthy? docker service ps {WEB.name}; then run the exercise again.",
        )
