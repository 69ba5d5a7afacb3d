"""The exercise on a service: made from alpine:3, saying its line again and again."""

from __future__ import annotations

import re
import shlex

from labgen.core.polling import NotYet
from labgen.core.words import Words
from labgen.docker.swarm import Service, Swarm
from labgen.exercise.hint import on, on_manager
from labgen.exercise.services import same_image
from labgen.model.lab import Lab
from verify.checks import check
from verify.exam import Exam
from verify.hinting import see_tasks
from verify.services import runs, service_of

from . import exercise as course

SERVICE = course.SERVICE
LINE = course.LINE

_ARGS = SERVICE.command.replace('"', '\\"')
_SHELLS = frozenset({"/bin/ash", "ash", "/bin/sh", "sh"})
"""Names of alpine's one shell."""

service = service_of(SERVICE.name)


@check(
    points=2,
    ko="swarm-start라는 서비스가 스웜에 있다.",
    needs=("cluster.swarm_begun",),
    hint=on_manager(
        SERVICE.create,
        look=Words("Create it as a service, not with docker run.", "docker run이 아니라 서비스로 만드세요."),
    ),
)
def test_service_exists(swarm: Swarm, exam: Exam, lab: Lab) -> None:
    """There is a service swarm-start in the swarm."""
    if SERVICE.name in swarm.services:
        return
    alone = [node.name for node in lab.nodes if SERVICE.name in exam.containers(node)]
    instead = f", only a container of that name on {', '.join(alone)}, made by docker run" if alone else ""
    raise AssertionError(f"there is no service {SERVICE.name}{instead}")


@check(
    points=1,
    ko="서비스는 alpine:3 이미지로 만들어져 있다.",
    needs=("service.service_exists",),
    hint=on_manager(f"docker service update --image {SERVICE.image} {SERVICE.name}"),
)
def test_image(service: Service) -> None:
    """The service is made from the image alpine:3."""
    assert same_image(service.image, SERVICE.image), f"it is made from {service.plain_image}"


@check(
    points=2,
    ko="서비스의 명령은 3초마다 'Docker Swarm Mode Start'를 출력하는 무한 반복문이다.",
    needs=("service.service_exists",),
    hint=on_manager(
        f'docker service update --args "{_ARGS}" {SERVICE.name}',
        look=Words(
            "What stands after the image is the command; mind the quotes.",
            "이미지 이름 뒤에 쓴 것이 명령입니다. 따옴표를 확인하세요.",
        ),
    ),
)
def test_command(service: Service) -> None:
    """The service's command is the loop of the exercise: the line, then 3 seconds of sleep, without end."""
    expected = shlex.split(SERVICE.command)
    command = (*service.entrypoint, *service.args)
    right = (
        len(command) == len(expected)
        and command[0] in _SHELLS
        and command[1] == "-c"
        and _plain(command[2]) == _plain(expected[2])
    )
    assert right, f"its command is {shlex.join(command) or 'the image’s own'}"


@check(
    points=2,
    ko="서비스가 원하는 만큼의 태스크가 모두 실행 중이고 멈추지 않는다.",
    needs=("service.service_exists",),
    whole_lab=True,
    topics=("tasks",),
    hint=see_tasks(SERVICE.name),
)
def test_running(service: Service, exam: Exam) -> None:
    """As many tasks run and stay up as the service wants, and it wants one at least."""
    assert service.mode == "replicated", f"it is {service.mode}"
    assert service.replicas, "it wants no task: its replicas are 0"
    runs(exam, service, service.replicas)


@check(
    points=2,
    ko="실행 중인 모든 태스크의 로그에 'Docker Swarm Mode Start'가 거듭 나온다.",
    needs=("service.running",),
    whole_lab=True,
    topics=("tasks",),
    hint=on_manager(
        f"docker service logs --tail 5 {SERVICE.name}",
        look=Words("Is its command the exercise's loop?", "명령이 실습의 반복문입니까?"),
    ),
)
def test_log(service: Service, exam: Exam) -> None:
    """The log of every running task says 'Docker Swarm Mode Start' again and again."""

    def look() -> None:
        logs = {f"{SERVICE.name}.{task.slot}": _lines(exam, task.id) for task in service.running}
        short = [
            f"the log of {name} has the line {lines.count(LINE)} times, its last is {lines[-1:] or 'nothing'}"
            for name, lines in logs.items()
            if lines.count(LINE) < 2
        ]
        if short:
            raise NotYet("; ".join(short))

    exam.wait("two lines from every task", look, within=15)


@check(
    points=1,
    ko="스웜 밖에서 docker run으로 만든 swarm-start 컨테이너는 없다.",
    needs=("service.service_exists",),
    hint=on(
        Words("the node named above", "위에 나온 노드"),
        f"docker rm -f {SERVICE.name}",
        look=Words(
            "This removes the container that was made by hand. The service creates its own.",
            "직접 만든 컨테이너를 지웁니다. 서비스의 컨테이너는 서비스가 스스로 만듭니다.",
        ),
    ),
)
def test_made_by_the_swarm(exam: Exam, lab: Lab) -> None:
    """No container swarm-start stands beside the service, made by hand with docker run."""
    alone = [node.name for node in lab.nodes if SERVICE.name in exam.containers(node)]
    assert not alone, f"a container {SERVICE.name} was made by hand on {', '.join(alone)}"


def _lines(exam: Exam, task: str) -> list[str]:
    output = exam.on(
        exam.manager, f"timeout 20 docker service logs --raw --tail 5 {shlex.quote(task)} 2>/dev/null || true"
    )
    return [line.strip() for line in output.splitlines()]


def _plain(script: str) -> str:
    """Reduce a shell script to what makes a difference in it: no quotes, no spaces around ``;``."""
    try:
        words = shlex.split(script)
    except ValueError:
        return script
    return re.sub(r"\s*;\s*", "; ", " ".join(words)).strip("; ")
