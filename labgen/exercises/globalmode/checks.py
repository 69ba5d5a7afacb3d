"""The exercise on global mode: one task on every node, also on one that joins later."""

from __future__ import annotations

from labgen.core.words import Words
from labgen.docker.swarm import Service, Swarm, SwarmNode
from labgen.exercise.hint import on, on_manager
from labgen.model.lab import Lab, Node
from verify.checks import check
from verify.exam import Exam
from verify.hinting import create, repeat
from verify.services import made_from, runs, service_of, told

from . import exercise as globalmode

SERVICE = globalmode.SERVICE

service = service_of(SERVICE.name)


@check(
    points=1,
    ko="global_nginx 서비스가 nginx 이미지로 만들어져 있고 nginx를 실행한다.",
    needs=("cluster.swarm_begun",),
    hint=create(SERVICE),
)
def test_service_exists(swarm: Swarm) -> None:
    """There is a service global_nginx, made from nginx, and it runs nginx."""
    made_from(swarm, SERVICE)


@check(
    points=2,
    ko="서비스는 글로벌 모드다. 복제본 수를 세지 않는다.",
    needs=("globalmode.service_exists",),
    hint=repeat(
        SERVICE.name,
        SERVICE.create,
        why=Words(
            "The mode of a service cannot be changed: it has to be created again.",
            "서비스의 모드는 바꿀 수 없습니다. 다시 만들어야 합니다.",
        ),
    ),
)
def test_global(service: Service) -> None:
    """The service is global: it counts no replicas."""
    replicas = f" with {service.replicas} replicas" if service.replicas is not None else ""
    assert service.mode == "global", f"it is {service.mode}{replicas}"


@check(
    points=1,
    ko="이 노드에서 서비스의 태스크가 하나 실행 중이고 멈추지 않는다.",
    needs=("globalmode.global",),
    whole_lab=True,
    topics=("tasks",),
    hint=on_manager(
        "docker node ls",
        f"docker service ps --no-trunc {SERVICE.name}",
        look=Words(
            "Is {node} Active, and does no constraint of the service exclude it?",
            "{node}가 Active이고, 서비스의 제약 조건에 걸리지 않습니까?",
        ),
    ),
)
def test_task_here(node: Node, service: Service, exam: Exam) -> None:
    """One task of the service runs and stays up on the node."""
    here = [task for task in service.running if exam.host(task) == node]
    without = f"; its constraints: {', '.join(service.constraints)}" if service.constraints else ""
    assert len(here) == 1, f"{len(here)} run on it; all tasks: {told(service.tasks)}{without}"
    runs(exam, service, on=node)


@check(
    points=2,
    ko="서비스를 만든 뒤에 스웜에 들어온 노드가 있고, 그 노드에서도 태스크가 실행 중이다.",
    needs=("globalmode.global",),
    whole_lab=True,
    topics=("tasks",),
    hint=(
        on(
            Words("the last worker", "마지막 워커"),
            "docker swarm leave",
            look=Words(
                "Let it leave the swarm. No service is lost: its tasks start on other nodes.",
                "스웜을 떠나게 하세요. 서비스는 사라지지 않습니다. 태스크는 다른 노드에서 실행됩니다.",
            ),
        ),
        on_manager(
            "docker node rm --force NODE",
            "docker swarm join-token worker",
            look=Words(
                "Remove it from the list, then run on it the command that the second line prints.",
                "목록에서 지운 뒤, 둘째 명령이 보여 주는 명령을 그 워커에서 실행하세요.",
            ),
        ),
    ),
)
def test_joined_later(service: Service, swarm: Swarm) -> None:
    """A node has joined the swarm after the service was made, and runs a task of it."""
    later = [node for node in swarm.nodes if node.ready and _after(node, service)]
    assert later, f"every node was there before {SERVICE.name} was made"
    busy = {task.node_id for task in service.running}
    assert any(node.id in busy for node in later), f"no task runs on {', '.join(node.name for node in later)}"


@check(
    points=1,
    ko="모든 노드가 스웜에 한 번씩만 있다. 떠난 노드의 기록이 남아 있지 않다.",
    needs=("globalmode.joined_later",),
    whole_lab=True,
    topics=("node",),
    hint=on_manager(
        "docker node ls",
        "docker node rm ID",
        look=Words(
            "Remove the entry that is Down, by its ID: the name is listed twice.",
            "Down인 것을 ID로 지우세요. 이름은 두 번 나옵니다.",
        ),
    ),
)
def test_whole(swarm: Swarm, lab: Lab) -> None:
    """The lab is whole again: every node is Ready, and the membership that the node has lost is removed."""
    ready = {node.name for node in swarm.nodes if node.ready}
    away = [node.name for node in lab.nodes if node.name not in ready]
    lost = [f"{node.name} ({node.id[:9]}, {node.state})" for node in swarm.nodes if not node.ready]
    assert not away, f"not in the swarm: {', '.join(away)}"
    assert not lost, f"still listed: {', '.join(lost)}"


def _after(node: SwarmNode, service: Service) -> bool:
    return bool(node.created and service.created and node.created > service.created)
