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

from .exercise import DOWN, FEW, LOSING, MANY, SCALED, SERVICE, UP, WITHIN


def script(lab: Lab) -> Script:
    """List the steps, in order."""
    # What ran before scaling up, to be seen unharmed afterwards.
    before: list[str] = []
    asking = functools.partial(watching.requests, port=SERVICE.publish[0].published, judge=only_a_moment(_LOST, LOSING))
    return [
        services.create(
            lab,
            SERVICE,
            f"Have {SERVICE.name} as load balancing makes it: {FEW} replicas, on workers only.",
            also=(SCALED,),
            until=functools.partial(services.running, name=SERVICE.name),
        ),
        services.show(lab, SERVICE.name, "See where its tasks run."),
        Step(
            lab.first_manager,
            f"Scale up to {MANY}: the tasks that run are left alone, one more is started.",
            Command(UP),
            skip_if=_scaled_up,
            before=functools.partial(_note, before=before),
            during=asking,
            until=_left_alone(before),
            quiet=True,
            within=300,
            timers=(VERIFY,),
        ),
        services.show(lab, SERVICE.name, "See the third task, on a worker as well."),
        Step(
            lab.first_manager,
            f"Scale down to {FEW}: one task is taken out of the routing mesh, then stopped, then forgotten.",
            Command(DOWN),
            skip_if=_scaled_down,
            during=asking,
            until=_back,
            quiet=True,
            within=300,
            timers=(VERIFY, GOSSIP),
        ),
        services.show(lab, SERVICE.name, "See that nothing is left of the third."),
    ]


def _scaled_up(run: Run) -> str | None:
    service = run.service(SERVICE.name)
    if service.replicas == MANY:
        return f"{SERVICE.name} has {MANY} replicas already."
    if service.replicas == FEW and service.replicas_before == MANY:
        return f"{SERVICE.name} has had {MANY} replicas before, and has {FEW} again."
    return None


def _scaled_down(run: Run) -> str | None:
    return f"{SERVICE.name} has {FEW} replicas." if run.service(SERVICE.name).replicas == FEW else None


def _note(run: Run, before: list[str]) -> None:
    before[:] = [task.id for task in run.service(SERVICE.name).running]


def _left_alone(before: list[str]) -> Callable[[Run], None]:
    def look(run: Run) -> None:
        services.running(run, SERVICE.name, within=WITHIN)
        if not before:
            return
        now = [task.id for task in run.service(SERVICE.name).running]
        if gone := [task_id for task_id in before if task_id not in now]:
            raise ExerciseError(
                f"{len(gone)} of the tasks of {SERVICE.name} that ran before do not run any more.",
                f"Look with: docker service ps --no-trunc {SERVICE.name}",
            )
        run.say(f"  the {len(before)} that ran before run still, {len(now) - len(before)} came to them")

    return look


def _back(run: Run) -> None:
    """Wait until the fewer tasks run, and the swarm has forgotten the third: then its container is gone."""
    services.running(run, SERVICE.name, count=FEW, within=WITHIN)

    def look() -> None:
        service = run.service(SERVICE.name)
        if going := [task for task in service.tasks if task.desired == "remove"]:
            raise NotYet(f"{len(going)} on the way out: {going[0].state}")

    run.wait("the third task to be gone", look, within=WITHIN)


_LOST = (
    "A container without a health check gets requests as soon as it has started, also before its server listens: "
    "these met a closed door. One that is to go is first taken out of the routing mesh."
)
