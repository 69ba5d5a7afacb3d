"""The exercise on published ports: chosen, chosen by the swarm, and in host mode."""

from __future__ import annotations

from labgen.core.words import Words
from labgen.docker.swarm import Service, Swarm
from labgen.exercise.hint import Hint, on, on_manager
from labgen.exercise.services import ServiceSpec, published_ports
from labgen.model.lab import Lab
from verify.checks import check
from verify.exam import Exam
from verify.hinting import create, repeat
from verify.services import found, hosts, listed, made_from, published, runs, told

from . import exercise as ports

CHOSEN, AUTOMATIC, HOST, RANGE = ports.CHOSEN, ports.AUTOMATIC, ports.HOST, ports.RANGE
HOST_PORT = HOST.publish[0].published
CHOSEN_PORT = CHOSEN.publish[0]


def _running_service(swarm: Swarm, exam: Exam, spec: ServiceSpec) -> Service:
    service = made_from(swarm, spec)
    published(service, spec.publish[0])
    assert service.running, f"none of its tasks runs: {told(service.tasks)}"
    runs(exam, service)
    return service


@check(
    points=1,
    ko="web-chosen 서비스가 라우팅 메시를 통해 8003 포트를 컨테이너의 80 포트로 공개하고, "
    "nginx를 실행하는 태스크가 멈추지 않는다.",
    needs=("cluster.swarm_begun",),
    topics=("tasks",),
    hint=(
        create(CHOSEN),
        on_manager(f"docker service update --publish-add {CHOSEN_PORT.published}:{CHOSEN_PORT.target} {CHOSEN.name}"),
    ),
)
def test_chosen(swarm: Swarm, exam: Exam) -> None:
    """The service web-chosen publishes port 8003 for its port 80, through the routing mesh, runs nginx, and
    stays up."""
    _running_service(swarm, exam, CHOSEN)


@check(
    points=2,
    ko=f"web-auto 서비스가 라우팅 메시를 통해 80 포트를 공개하며, 공개된 포트는 스웜이 {RANGE[0]}~{RANGE[-1]}에서 "
    "골랐다. nginx를 실행하는 태스크가 멈추지 않는다.",
    needs=("cluster.swarm_begun",),
    topics=("tasks",),
    hint=(
        create(AUTOMATIC),
        repeat(
            AUTOMATIC.name,
            AUTOMATIC.create,
            why=Words(
                "If the port was chosen by hand, create the service again and name only the container's port.",
                "포트를 직접 정했다면 컨테이너의 포트만 적어 다시 만드세요.",
            ),
        ),
    ),
)
def test_automatic(swarm: Swarm, exam: Exam) -> None:
    """The service web-auto publishes its port 80 through the routing mesh, at a port that the swarm has chosen, runs
    nginx, and stays up."""
    service = _running_service(swarm, exam, AUTOMATIC)
    assert 0 in service.ports_asked, f"the port was asked for: {', '.join(map(str, service.ports_asked))}"
    assert any(port.published in RANGE for port in service.ports), f"published: {published_ports(service)}"


def _through(spec: ServiceSpec) -> Hint:
    return on_manager(f"docker service ps --no-trunc {spec.name}", f"docker service inspect --pretty {spec.name}")


@check(
    points=2,
    ko="모든 노드가 8003 포트에서 응답한다. 태스크가 없는 노드도 마찬가지다.",
    needs=("ports.chosen",),
    requires=CHOSEN.asking_needs,
    whole_lab=True,
    topics=("requests",),
    hint=_through(CHOSEN),
)
def test_chosen_everywhere(swarm: Swarm, exam: Exam, lab: Lab) -> None:
    """Every node answers at port 8003, whether a task runs there or not."""
    _answer_everywhere(exam, lab, found(swarm, CHOSEN.name), CHOSEN)


@check(
    points=1,
    ko="스웜이 고른 포트에서도 모든 노드가 응답한다.",
    needs=("ports.automatic",),
    requires=AUTOMATIC.asking_needs,
    whole_lab=True,
    topics=("requests",),
    hint=_through(AUTOMATIC),
)
def test_automatic_everywhere(swarm: Swarm, exam: Exam, lab: Lab) -> None:
    """Every node answers at the port that the swarm has chosen."""
    _answer_everywhere(exam, lab, found(swarm, AUTOMATIC.name), AUTOMATIC)


def _answer_everywhere(exam: Exam, lab: Lab, service: Service, spec: ServiceSpec) -> None:
    port = next(binding.published for binding in service.ports if spec.publish[0].met_by(binding))
    silent = [
        f"{node.name}: {answers}" for node in lab.nodes if not (answers := exam.pages.through(node, port)).answered
    ]
    assert not silent, f"no answer at port {port} through {'; '.join(silent)}"


@check(
    points=2,
    ko="web-host 서비스가 호스트 모드로 8004 포트를 공개하고, nginx를 실행하는 태스크가 멈추지 않는다.",
    needs=("cluster.swarm_begun",),
    topics=("tasks",),
    hint=(
        create(HOST),
        on_manager(
            f"docker service update --publish-rm {HOST.publish[0].target} "
            f"--publish-add mode=host,published={HOST_PORT},target={HOST.publish[0].target} {HOST.name}",
            look=Words("If it exists, publish the port in host mode.", "이미 있으면 포트를 호스트 모드로 공개하세요."),
        ),
    ),
)
def test_host(swarm: Swarm, exam: Exam) -> None:
    """The service web-host publishes port 8004 for its port 80 in host mode, runs nginx, and
    stays up."""
    _running_service(swarm, exam, HOST)


@check(
    points=2,
    ko="8004 포트에서는 web-host의 태스크가 있는 노드가 모두 응답하고, 다른 노드는 응답하지 않는다.",
    needs=("ports.host",),
    whole_lab=True,
    topics=("requests",),
    hint=(
        on_manager(f"docker service ps {HOST.name}"),
        on(Words("the node named above", "위에 나온 노드"), f"sudo ss -lntp | grep {HOST_PORT}"),
    ),
)
def test_host_answers(swarm: Swarm, exam: Exam, lab: Lab) -> None:
    """At port 8004 every node answers on which a task of web-host runs, and no other."""
    counts = hosts(swarm, found(swarm, HOST.name))
    wrong = []
    for node in lab.nodes:
        has, answered = bool(counts.get(node.name)), exam.pages.through(node, HOST_PORT).answered
        if has != answered:
            does = "answers" if answered else "does not answer"
            wrong.append(f"{node.name}, with {'a' if has else 'no'} task, {does}")
    assert not wrong, "; ".join(wrong)


@check(
    points=3,
    ko="web-host에는 노드 수보다 많은 복제본이 요청되어 있다. 노드마다 하나씩 실행되고, 나머지는 포트가 이미 쓰이고 "
    "있어 대기 중이다.",
    needs=("ports.host",),
    whole_lab=True,
    topics=("tasks",),
    hint=on_manager(
        f"docker service scale --detach {HOST.name}=NUMBER",
        f"docker service ps --no-trunc {HOST.name}",
        look=Words("Ask for one replica more than there are nodes.", "노드 수보다 하나 많이 요청하세요."),
    ),
)
def test_one_for_each_node(swarm: Swarm, lab: Lab) -> None:
    """More replicas of web-host are asked for than there are nodes: one runs on each, the rest is pending, because the
    port is in use."""
    service = found(swarm, HOST.name)
    requested = (
        f"{service.replicas} replicas are asked for" if service.replicas is not None else f"it is {service.mode}"
    )
    assert (service.replicas or 0) > len(lab.nodes), f"{requested}, and there are {len(lab.nodes)} nodes"
    counts = hosts(swarm, service)
    assert all(counts.get(node.name) == 1 for node in lab.nodes), f"it runs {listed(counts)}"
    waiting = ["port" in task.error for task in service.tasks if task.stuck]
    assert set(waiting) == {True}, f"tasks: {told(service.tasks)}"
