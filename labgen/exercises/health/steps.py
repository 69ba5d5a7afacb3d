"""Health checks carried out: an update that never becomes healthy replaces nothing, one that does replaces all."""

from __future__ import annotations

from functools import partial

from labgen.core.errors import ExerciseError
from labgen.core.i18n import Messages, Text
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

_ = Messages.beside(__file__)


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
            _(
                "Create %(service)s: %(replicas)s servers. A health check asks each every %(interval)g seconds.",
                service=parameters.name,
                replicas=parameters.replicas,
                interval=parameters.interval,
            ),
            also=(parameters.updated,),
            shows=_shows,
        ),
        services.show(lab, parameters.name),
        Step(
            manager,
            _(
                "Update to the new version with a wrong setting: it runs, but does not answer. The "
                "old tasks must go on serving."
            ),
            Command(parameters.update_wrong),
            skip_if=_failed,
            until=_nothing_lost,
            quiet=True,
            within=300,
            ends="either",
            timers=(unhealthy, *watched(parameters.monitor)),
        ),
        services.show(
            lab, parameters.name, _("See the history: one new task has failed, and the old tasks have run on.")
        ),
        Step(
            manager,
            _("Update to the new version with the right setting: each old task stops when its successor is healthy."),
            Command(parameters.update_right),
            skip_if=_updated,
            until=partial(_relieved, name=parameters.name),
            quiet=True,
            within=300,
            timers=(*[healthy] * parameters.replicas, *watched(parameters.monitor)),
        ),
        services.show(lab, parameters.name),
        services.create(
            lab,
            parameters.web,
            _("See the same from outside: create a web service with a health check, at port %(port)s.", port=port),
        ),
        Step(
            manager,
            _("Replace all its tasks while requests go on: no request may be lost."),
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


def _failed(run: Run) -> Text | None:
    parameters = run.parameters(Parameters)
    shown = _unwell(run.lived(parameters.name))
    return (
        _("The history of %(service)s already shows a task that never became healthy.", service=parameters.name)
        if shown
        else None
    )


def _updated(run: Run) -> Text | None:
    parameters = run.parameters(Parameters)
    image = run.service(parameters.name).image
    return (
        _("%(service)s runs %(image)s already.", service=parameters.name, image=parameters.new)
        if same_image(image, parameters.new)
        else None
    )


def _nothing_lost(run: Run) -> None:
    parameters = run.parameters(Parameters)

    def look() -> None:
        service = run.service(parameters.name)
        if service.update_state not in ("rollback_completed", "completed"):
            raise NotYet(services.describe(service, parameters.replicas))

    run.wait(_("the update to be rolled back"), look)
    services.running(run, parameters.name)
    service = run.lived(parameters.name)
    unwell = _unwell(service)
    for place, output in unwell.items():
        run.tell(
            _(
                "%(service)s.%(place)s: the new task never became healthy. Its check printed: %(output)s",
                service=parameters.name,
                place=place,
                output=output,
            )
        )
    if not unwell:
        raise ExerciseError(
            _("the health check should have failed the update of %(service)s, but did not.", service=parameters.name),
            run.start_over,
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
            raise NotYet(
                _("the old task of replica %(replicas)s runs beside the new one", replicas=", ".join(remaining))
            )
        return service

    service = run.look(_("the old tasks to end"), look)
    tell_turns(run, service, relieved(service))
    _none_missing(run, service)


def _none_missing(run: Run, service: Service) -> None:
    missing = most_empty(service)
    if missing:
        raise ExerciseError(
            _(
                "%(missing)s of %(replicas)s replicas of %(service)s were missing at one time.",
                missing=missing,
                replicas=service.replicas,
                service=service.name,
            ),
            run.start_over,
        )
    for vacancy in exchanged(service):
        seconds = (vacancy.end - vacancy.start).total_seconds() if vacancy.end else 0.0
        run.tell(
            _(
                "%(service)s.%(place)s: Swarm itself left it without a task for %(seconds).1f s. %(reason)s",
                service=service.name,
                place=vacancy.place,
                seconds=seconds,
                reason=_EXCHANGE,
            )
        )
    for vacancy in broken_off(service):
        run.tell(
            _(
                "%(service)s.%(place)s: its container ended by itself during the update.",
                service=service.name,
                place=vacancy.place,
            )
        )
    if not exchanged(service) and not broken_off(service):
        run.tell(_("none of the %(replicas)s replicas was missing at any time", replicas=service.replicas))


_EXCHANGE = _(
    "When the new task failed, Swarm made another in its place. During the rollback it "
    "kept that one and stopped the old one at once. The update order does not change "
    "this."
)


def few_lost(run: Run, probed: Probed) -> None:
    """Raise if more requests were lost than may be."""
    parameters = run.parameters(Parameters)
    if probed.lost * 1000 > probed.requests * parameters.per_thousand:
        raise ExerciseError(
            _(
                "requests were lost while the tasks of %(service)s were replaced: %(requests)s.",
                service=parameters.web_name,
                requests=probed,
            ),
            _(
                "Check that all its tasks run and are healthy: docker service ps %(service)s. Then "
                "run the exercise again.",
                service=parameters.web_name,
            ),
        )
