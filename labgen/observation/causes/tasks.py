"""Causes that keep a service's tasks from running, told by the tasks' own errors."""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from labgen.core.words import NOTHING, Words
from labgen.docker.swarm import Service, SwarmNode, Task
from labgen.exercise.catalogue import exercises
from labgen.exercise.hint import Hint, on, on_manager
from labgen.exercise.services import ServiceSpec, same_image
from labgen.observation.causes.model import Cause, Finding, Observations, Topic

_NO_IMAGE = re.compile(
    r"(?i)no such image|manifest (?:for \S+ )?(?:not found|unknown)|pull access denied|invalid reference"
)
_NO_PROGRAM = re.compile(r"(?i)executable file not found|exec format error|exec: .*no such file or directory")
TOPICS: frozenset[Topic] = frozenset({"tasks"})


def errors(service: Service) -> list[tuple[Task, str]]:
    """Give the tasks that are meant to run what the service says now and do not, newest first, with their errors."""
    failed = [task for task in service.tasks if task.error and not task.running and _of_now(task, service)]
    return [(task, task.error) for task in sorted(failed, key=lambda task: str(task.created), reverse=True)]


def _of_now(task: Task, service: Service) -> bool:
    return task.desired in ("running", "ready") or (task.failed and same_image(task.image, service.image))


def lacking(service: Service, nodes: Collection[SwarmNode]) -> bool:
    """Whether fewer tasks of a service run than are wanted.

    :param nodes: those of the swarm: a global service wants a task on each that its constraints allow.
    """
    expected = service.replicas
    if expected is None:
        written = {"".join(constraint.split()) for constraint in service.constraints}
        workers = [node for node in nodes if node.role == "worker"]
        expected = len(workers if written & {"node.role==worker", "node.role!=manager"} else nodes)
        if len(written) > 1 or (written and expected == len(nodes)):
            # Which nodes other constraints allow is not known here.
            expected = sum(task.desired in ("running", "ready") for task in service.tasks)
    return len(service.running) < expected or service.update_state in ("paused", "rollback_paused")


def without_tasks(observations: Observations) -> Iterator[tuple[ServiceSpec, Service]]:
    """The exercise's services of which tasks do not run that should."""
    nodes = observations.swarm.nodes if observations.swarm else ()
    for spec, service in observations.services():
        # One that the exercise has wait on purpose.
        if not spec.reserve and lacking(service, nodes):
            yield spec, service


@dataclass(frozen=True)
class Case:
    """A task of an exercise's service that does not run, and its error."""

    observations: Observations
    spec: ServiceSpec
    service: Service
    task: Task
    error: str


def lacking_any(observations: Observations) -> bool:
    """Whether any of the exercise's services lacks tasks, or does not exist."""
    existing = [spec.name for spec, _ in observations.services()]
    return any(True for _ in without_tasks(observations)) or len(existing) < len(observations.specs)


Judge = Callable[[Case], Finding | None]


def _by_error(cause: str, judge: Judge) -> Callable[[Observations], Iterator[Finding]]:
    """Recognise a cause by the errors of tasks: for each service by the newest that it is seen in."""

    def recognise(observations: Observations) -> Iterator[Finding]:
        for spec, service in without_tasks(observations):
            for task, error in errors(service)[:20]:
                finding = judge(Case(observations, spec, service, task, error))
                if finding and finding.cause == cause:
                    yield finding
                    break

    return recognise


def see(name: str, *, look: Words = NOTHING) -> Hint:
    """Make the hint that shows a service's tasks with their whole errors."""
    return on_manager(f"docker service ps --no-trunc {shlex.quote(name)}", look=look)


def says(service: Service, error: str) -> Words:
    return Words(
        f"The tasks of {service.name} cannot run: {error}", f"{service.name}의 태스크가 실행되지 않습니다: {error}"
    )


def _image(case: Case) -> Finding | None:
    observations, spec, service, task, error = case.observations, case.spec, case.service, case.task, case.error
    if not _NO_IMAGE.search(error):
        return None
    images = sorted(
        {
            service_spec.image
            for exercise in exercises().values()
            for service_spec in (*exercise.services, *exercise.later)
        }
    )
    image = service.plain_image
    if any(same_image(image, candidate) for candidate in images):
        return _not_pulled(observations, service, task, error)
    near = difflib.get_close_matches(image, images, n=1, cutoff=0.5)
    right = near[0] if near else spec.image
    return Finding(
        "image-missing",
        says(service, error)
        + Words(f" The image is {image}: is {right} meant?", f" 이미지가 {image}입니다. {right}입니까?"),
        (
            on_manager(
                f"docker service update --image {right} {service.name}",
                look=Words(
                    "Name the image rightly; the service stays.", "이미지 이름을 바로잡으세요. 서비스는 그대로입니다."
                ),
            ),
            see(service.name),
        ),
    )


def _not_pulled(observations: Observations, service: Service, task: Task, error: str) -> Finding:
    name = observations.node_name(task.node_id)
    proxy = next((node.symptoms.proxy for node in observations.nodes if node.name == name and node.symptoms), "")
    where = Words(name, name) if name else Words("the node of the task", "태스크의 노드")
    pull = on(
        where,
        f"docker pull {shlex.quote(service.plain_image)}",
        look=Words(
            "The name is right. This shows why it does not arrive.", "이름은 맞습니다. 왜 받지 못하는지 보세요."
        ),
    )
    if not proxy:
        return Finding("image-not-pulled", says(service, error), (pull, see(service.name)))
    return Finding(
        "proxy",
        says(service, error)
        + Words(
            f" The engine of {name} pulls images by the proxy {proxy}.",
            f" {name}의 엔진은 {proxy} 프록시로 이미지를 받습니다.",
        ),
        (
            pull,
            on(
                where,
                "docker info --format '{{.HTTPProxy}} {{.HTTPSProxy}} {{.NoProxy}}'",
                "sudo grep -ri proxy /etc/systemd/system/docker.service.d/ /etc/default/docker /etc/docker/daemon.json",
                "sudo systemctl daemon-reload",
                "sudo systemctl restart docker",
                look=Words(
                    "Correct the proxy where it is written, then restart the engine.",
                    "프록시가 적힌 곳을 고친 뒤 엔진을 다시 시작하세요.",
                ),
            ),
        ),
    )


def _program(case: Case) -> Finding | None:
    spec, service, error = case.spec, case.service, case.error
    if not _NO_PROGRAM.search(error):
        return None
    args = spec.command.replace('"', '\\"')
    return Finding(
        "command-not-found",
        says(service, error) + Words(" Its command is not in the image.", " 이미지에 없는 명령입니다."),
        (on_manager(f'docker service update --args "{args}" {service.name}'), see(service.name)),
    )


def of_tasks(name: str, sign: Words, remedy: str, judge: Judge) -> Cause:
    return Cause(name, TOPICS, sign, remedy, _by_error(name, judge))


CAUSES = (
    of_tasks(
        "image-missing",
        Words(
            'A task\'s error is "No such image" or like it, and the course has no such image.',
            '태스크의 오류가 "No such image" 따위이고 과정에 없는 이미지이다.',
        ),
        "docker service update --image IMAGE SERVICE",
        _image,
    ),
    of_tasks(
        "proxy",
        Words(
            "An image of the course does not arrive, and the node's engine pulls by a proxy.",
            "과정의 이미지를 받지 못하고, 노드의 엔진이 프록시를 쓴다.",
        ),
        "docker pull IMAGE",
        _image,
    ),
    of_tasks(
        "image-not-pulled",
        Words("An image of the course does not arrive.", "과정의 이미지를 받지 못한다."),
        "docker pull IMAGE",
        _image,
    ),
    of_tasks(
        "command-not-found",
        Words('A task\'s error is "executable file not found".', '태스크의 오류가 "executable file not found"이다.'),
        "docker service update --args COMMAND SERVICE",
        _program,
    ),
)
