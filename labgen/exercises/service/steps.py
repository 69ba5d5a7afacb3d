"""A service carried out: made, listed, inspected, listened to over all its tasks, removed, and made again."""

from __future__ import annotations

import dataclasses
import functools

from labgen.core.errors import ExerciseError
from labgen.core.polling import NotYet
from labgen.model.lab import Lab
from provision.exercise import services
from provision.exercise.run import Run
from provision.exercise.steps import Command, Script, Step
from provision.exercise.timing import GRACE

from .exercise import LINE, PAUSE, SCALED, SERVICE

NAME = SERVICE.name
FOLLOWED = PAUSE + 1
"""Seconds for which the logs are followed: long enough for two lines of each task."""


def script(lab: Lab) -> Script:
    """List the steps, in order."""
    manager = lab.first_manager
    make = services.create(lab, SERVICE, f"Create {NAME}: one task, which says a line every {PAUSE} s.", also=(SCALED,))
    created: list[str] = []

    def create_or_keep(run: Run) -> str | None:
        already = make.skip_if(run) if make.skip_if else None
        if not already:
            created.append(NAME)
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
        services.show(lab, NAME, "See its task: which node it runs on, and for how long."),
        Step(manager, "See what was asked for.", Command(f"docker service inspect --pretty {NAME}")),
        Step(
            manager,
            f"Let it have {SCALED.replicas} tasks, so that a log over several nodes can be seen.",
            Command(f"docker service scale --detach {NAME}={SCALED.replicas}"),
            skip_if=skip_unless_created,
            until=functools.partial(services.running, name=NAME),
            quiet=True,
        ),
        Step(
            manager,
            f"Follow the log over all tasks, wherever they run; by hand Ctrl-C ends it, here {FOLLOWED} s do.",
            Command(f"docker service logs -f {NAME}", _follow()),
            before=_all_have_spoken,
            ends="either",
        ),
        Step(
            manager,
            "Remove it. Its loop does not hear SIGTERM, so each container is killed after 10 s.",
            Command(f"docker service rm {NAME}"),
            skip_if=skip_unless_created,
            until=lambda run: _gone(run) if created else None,
            quiet=True,
            timers=(GRACE,),
        ),
        services.create(lab, SERVICE, "Make it again, so that it can be looked at and graded.", also=(SCALED,)),
    ]


def _follow() -> str:
    # Ended by timeout (status 124), as by Ctrl-C; whatever else ends it is an error.
    return f"timeout {FOLLOWED} docker service logs -f --tail 1 {NAME} 2>&1; [ $? -eq 124 ]"


def spoken(run: Run, task: str) -> int:
    """Count how often a task has printed its line, by what the swarm keeps of it."""
    output = run.manager.attempt(f"timeout 20 docker service logs --raw --tail 5 {task} 2>/dev/null", within=60)
    return [line.strip() for line in output.out.splitlines()].count(LINE)


def _all_have_spoken(run: Run) -> None:
    def look() -> None:
        service = run.service(NAME)
        silent = [f"{NAME}.{task.slot}" for task in service.running if not spoken(run, task.id)]
        if silent or not service.running:
            raise NotYet(f"{', '.join(silent) or 'no task'}: no line yet")

    run.wait(f"every task of {NAME} to say '{LINE}'", look, within=60)


def _gone(run: Run) -> None:
    services.gone(run, [NAME])
    try:
        run.service(NAME)
    except NotYet:
        run.say("  no service of that name is there any more, and no container of it on any node")
        return
    raise ExerciseError(
        f"{NAME} is still there.", f"Begin the exercise anew with: fab exercise.reset {run.exercise.name}"
    )
