"""A service carried out: made, listed, inspected, listened to over all its tasks, removed, and made again."""

from __future__ import annotations

import dataclasses
import functools

from labgen.core.errors import ExerciseError
from labgen.core.i18n import Messages, Text
from labgen.core.polling import NotYet
from labgen.model.lab import Lab
from provision.exercise import services
from provision.exercise.run import Run
from provision.exercise.steps import Command, Script, Step
from provision.exercise.timing import GRACE

from .exercise import Parameters

_ = Messages.beside(__file__)


def script(lab: Lab, parameters: Parameters) -> Script:
    """List the steps, in order."""
    manager = lab.first_manager
    make = services.create(
        lab,
        parameters.service,
        _(
            "Create %(service)s: one task, which prints a line every %(pause)s s.",
            service=parameters.name,
            pause=parameters.pause,
        ),
        also=(parameters.scaled,),
    )
    created: list[str] = []

    def create_or_keep(run: Run) -> str | Text | None:
        already = make.skip_if(run) if make.skip_if else None
        if not already:
            created.append(parameters.name)
        return already

    def skip_unless_created(run: Run) -> Text | None:
        # What was there before is looked at, and not changed.
        del run
        return (
            None
            if created
            else _(
                "left as it is, because it existed before. To see this: fab exercise.reset service, "
                "then run the exercise again."
            )
        )

    return [
        dataclasses.replace(make, skip_if=create_or_keep),
        Step(manager, _("See the services of the swarm."), Command("docker service ls")),
        services.show(lab, parameters.name, _("See its task: on which node it runs, and since when.")),
        Step(
            manager,
            _("See how the swarm has recorded the service."),
            Command(f"docker service inspect --pretty {parameters.name}"),
        ),
        Step(
            manager,
            _("Scale to %(tasks)s tasks, to see a log from several nodes.", tasks=parameters.tasks),
            Command(f"docker service scale --detach {parameters.name}={parameters.tasks}"),
            skip_if=skip_unless_created,
            until=functools.partial(services.running, name=parameters.name),
            quiet=True,
        ),
        Step(
            manager,
            _(
                "Follow the log of all tasks, on all nodes. By hand, end it with Ctrl-C; here it "
                "ends after %(seconds)s s.",
                seconds=parameters.followed,
            ),
            Command(f"docker service logs -f {parameters.name}", _follow(parameters)),
            before=_all_have_spoken,
            ends="either",
        ),
        Step(
            manager,
            _("Remove it. Its loop ignores SIGTERM, so each container is killed after 10 s."),
            Command(f"docker service rm {parameters.name}"),
            skip_if=skip_unless_created,
            until=lambda run: _gone(run) if created else None,
            quiet=True,
            timers=(GRACE,),
        ),
        services.create(
            lab,
            parameters.service,
            _("Create it again, so that you can look at it and have it graded."),
            also=(parameters.scaled,),
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
            raise NotYet(_("no line yet: %(tasks)s", tasks=", ".join(silent) or _("no task")))

    run.wait(
        _("every task of %(service)s to print '%(line)s'", service=parameters.name, line=parameters.line),
        look,
        within=60,
    )


def _gone(run: Run) -> None:
    parameters = run.parameters(Parameters)
    services.gone(run, [parameters.name])
    try:
        run.service(parameters.name)
    except NotYet:
        run.tell(_("no service of that name is left, and no container of it on any node"))
        return
    raise ExerciseError(_("%(service)s still exists.", service=parameters.name), run.start_over)
