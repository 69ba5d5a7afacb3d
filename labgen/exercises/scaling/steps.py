"""Scaling carried out: a replica more and a replica less, while requests go on through every node."""

from __future__ import annotations

import functools
from collections.abc import Callable

from labgen.core.errors import ExerciseError
from labgen.core.i18n import Messages, Text
from labgen.core.polling import NotYet
from labgen.model.lab import Lab
from provision.exercise import services, watching
from provision.exercise.run import Run, look_with
from provision.exercise.steps import Command, Script, Step
from provision.exercise.timing import GOSSIP, VERIFY
from provision.exercise.watching import only_a_moment

from .exercise import Parameters

_ = Messages.beside(__file__)


def script(lab: Lab, parameters: Parameters) -> Script:
    """List the steps, in order."""
    # What ran before scaling up, to be seen unharmed afterwards.
    before: list[str] = []
    asking = functools.partial(watching.requests, port=parameters.port, judge=only_a_moment(_LOST, parameters.losing))
    return [
        services.create(
            lab,
            parameters.service,
            _(
                "Create %(service)s as the exercise loadbalance does: %(few)s replicas, on workers only.",
                service=parameters.name,
                few=parameters.few,
            ),
            also=(parameters.scaled,),
            until=functools.partial(services.running, name=parameters.name),
        ),
        services.show(lab, parameters.name, _("See where its tasks run.")),
        Step(
            lab.first_manager,
            _("Scale up to %(many)s: the running tasks stay as they are, and new ones start.", many=parameters.many),
            Command(parameters.up),
            skip_if=_scaled_up,
            before=functools.partial(_note, before=before),
            during=asking,
            until=_left_alone(before, parameters),
            quiet=True,
            within=300,
            timers=(VERIFY,),
        ),
        services.show(lab, parameters.name, _("See the new task, on a worker as well.")),
        Step(
            lab.first_manager,
            _("Scale down to %(few)s: a task leaves the routing mesh, stops, and is removed.", few=parameters.few),
            Command(parameters.down),
            skip_if=_scaled_down,
            during=asking,
            until=_back,
            quiet=True,
            within=300,
            timers=(VERIFY, GOSSIP),
        ),
        services.show(lab, parameters.name, _("See that nothing of the new task is left.")),
    ]


def _scaled_up(run: Run) -> Text | None:
    parameters = run.parameters(Parameters)
    service = run.service(parameters.name)
    if service.replicas == parameters.many:
        return _("%(service)s has %(many)s replicas already.", service=parameters.name, many=parameters.many)
    if service.replicas == parameters.few and service.replicas_before == parameters.many:
        return _(
            "%(service)s had %(many)s replicas before, and has %(few)s again.",
            service=parameters.name,
            many=parameters.many,
            few=parameters.few,
        )
    return None


def _scaled_down(run: Run) -> Text | None:
    parameters = run.parameters(Parameters)
    few = run.service(parameters.name).replicas == parameters.few
    return _("%(service)s has %(few)s replicas.", service=parameters.name, few=parameters.few) if few else None


def _note(run: Run, before: list[str]) -> None:
    parameters = run.parameters(Parameters)
    before[:] = [task.id for task in run.service(parameters.name).running]


def _left_alone(before: list[str], parameters: Parameters) -> Callable[[Run], None]:
    def look(run: Run) -> None:
        services.running(run, parameters.name, within=parameters.within)
        if not before:
            return
        now = [task.id for task in run.service(parameters.name).running]
        if gone := [task_id for task_id in before if task_id not in now]:
            raise ExerciseError(
                _(
                    "tasks of %(service)s that ran before and do not run any more: %(count)s.",
                    count=len(gone),
                    service=parameters.name,
                ),
                look_with(f"docker service ps --no-trunc {parameters.name}"),
            )
        run.tell(
            _(
                "tasks that ran before and still run: %(before)s; new tasks: %(new)s",
                before=len(before),
                new=len(now) - len(before),
            )
        )

    return look


def _back(run: Run) -> None:
    """Wait until the fewer tasks run, and the swarm has forgotten the others: then their containers are gone."""
    parameters = run.parameters(Parameters)
    services.running(run, parameters.name, count=parameters.few, within=parameters.within)

    def look() -> None:
        service = run.service(parameters.name)
        if going := [task for task in service.tasks if task.desired == "remove"]:
            raise NotYet(
                _("tasks that are still stopping: %(count)s (%(state)s)", count=len(going), state=going[0].state)
            )

    run.wait(_("the surplus tasks to be gone"), look, within=parameters.within)


_LOST = _(
    "A container without a health check gets requests as soon as it starts, before its "
    "server listens. Those requests fail. A container that is to stop first leaves the "
    "routing mesh."
)
