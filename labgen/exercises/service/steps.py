"""A service carried out: made, listed, inspected, listened to over all its tasks, removed, and made again."""

from __future__ import annotations

import dataclasses
import functools

from labgen.core.errors import ExerciseError
from labgen.core.i18n import Text
from labgen.core.polling import NotYet
from labgen.model.lab import Lab
from provision.exercise import services
from provision.exercise.run import Run
from provision.exercise.steps import Command, Script, Step
from provision.exercise.timing import GRACE

from .exercise import Parameters


def script(lab: Lab, parameters: Parameters) -> Script:
    """List the steps, in order."""
    manager = lab.first_manager
    make = services.create(
        lab,
        parameters.service,
        f"Create {parameters.name}: one task, which says a line every {parameters.pause} s.",
        also=(parameters.scaled,),
    )
    created: list[str] = []

    def create_or_keep(run: Run) -> str | Text | None:
        already = make.skip_if(run) if make.skip_if else None
        if not already:
            created.append(parameters.name)
        return already

    def skip_unless_created(run: Run) -> str | None:
        # What was there before is looked at, and not changed.
        del run
        return (
            None
            if created
            else "left as it is: it was there before. To see this: fab exercise.reset service, and anew."
        )

    return [
        dataclasses.replace(make, skip_if=create_or_keep),
        Step(manager, "See the services of the swarm.", Command("docker service ls")),
        services.show(lab, parameters.name, "See its task: which node it runs on, and for how long."),
        Step(manager, "See what was asked for.", Command(f"docker service inspect --pretty {parameters.name}")),
        Step(
            manager,
            f"Let it have {parameters.tasks} tasks, so that a log over several nodes can be seen.",
            Command(f"docker service scale --detach {parameters.name}={parameters.tasks}"),
            skip_if=skip_unless_created,
            until=functools.partial(services.running, name=parameters.name),
            quiet=True,
        ),
        Step(
            manager,
            "Follow the log over all tasks, wherever they run; by hand Ctrl-C ends it, "
            f"here {parameters.followed} s do.",
            Command(f"docker service logs -f {parameters.name}", _follow(parameters)),
            before=_all_have_spoken,
            ends="either",
        ),
        Step(
            manager,
            "Remove it. Its loop does not hear SIGTERM, so each container is killed after 10 s.",
            Command(f"docker service rm {parameters.name}"),
            skip_if=skip_unless_created,
            until=lambda run: _gone(run) if created else None,
            quiet=True,
            timers=(GRACE,),
        ),
        services.create(
            lab, parameters.service, "Make it again, so that it can be looked at and graded.", also=(parameters.scaled,)
        ),
    ]


def _follow(parameters: Parameters) -> str:
    # Ended by timeout (status 124), as by Ctrl-C; whatever else ends it is an error.
    return f"timeout {parameters.followed} docker service logs -f --tail 1 {parameters.name} 2>&1; [ $? -eq 124 ]"


def spoken(run: Run, task: str) -> int:
    """Count how often a task has printed its line, by what the swarm keeps of it."""
    parameters = run.parameters(Parameters)
    output = run.manager.attempt(f"timeout 20 docker service logs --raw --tail 5 {task} 2>/dev/null", within=60)
    return [line.strip() for line in output.out.splitlines()].count(parameters.line)


def _all_have_spoken(run: Run) -> None:
    parameters = run.parameters(Parameters)

    def look() -> None:
        service = run.service(parameters.name)
        silent = [f"{parameters.name}.{task.slot}" for task in service.running if not spoken(run, task.id)]
        if silent or not service.running:
            raise NotYet(f"{', '.join(silent) or 'no task'}: no line yet")

    run.wait(f"every task of {parameters.name} to say '{parameters.line}'", look, within=60)


def _gone(run: Run) -> None:
    parameters = run.parameters(Parameters)
    services.gone(run, [parameters.name])
    try:
        run.service(parameters.name)
    except NotYet:
        run.say("  no service of that name is there any more, and no container of it on any node")
        return
    raise ExerciseError(
        f"{parameters.name} is still there.", f"Start the exercise over: fab exercise.reset {run.exercise.name}"
    )
