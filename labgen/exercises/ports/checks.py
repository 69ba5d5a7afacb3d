"""The exercise on published ports: chosen, chosen by the swarm, and in host mode."""

from __future__ import annotations

from labgen.core.i18n import Messages
from labgen.docker.swarm import Service, Swarm
from labgen.exercise.hint import Hint, on, on_manager
from labgen.exercise.services import ServiceSpec, published_ports
from labgen.model.capabilities import Capability
from labgen.model.lab import Lab
from verify.checks import check
from verify.exam import Exam
from verify.hinting import create, publish, repeat
from verify.services import found, hosts, listed, made_from, published, runs, told

from .exercise import Parameters

_ = Messages.beside(__file__)


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
        create("chosen"),
        publish("{chosen_name}"),
    ),
)
def test_chosen(swarm: Swarm, exam: Exam, parameters: Parameters) -> None:
    """The service {chosen_name} publishes port {port} for its port {target}, through the routing mesh. It runs
    {chosen.program} and stays up."""
    _running_service(swarm, exam, parameters.chosen)


@check(
    points=2,
    needs=("cluster.swarm_begun",),
    topics=("tasks",),
    hint=(
        create("automatic"),
        repeat(
            "{automatic_name}",
            "{automatic.create}",
            why=_("If the port was chosen by hand, create the service again and name only the container's port."),
        ),
    ),
)
def test_automatic(swarm: Swarm, exam: Exam, parameters: Parameters) -> None:
    """The service {automatic_name} publishes its port {target} through the routing mesh, on a port from
    {first_automatic} to {last_automatic} that Swarm chose. It runs {automatic.program} and stays up."""
    service = _running_service(swarm, exam, parameters.automatic)
    assert 0 in service.ports_asked, f"the port was asked for: {', '.join(map(str, service.ports_asked))}"
    assert any(parameters.may_choose(port.published) for port in service.ports), (
        f"published: {published_ports(service)}"
    )


def _through(service: str) -> Hint:
    name = f"{{{service}.name}}"
    return on_manager(
        f"docker service ps --no-trunc {name}",
        f"docker service inspect --pretty {name}",
        look=_("See whether its tasks run, and which port it publishes."),
    )


@check(
    points=2,
    needs=("ports.chosen",),
    requires=(Capability.ROUTING_MESH,),
    whole_lab=True,
    topics=("requests",),
    hint=_through("chosen"),
)
def test_chosen_everywhere(swarm: Swarm, exam: Exam, lab: Lab, parameters: Parameters) -> None:
    """Every node answers on port {port}, with or without a task there."""
    _answer_everywhere(exam, lab, found(swarm, parameters.chosen_name), parameters.chosen)


@check(
    points=1,
    needs=("ports.automatic",),
    requires=(Capability.ROUTING_MESH,),
    whole_lab=True,
    topics=("requests",),
    hint=_through("automatic"),
)
def test_automatic_everywhere(swarm: Swarm, exam: Exam, lab: Lab, parameters: Parameters) -> None:
    """Every node answers on the port that Swarm chose."""
    _answer_everywhere(exam, lab, found(swarm, parameters.automatic_name), parameters.automatic)


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
        create("host"),
        on_manager(
            "docker service update --publish-rm {target} "
            "--publish-add mode=host,published={host_port},target={target} {host_name}",
            look=_("If it exists, publish the port in host mode."),
        ),
    ),
)
def test_host(swarm: Swarm, exam: Exam, parameters: Parameters) -> None:
    """The service {host_name} publishes port {host_port} for its port {target} in host mode. It runs {host.program} and
    stays up."""
    _running_service(swarm, exam, parameters.host)


@check(
    points=2,
    needs=("ports.host",),
    whole_lab=True,
    topics=("requests",),
    hint=(
        on_manager("docker service ps {host_name}", look=_("See on which nodes its tasks run.")),
        on(
            _("the node named above"),
            "sudo ss -lntp | grep {host_port}",
            look=_("See which program listens on the port there."),
        ),
    ),
)
def test_host_answers(swarm: Swarm, exam: Exam, lab: Lab, parameters: Parameters) -> None:
    """On port {host_port}, only the nodes with a task of {host_name} answer."""
    counts = hosts(swarm, found(swarm, parameters.host_name))
    wrong = []
    for node in lab.nodes:
        has, answered = bool(counts.get(node.name)), exam.pages.through(node, parameters.host_port).answered
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
        "docker service scale --detach {host_name}=NUMBER",
        "docker service ps --no-trunc {host_name}",
        look=_("Ask for one replica more than there are nodes."),
    ),
)
def test_one_for_each_node(swarm: Swarm, lab: Lab, parameters: Parameters) -> None:
    """The service {host_name} has more replicas than there are nodes. One runs on each node; the others are pending
    because the port is in use."""
    service = found(swarm, parameters.host_name)
    requested = (
        f"{service.replicas} replicas are asked for" if service.replicas is not None else f"it is {service.mode}"
    )
    assert (service.replicas or 0) > len(lab.nodes), f"{requested}, and there are {len(lab.nodes)} nodes"
    counts = hosts(swarm, service)
    assert all(counts.get(node.name) == 1 for node in lab.nodes), f"it runs {listed(counts)}"
    waiting = ["port" in task.error for task in service.tasks if task.stuck]
    assert set(waiting) == {True}, f"tasks: {told(service.tasks)}"
