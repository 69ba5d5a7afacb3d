"""The exercise on load balancing: a replicated service on the workers, reached through every node."""

from __future__ import annotations

from labgen.core.words import Words
from labgen.docker.http_check import Requests
from labgen.docker.swarm import Service, Swarm
from labgen.exercise.hint import on, on_manager, on_node
from labgen.model.lab import Lab, Node
from verify.checks import check
from verify.exam import Exam
from verify.facts import NodeFacts
from verify.hinting import create, repeat, see_tasks
from verify.services import kept_off_managers, made_from, published, runs, service_of

from . import exercise as loadbalance

SERVICE = loadbalance.SERVICE
PUBLISHED, TARGET = SERVICE.publish[0].published, SERVICE.publish[0].target

service = service_of(SERVICE.name)


@check(
    points=2,
    ko="web-alb 서비스가 nginx 이미지로 만들어져 있고 nginx를 실행한다.",
    needs=("cluster.swarm_begun",),
    hint=create(SERVICE),
)
def test_service_exists(swarm: Swarm) -> None:
    """There is a service web-alb, made from nginx, and it runs nginx."""
    made_from(swarm, SERVICE)


@check(
    points=1,
    ko=f"서비스는 복제 모드이고 복제본이 {SERVICE.replicas}개다.",
    needs=("loadbalance.service_exists",),
    hint=(
        on_manager(f"docker service scale {SERVICE.name}={SERVICE.replicas}"),
        repeat(
            SERVICE.name,
            SERVICE.create,
            why=Words(
                "If it is a global service, it has to be created again: the mode of a service cannot be changed.",
                "글로벌 서비스라면 다시 만들어야 합니다. 서비스의 모드는 바꿀 수 없습니다.",
            ),
        ),
    ),
)
def test_replicated(service: Service) -> None:
    """The service is replicated, with as many replicas as the exercise asks for."""
    assert (service.mode, service.replicas) == ("replicated", SERVICE.replicas), f"it is {service.mode}" + (
        f" with {service.replicas} replicas" if service.replicas is not None else ""
    )


@check(
    points=2,
    ko=f"서비스의 태스크 {SERVICE.replicas}개가 실행 중이고 멈추지 않는다.",
    needs=("loadbalance.service_exists",),
    whole_lab=True,
    topics=("tasks",),
    hint=(see_tasks(SERVICE.name), on_manager(f"docker service scale {SERVICE.name}={SERVICE.replicas}")),
)
def test_running(service: Service, exam: Exam) -> None:
    """As many tasks of the service run and stay up as the exercise asks for."""
    runs(exam, service, SERVICE.replicas)


@check(
    points=1,
    ko="서비스에 워커에서만 실행하라는 제약 조건이 있다.",
    needs=("loadbalance.service_exists",),
    hint=on_manager(f"docker service update --constraint-add {SERVICE.constraints[0]} {SERVICE.name}"),
)
def test_constraint(service: Service) -> None:
    """The service is constrained to workers."""
    kept_off_managers(service)


@check(
    points=1,
    ko="서비스의 태스크가 모두 워커에서 실행된다.",
    needs=("loadbalance.running",),
    topics=("tasks",),
    hint=on_manager(
        f"docker service ps {SERVICE.name}",
        look=Words(
            "When a constraint is added, Swarm moves the tasks that break it.",
            "제약 조건을 추가하면 어긋난 태스크가 옮겨집니다.",
        ),
    ),
)
def test_on_workers(service: Service, swarm: Swarm) -> None:
    """Every task of the service runs on a worker."""
    roles = {node.id: (node.name, node.role) for node in swarm.nodes}
    elsewhere = [
        name for name, role in (roles.get(task.node_id, ("?", "?")) for task in service.running) if role != "worker"
    ]
    assert not elsewhere, f"tasks run on {', '.join(elsewhere)}"


@check(
    points=1,
    ko=f"서비스의 {TARGET} 포트가 라우팅 메시를 통해 {PUBLISHED} 포트로 공개되어 있다.",
    needs=("loadbalance.service_exists",),
    topics=("requests",),
    hint=on_manager(f"docker service update --publish-add {PUBLISHED}:{TARGET} {SERVICE.name}"),
)
def test_published(service: Service) -> None:
    """The service publishes port 8001 for its port 80, through the routing mesh."""
    published(service, SERVICE.publish[0])


@check(
    points=1,
    ko="공개한 포트가 노드에서 열려 있다. 태스크가 없는 노드에서도 열려 있다.",
    needs=("cluster.swarm_active", "loadbalance.published", "loadbalance.running"),
    requires=SERVICE.asking_needs,
    topics=("requests",),
    hint=on_node(f"sudo netstat -nlp | grep {PUBLISHED}", "sudo journalctl -u docker --no-pager --lines 50"),
)
def test_port_open(node: Node, facts: NodeFacts) -> None:
    """The published port is open on the node, whether a task runs there or not."""
    assert facts.listens("tcp", PUBLISHED, str(node.address)), facts.listening(PUBLISHED)


_PAGES = (
    on(
        Words("each worker", "각 워커"),
        "docker ps",
        f"docker cp index.html CONTAINER:{loadbalance.PAGE_PATH}",
        look=Words(
            "A new container does not have the page of the one before it: copy it again.",
            "컨테이너가 새로 만들어지면 페이지도 다시 넣어야 합니다.",
        ),
    ),
    on_manager(f"curl {{address}}:{PUBLISHED}"),
)


@check(
    points=2,
    ko="매니저가 이 노드의 주소로 새 연결을 열어 요청하면 워커마다 넣은 페이지가 모두 나온다.",
    needs=("loadbalance.port_open",),
    requires=SERVICE.asking_needs,
    whole_lab=True,
    topics=("requests",),
    hint=_PAGES,
)
def test_pages(node: Node, exam: Exam, lab: Lab) -> None:
    """The manager, asking at the node's address with new connections, gets every worker's own page."""
    answers = exam.pages.through(node, PUBLISHED)
    assert _every_page(answers, lab), str(answers)


@check(
    points=1,
    ko="이 노드가 자기 주소로 새 연결을 열어 요청하면 워커마다 넣은 페이지가 모두 나온다.",
    nodes="others",
    needs=("loadbalance.port_open",),
    requires=SERVICE.asking_needs,
    whole_lab=True,
    topics=("requests",),
    hint=_PAGES,
)
def test_pages_from_itself(node: Node, exam: Exam, lab: Lab) -> None:
    """The node, asking at its own address with new connections, gets every worker's own page."""
    answers = exam.pages.itself(node, PUBLISHED)
    assert _every_page(answers, lab), str(answers)


def _every_page(answers: Requests, lab: Lab) -> bool:
    pages = {loadbalance.page(number) for number in range(1, len(lab.workers) + 1)}
    # Where there are fewer workers than replicas, two containers of one worker have the same page.
    expected = min(SERVICE.replicas or 0, len(lab.workers))
    return answers.answered and answers.bodies <= pages and len(answers.bodies) == expected
