"""Scaling carried out: a replica more and a replica less, while requests go on through every node."""

from __future__ import annotations

import functools
from collections.abc import Callable

from labgen.core.errors import ExerciseError
from labgen.core.polling import NotYet
from labgen.model.lab import Lab
from provision.exercise import services, watching
from provision.exercise.run import Run
from provision.exercise.steps import Command, Script, Step
from provision.exercise.timing import GOSSIP, VERIFY
from provision.exercise.watching import only_a_moment

from .exercise import Parameters


def script(lab: Lab, parameters: Parameters) -> Script:
    """List the steps, in order."""
    # What ran before scaling up, to be seen unharmed afterwards.
    before: list[str] = []
    asking = functools.partial(watching.requests, port=parameters.port, judge=only_a_moment(_LOST, parameters.losing))
    return [
        services.create(
            lab,
            parameters.service,
            f"Have {parameters.name} as load balancing makes it: {parameters.few} replicas, on workers only.",
            also=(parameters.scaled,),
            until=functools.partial(services.running, name=parameters.name),
        ),
        services.show(lab, parameters.name, "See where its tasks run."),
        Step(
            lab.first_manager,
            f"Scale up to {parameters.many}: the tasks that run are left alone, more are started.",
            Command(parameters.up),
            skip_if=_scaled_up,
            before=functools.partial(_note, before=before),
            during=asking,
            until=_left_alone(before, parameters),
            quiet=True,
            within=300,
            timers=(VERIFY,),
        ),
        services.show(lab, parameters.name, "See the new task, on a worker as well."),
        Step(
            lab.first_manager,
            f"Scale down to {parameters.few}: tasks are taken out of the routing mesh, then stopped, then forgotten.",
            Command(parameters.down),
            skip_if=_scaled_down,
            during=asking,
            until=_back,
            quiet=True,
            within=300,
            timers=(VERIFY, GOSSIP),
        ),
        services.show(lab, parameters.name, "See that nothing is left of the new task."),
    ]


def _scaled_up(run: Run) -> str | None:
    parameters = run.parameters(Parameters)
    service = run.service(parameters.name)
    if service.replicas == parameters.many:
        return f"{parameters.name} has {parameters.many} replicas already."
    if service.replicas == parameters.few and service.replicas_before == parameters.many:
        return f"{parameters.name} has had {parameters.many} replicas before, and has {parameters.few} again."
    return None


def _scaled_down(run: Run) -> str | None:
    parameters = run.parameters(Parameters)
    few = run.service(parameters.name).replicas == parameters.few
    return f"{parameters.name} has {parameters.few} replicas." if few else None


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
                f"{len(gone)} of the tasks of {parameters.name} that ran before do not run any more.",
                f"Look with: docker service ps --no-trunc {parameters.name}",
            )
        run.say(f"  the {len(before)} that ran before run still, {len(now) - len(before)} came to them")

    return look


def _back(run: Run) -> None:
    """Wait until the fewer tasks run, and the swarm has forgotten the others: then their containers are gone."""
    parameters = run.parameters(Parameters)
    services.running(run, parameters.name, count=parameters.few, within=parameters.within)

    def look() -> None:
        service = run.service(parameters.name)
        if going := [task for task in service.tasks if task.desired == "remove"]:
            raise NotYet(f"{len(going)} on the way out: {going[0].state}")

    run.wait("the tasks to be gone that are too many", look, within=parameters.within)


_LOST = (
    "A container without a health check gets requests as soon as it has started, also before its server listens: "
    "these met a closed door. One that is to go is first taken out of the routing mesh."
)
