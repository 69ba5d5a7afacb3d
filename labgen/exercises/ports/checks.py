"""The exercise on published ports: chosen, chosen by the swarm, and in host mode."""

from __future__ import annotations

from labgen.core.i18n import Messages
from labgen.docker.swarm import Service, Swarm
from labgen.exercise.hint import Hint, on, on_manager
from labgen.exercise.services import ServiceSpec, published_ports
from labgen.model.lab import Lab
from verify.checks import check
from verify.exam import Exam
from verify.hinting import create, repeat
from verify.services import found, hosts, listed, made_from, published, runs, told

from . import exercise as ports

_ = Messages.beside(__file__)

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
    needs=("cluster.swarm_begun",),
    topics=("tasks",),
    hint=(
        create(AUTOMATIC),
        repeat(
            AUTOMATIC.name,
            AUTOMATIC.create,
            why=_("If the port was chosen by hand, create the service again and name only the container's port."),
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
    needs=("cluster.swarm_begun",),
    topics=("tasks",),
    hint=(
        create(HOST),
        on_manager(
            f"docker service update --publish-rm {HOST.publish[0].target} "
            f"--publish-add mode=host,published={HOST_PORT},target={HOST.publish[0].target} {HOST.name}",
            look=_("If it exists, publish the port in host mode."),
        ),
    ),
)
def test_host(swarm: Swarm, exam: Exam) -> None:
    """The service web-host publishes port 8004 for its port 80 in host mode, runs nginx, and
    stays up."""
    _running_service(swarm, exam, HOST)


@check(
    points=2,
    needs=("ports.host",),
    whole_lab=True,
    topics=("requests",),
    hint=(
        on_manager(f"docker service ps {HOST.name}"),
        on(_("the node named above"), f"sudo ss -lntp | grep {HOST_PORT}"),
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
    needs=("ports.host",),
    whole_lab=True,
    topics=("tasks",),
    hint=on_manager(
        f"docker service scale --detach {HOST.name}=NUMBER",
        f"docker service ps --no-trunc {HOST.name}",
        look=_("Ask for one replica more than there are nodes."),
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
