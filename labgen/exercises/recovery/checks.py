"""The exercise on a container's failure: one ended by force, and another took its place, then and now."""

from __future__ import annotations

import shlex
from contextlib import suppress
from dataclasses import dataclass

import pytest

from labgen.core.errors import NodeError
from labgen.core.polling import NotYet
from labgen.core.words import Words
from labgen.docker.availability import Probed
from labgen.docker.swarm import Service, Swarm, Task, run_of
from labgen.docker.timeline import places
from labgen.exercise.hint import on, on_manager
from labgen.model.capabilities import Lacks
from labgen.model.lab import Node
from verify import prober
from verify.checks import check
from verify.exam import Exam
from verify.hinting import asked_often, create, see_tasks
from verify.services import made_from, open_to_all, published, runs, service_of

from . import exercise as recovery

SERVICE = recovery.SERVICE
PORT = SERVICE.publish[0]

service = service_of(SERVICE.name)


@check(
    points=1,
    ko="web-alb 서비스가 nginx 이미지의 복제본 3개로 만들어져 nginx를 실행하고, "
    "모든 노드에서 실행될 수 있다(노드를 제외하는 제약 조건 없음).",
    needs=("cluster.swarm_begun",),
    hint=(
        create(SERVICE),
        on_manager(
            f"docker service update --constraint-rm node.role==worker {SERVICE.name}",
            f"docker service scale {SERVICE.name}={SERVICE.replicas}",
            look=Words(
                "If it exists, take its constraint away and give it its replicas.",
                "이미 있으면 제약 조건을 없애고 복제본 수를 맞추세요.",
            ),
        ),
    ),
)
def test_service_made(swarm: Swarm) -> None:
    """There is a service web-alb, made from nginx and running it, with three replicas that may run on any node."""
    service = made_from(swarm, SERVICE)
    assert (service.mode, service.replicas) == ("replicated", SERVICE.replicas), f"it is {service.mode}" + (
        f" with {service.replicas} replicas" if service.replicas is not None else ""
    )
    open_to_all(swarm, service)


@check(
    points=1,
    ko="서비스가 라우팅 메시를 통해 8001 포트를 컨테이너의 80 포트로 공개한다.",
    needs=("recovery.service_made",),
    topics=("requests",),
    hint=on_manager(f"docker service update --publish-add {PORT.published}:{PORT.target} {SERVICE.name}"),
)
def test_published(service: Service) -> None:
    """The service publishes port 8001 for its port 80, through the routing mesh."""
    published(service, PORT)


@check(
    points=1,
    ko="복제본 3개가 모두 실행 중이고 멈추지 않는다.",
    needs=("recovery.service_made",),
    whole_lab=True,
    topics=("tasks",),
    hint=see_tasks(SERVICE.name),
)
def test_running(service: Service, exam: Exam) -> None:
    """All three replicas run and stay up."""
    runs(exam, service, SERVICE.replicas)


@check(
    points=3,
    ko="기록에 컨테이너가 강제로 종료된 태스크가 있고, 같은 복제본에서 새 태스크가 실행 중이다.",
    needs=("recovery.service_made",),
    topics=(
        "tasks",
        "history",
    ),
    hint=(
        on(
            Words(f"a node with a task of {SERVICE.name}", f"{SERVICE.name}의 태스크가 있는 노드"),
            "docker ps",
            "docker rm -f CONTAINER",
        ),
        on_manager(f"docker service ps {SERVICE.name}"),
    ),
)
def test_replaced(service: Service) -> None:
    """The history has a task whose container was ended by force, and in the same replica another one runs."""
    histories = places(service)
    ended = {place: [task for task in tasks if task.killed] for place, tasks in histories.items()}
    past = ", ".join(f"{SERVICE.name}.{task.slot} {task.state} {task.error}" for task in service.tasks if _past(task))
    assert any(ended.values()), f"no task was ended by force; tasks of the past: {past or 'none'}"
    assert any(tasks and histories[place][-1].running for place, tasks in ended.items()), (
        f"in replica {', '.join(place for place, tasks in ended.items() if tasks)} no other task runs"
    )


@dataclass(frozen=True)
class Death:
    """What came of killing one container.

    :param seconds: until another task ran in its place.
    :param before: how many tasks ran before; ``after``: how many ran then.
    :param probed: requests made meanwhile.
    """

    seconds: float
    before: int
    after: int
    probed: Probed


@pytest.fixture(scope="module")
def death(exam: Exam, lacks: Lacks) -> Death:
    """Kill one container of the service, once for all checks, and wait until another task runs in its slot."""
    service = exam.service(SERVICE.name)
    assert service is not None, f"there is no service {SERVICE.name}"
    node, task = _victim(exam, service)
    with prober.requests(exam, lacks, recovery.EXERCISE.name, PORT.published) as traffic:
        start = exam.clock()
        exam.on(node, f"docker rm -f {shlex.quote(task.container_id)}")
        try:
            after = exam.wait(
                f"another task to run in replica {task.slot}, whose container was killed on {node.name}",
                lambda: _recovered(exam, task, len(service.running)),
                within=recovery.WITHIN,
            )
        except AssertionError:
            _fill(exam, len(service.running))
            raise
        seconds = exam.clock() - start
    return Death(seconds, len(service.running), after, traffic.probed)


@check(
    points=3,
    ko=f"직접 시험: 채점이 컨테이너 하나를 docker rm -f로 죽이면 {recovery.WITHIN:.0f}초(느린 컴퓨터에서는 그만큼 더) "
    "안에 같은 복제본에서 새 태스크가 실행되고, 실행 중인 태스크 수는 이전과 같아진다.",
    needs=("recovery.replaced", "recovery.running", "recovery.published"),
    whole_lab=True,
    topics=("tasks",),
    hint=(
        see_tasks(SERVICE.name),
        on_manager(
            f"docker service inspect --pretty {SERVICE.name}",
            look=Words(
                "Does its RestartPolicy let Swarm restart the tasks?",
                "RestartPolicy가 태스크를 다시 시작하게 되어 있습니까?",
            ),
        ),
    ),
)
def test_recovers(death: Death) -> None:
    """Tried by this check: one container killed with docker rm -f, another task runs in its place within 30 s (longer
    on a slow computer), and as many run as before."""
    assert death.after == death.before, f"{death.after} run, not {death.before} as before"


@check(
    points=2,
    ko="직접 시험: 그동안 모든 노드로 보낸 요청은, 모든 노드가 소식을 들을 때까지와 새 컨테이너의 서버가 포트를 "
    "열 때까지의 짧은 순간에만 잃어버린다.",
    needs=("recovery.recovers",),
    requires=SERVICE.asking_needs,
    whole_lab=True,
    topics=("requests",),
    hint=asked_often(PORT.published),
)
def test_answers_meanwhile(death: Death, exam: Exam) -> None:
    """Tried by this check: of the requests made through every node meanwhile, some are lost only in the moment until
    every node has heard of the dead container, and in that until the new one's server listens."""
    prober.lost_for_a_moment(exam, death.probed, recovery.LOSING)


_KEPT = 5
"""Tasks of the past that the swarm keeps of each replica (moby ``TaskHistoryRetentionLimit``)."""


def _fill(exam: Exam, expected: int) -> None:
    """Restore the number of tasks, if the swarm did not, without touching those that run.

    A replica whose task is not to be restarted is counted still; scaled down it is the first to go. One that has used
    up its attempts is known by its past tasks, of which each scaling down forgets one.
    """

    def run() -> None:
        service = exam.service(SERVICE.name)
        if service is None or len(service.running) != expected:
            raise NotYet("not as many as before")

    # What is told is that it did not recover.
    with suppress(NodeError):
        for _ in range(_KEPT):
            for number in (expected - 1, expected):
                exam.on(exam.manager, f"docker service scale --detach {SERVICE.name}={number} >/dev/null")
            with suppress(AssertionError):
                exam.wait(f"{SERVICE.name} to have {expected} tasks", run, within=10.0)
                return


def _victim(exam: Exam, service: Service) -> tuple[Node, Task]:
    victims = [(node, task) for task in service.running if (node := exam.host(task))]
    assert victims, f"no task of {SERVICE.name} runs on a node of the lab"
    return victims[exam.choose("recovery", len(victims))]


def _recovered(exam: Exam, killed: Task, expected: int) -> int:
    """Count the running tasks, once another runs in the slot of the one that was killed."""
    service = exam.service(SERVICE.name)
    assert service is not None, f"{SERVICE.name} was removed meanwhile"
    running = [task for task in service.running if task.id != killed.id]
    if len(running) < expected or not any(task.slot == killed.slot for task in running):
        raise NotYet(run_of(len(running), expected))
    return len(running)


def _past(task: Task) -> bool:
    return task.desired not in ("running", "ready")
