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

from .exercise import Parameters


def script(lab: Lab, parameters: Parameters) -> Script:
    """List the steps, in order."""
    manager = lab.first_manager
    port = parameters.port
    often = f"(--health-interval {parameters.interval:g}s)"
    unhealthy = Timer(
        f"a task that does not answer is given up after {parameters.retries} checks {often}",
        parameters.retries * parameters.interval,
    )
    healthy = Timer(f"a task counts as running when its first check succeeds {often}", parameters.interval)
    return [
        services.create(
            lab,
            parameters.service,
            f"Create {parameters.name}: {parameters.replicas} servers, asked every {parameters.interval:g} seconds.",
            also=(parameters.updated,),
            shows=_shows,
        ),
        services.show(lab, parameters.name),
        Step(
            manager,
            "Update to the new version, set up wrong: it runs, and does not answer. The old tasks must serve on.",
            Command(parameters.update_wrong),
            skip_if=_failed,
            until=_nothing_lost,
            quiet=True,
            within=300,
            ends="either",
            timers=(unhealthy, *watched(parameters.monitor)),
        ),
        services.show(
            lab, parameters.name, "See the history: a task that came and went, and the others, which have run on."
        ),
        Step(
            manager,
            "Update to the new version as it should be: each old task goes when its successor is healthy.",
            Command(parameters.update_right),
            skip_if=_updated,
            until=partial(_relieved, name=parameters.name),
            quiet=True,
            within=300,
            timers=(*[healthy] * parameters.replicas, *watched(parameters.monitor)),
        ),
        services.show(lab, parameters.name),
        services.create(
            lab, parameters.web, f"The same seen from outside: a page with a health check, at port {port}."
        ),
        Step(
            manager,
            "Replace all its tasks while requests go on: none may be lost.",
            Command(parameters.force),
            before=partial(_open, node=manager, port=port),
            during=partial(requests, port=port, judge=few_lost),
            until=partial(_relieved, name=parameters.web_name),
            quiet=True,
            within=300,
            timers=(*[healthy] * parameters.replicas, *watched(parameters.monitor)),
        ),
    ]


def _unwell(service: Service) -> dict[str, str]:
    """Map each replica whose latest task never became healthy to the output of its health check."""
    return {str(task.slot): task.unwell for task in service.tasks if task.unwell and not task.running}


def _shows(run: Run) -> bool:
    """Tell whether the history shows the update that failed, and that no update lost a replica."""
    parameters = run.parameters(Parameters)
    return _failed(run) is not None and not most_empty(run.lived(parameters.name))


def _failed(run: Run) -> str | None:
    parameters = run.parameters(Parameters)
    shown = _unwell(run.lived(parameters.name))
    return f"The history of {parameters.name} shows a task that never became healthy already." if shown else None


def _updated(run: Run) -> str | None:
    parameters = run.parameters(Parameters)
    image = run.service(parameters.name).image
    return f"{parameters.name} is at {parameters.new} already." if same_image(image, parameters.new) else None


def _nothing_lost(run: Run) -> None:
    parameters = run.parameters(Parameters)

    def look() -> None:
        service = run.service(parameters.name)
        if service.update_state not in ("rollback_completed", "completed"):
            raise NotYet(services.describe(service, parameters.replicas))

    run.wait("the update to be rolled back", look)
    services.running(run, parameters.name)
    service = run.lived(parameters.name)
    unwell = _unwell(service)
    for place, output in unwell.items():
        run.say(f"  {parameters.name}.{place}: the new task never became healthy; its check said: {output}")
    if not unwell:
        raise ExerciseError(
            f"the update of {parameters.name} did not fail of its health check.",
            f"Start the exercise over: fab exercise.reset {run.exercise.name}",
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
            f"Start the exercise over: fab exercise.reset {run.exercise.name}",
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


def few_lost(run: Run, probed: Probed) -> None:
    """Raise if more requests were lost than may be."""
    parameters = run.parameters(Parameters)
    if probed.lost * 1000 > probed.requests * parameters.per_thousand:
        raise ExerciseError(
            f"requests were lost while the tasks of {parameters.web_name} were replaced: {probed}.",
            f"Do all its tasks run, and healthy? docker service ps {parameters.web_name}; then run the exercise again.",
        )
