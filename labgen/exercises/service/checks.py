"""The exercise on a service: made from alpine:3, saying its line again and again."""

from __future__ import annotations

import re
import shlex

from labgen.core.i18n import Messages
from labgen.core.polling import NotYet
from labgen.docker.containers import task_log
from labgen.docker.swarm import Service, Swarm
from labgen.exercise.hint import on, on_manager
from labgen.exercise.services import same_image
from labgen.model.lab import Lab
from verify.checks import check
from verify.exam import Exam
from verify.hinting import see_tasks
from verify.services import runs, service_of

from .exercise import Parameters

_ = Messages.beside(__file__)

service = service_of("service")


@check(
    points=2,
    needs=("cluster.swarm_begun",),
    hint=on_manager(
        "{service.create}",
        look=_("Create it as a service, not with docker run."),
    ),
)
def test_service_exists(swarm: Swarm, exam: Exam, lab: Lab, parameters: Parameters) -> None:
    """There is a service {name} in the swarm."""
    if parameters.name in swarm.services:
        return
    alone = [node.name for node in lab.nodes if parameters.name in exam.containers(node)]
    instead = f", only a container of that name on {', '.join(alone)}, created with docker run" if alone else ""
    raise AssertionError(f"there is no service {parameters.name}{instead}")


@check(
    points=1,
    needs=("service.service_exists",),
    hint=on_manager("docker service update --image {image} {name}", look=_("See which image the service has.")),
)
def test_image(service: Service, parameters: Parameters) -> None:
    """The service uses the image {image}."""
    assert same_image(service.image, parameters.image), f"it uses the image {service.plain_image}"


@check(
    points=2,
    needs=("service.service_exists",),
    hint=on_manager(
        'docker service update --args "{arguments}" {name}',
        look=_("What stands after the image is the command; mind the quotes."),
    ),
)
def test_command(service: Service, parameters: Parameters) -> None:
    """The service's command is the loop of the exercise: it prints '{line}', sleeps for {pause} s, and starts again."""
    expected = shlex.split(parameters.service.command)
    command = (*service.entrypoint, *service.args)
    right = (
        len(command) == len(expected)
        and command[0] in parameters.shells
        and command[1] == "-c"
        and _plain(command[2]) == _plain(expected[2])
    )
    assert right, f"its command is {shlex.join(command) or 'the image’s own'}"


@check(
    points=2,
    needs=("service.service_exists",),
    whole_lab=True,
    topics=("tasks",),
    hint=see_tasks("{name}"),
)
def test_running(service: Service, exam: Exam) -> None:
    """The service has one replica or more, and all of them run and stay up."""
    assert service.mode == "replicated", f"it is {service.mode}"
    assert service.replicas, "it has 0 replicas"
    runs(exam, service, service.replicas)


@check(
    points=2,
    needs=("service.running",),
    whole_lab=True,
    topics=("tasks",),
    hint=on_manager(
        "docker service logs --tail 5 {name}",
        look=_("Is its command the exercise's loop?"),
    ),
)
def test_log(service: Service, exam: Exam, parameters: Parameters) -> None:
    """The log of every running task shows '{line}' again and again."""

    def look() -> None:
        logs = {f"{parameters.name}.{task.slot}": _lines(exam, task.id) for task in service.running}
        short = [
            f"the log of {name} has the line {count} times and ends with {lines[-1:] or 'nothing'}"
            for name, lines in logs.items()
            if (count := lines.count(parameters.line)) < 2
        ]
        if short:
            raise NotYet("; ".join(short))

    exam.wait("two lines from every task", look, within=15)


@check(
    points=1,
    needs=("service.service_exists",),
    hint=on(
        _("the node named above"),
        "docker rm -f {name}",
        look=_("A container of this name was created by hand. The service creates its own."),
        note=_("This removes the container that was created by hand."),
    ),
)
def test_made_by_the_swarm(exam: Exam, lab: Lab, parameters: Parameters) -> None:
    """There is no container {name} that was created by hand with docker run."""
    alone = [node.name for node in lab.nodes if parameters.name in exam.containers(node)]
    assert not alone, f"a container {parameters.name} was created by hand on {', '.join(alone)}"


def _lines(exam: Exam, task: str) -> list[str]:
    script = f"timeout 20 docker service logs --raw --tail 5 {shlex.quote(task)} 2>/dev/null || true"
    output = exam.ask_node(exam.manager, task_log(script, task, lines=5, within=20))
    return [line.strip() for line in output.splitlines()]


def _plain(script: str) -> str:
    """Reduce a shell script to what makes a difference in it: no quotes, no spaces around ``;``."""
    try:
        words = shlex.split(script)
    except ValueError:
        return script
    return re.sub(r"\s*;\s*", "; ", " ".join(words)).strip("; ")
