"""The exercise on load balancing: a replicated service on the workers, reached through every node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labgen.core.i18n import Messages
from labgen.docker.http_check import Requests
from labgen.docker.swarm import Service, Swarm
from labgen.exercise.hint import on, on_manager, on_node
from labgen.model.capabilities import Capability
from labgen.model.lab import Lab, Node
from verify.checks import check
from verify.exam import Exam
from verify.hinting import create, publish, repeat, scale, see_tasks
from verify.listeners import listening, listens
from verify.services import kept_off_managers, made_from, published, runs, service_of

from .exercise import Parameters

if TYPE_CHECKING:
    from verify.testinfra_host import NodeHost

_ = Messages.beside(__file__)

service = service_of("service")


@check(
    points=2,
    needs=("cluster.swarm_begun",),
    hint=create("service"),
)
def test_service_exists(swarm: Swarm, parameters: Parameters) -> None:
    """There is a service {name}. It uses the image {service.repository} and runs {service.program}."""
    made_from(swarm, parameters.service)


@check(
    points=1,
    needs=("loadbalance.service_exists",),
    hint=(
        scale(),
        repeat(
            "{name}",
            "{service.create}",
            why=_("If it is a global service, it has to be created again: the mode of a service cannot be changed."),
        ),
    ),
)
def test_replicated(service: Service, parameters: Parameters) -> None:
    """The service is replicated, with {replicas} replicas."""
    assert (service.mode, service.replicas) == ("replicated", parameters.replicas), f"it is {service.mode}" + (
        f" with {service.replicas} replicas" if service.replicas is not None else ""
    )


@check(
    points=2,
    needs=("loadbalance.service_exists",),
    whole_lab=True,
    topics=("tasks",),
    hint=(see_tasks("{name}"), scale()),
)
def test_running(service: Service, exam: Exam, parameters: Parameters) -> None:
    """{replicas} tasks of the service run and stay up."""
    runs(exam, service, parameters.replicas)


@check(
    points=1,
    needs=("loadbalance.service_exists",),
    hint=on_manager(
        "docker service update --constraint-add {constraint} {name}", look=_("See which constraints the service has.")
    ),
)
def test_constraint(service: Service) -> None:
    """The service has a constraint that allows only workers."""
    kept_off_managers(service)


@check(
    points=1,
    needs=("loadbalance.running",),
    topics=("tasks",),
    hint=on_manager(
        "docker service ps {name}",
        look=_("When a constraint is added, Swarm moves the tasks that break it."),
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
    needs=("loadbalance.service_exists",),
    topics=("requests",),
    hint=publish(),
)
def test_published(service: Service, parameters: Parameters) -> None:
    """The service publishes port {port} for its port {target}, through the routing mesh."""
    published(service, parameters.publish)


@check(
    points=1,
    needs=("cluster.swarm_active", "loadbalance.published", "loadbalance.running"),
    requires=(Capability.ROUTING_MESH,),
    topics=("requests",),
    hint=on_node(
        "sudo netstat -nlp | grep {port}",
        "sudo journalctl -u docker --no-pager --lines 50",
        look=_("See which program listens on the port, and what the engine's log says."),
    ),
)
def test_port_open(node: Node, host: NodeHost, parameters: Parameters) -> None:
    """The published port is open on the node, with or without a task there."""
    assert listens(host, "tcp", parameters.port, str(node.address)), listening(host, parameters.port)


_PAGES = (
    on(
        _("each worker"),
        "docker ps",
        "docker cp index.html CONTAINER:{page_path}",
        look=_("A new container does not have the page of the one before it: copy it again."),
    ),
    on_manager("curl {address}:{port}"),
)


@check(
    points=2,
    needs=("loadbalance.port_open",),
    requires=(Capability.ROUTING_MESH,),
    whole_lab=True,
    topics=("requests",),
    hint=_PAGES,
)
def test_pages(node: Node, exam: Exam, lab: Lab, parameters: Parameters) -> None:
    """The manager gets every worker's page through the node's address. Each request is a new connection."""
    answers = exam.pages.through(node, parameters.port)
    assert _every_page(answers, lab, parameters), str(answers)


@check(
    points=1,
    nodes="others",
    needs=("loadbalance.port_open",),
    requires=(Capability.ROUTING_MESH,),
    whole_lab=True,
    topics=("requests",),
    hint=_PAGES,
)
def test_pages_from_itself(node: Node, exam: Exam, lab: Lab, parameters: Parameters) -> None:
    """The node gets every worker's page through its own address. Each request is a new connection."""
    answers = exam.pages.itself(node, parameters.port)
    assert _every_page(answers, lab, parameters), str(answers)


def _every_page(answers: Requests, lab: Lab, parameters: Parameters) -> bool:
    pages = {parameters.page(number) for number in range(1, len(lab.workers) + 1)}
    # Where there are fewer workers than replicas, two containers of one worker have the same page.
    expected = min(parameters.replicas, len(lab.workers))
    return answers.answered and answers.bodies <= pages and len(answers.bodies) == expected
