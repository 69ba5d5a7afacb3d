"""The exercise on load balancing: a replicated service on the workers, reached through every node."""

from __future__ import annotations

import pytest

from labgen.course import loadbalance
from labgen.course.service import repository
from labgen.lab import Lab, Node
from labgen.pages import Requests
from labgen.swarm import Service, Swarm
from verify.checks import check
from verify.exam import Exam
from verify.facts import NodeFacts

SERVICE = loadbalance.SERVICE
PUBLISHED, TARGET = SERVICE.publish[0].published, SERVICE.publish[0].target

_MAKE = f"On {{manager}}: {SERVICE.create}"
_KEPT_OFF_MANAGERS = frozenset({"node.role==worker", "node.role!=manager"})
"""Two ways to write the same constraint; the course uses both."""


@pytest.fixture
def service(swarm: Swarm) -> Service:
    """The service of the exercise; the check that needs it says what it needs first."""
    found = swarm.services.get(SERVICE.name)
    assert found is not None, f"there is no service {SERVICE.name}"
    return found


@check(points=2, needs=("cluster.swarm_begun",), hint=_MAKE)
def test_service_exists(swarm: Swarm) -> None:
    """There is a service web-alb, made from nginx."""
    found = swarm.services.get(SERVICE.name)
    image = found.image if found else ""
    assert repository(image) == repository(SERVICE.image), (
        f"it is made from {image}" if found else f"there is no service {SERVICE.name}"
    )


@check(
    points=1,
    needs=("loadbalance.service_exists",),
    hint=f"Remove it (docker service rm {SERVICE.name}) and begin anew. {_MAKE}",
)
def test_replicated(service: Service) -> None:
    """The service is replicated, with as many replicas as the exercise asks for."""
    assert (service.mode, service.replicas) == ("replicated", SERVICE.replicas), f"it is {service.mode}" + (
        f" with {service.replicas} replicas" if service.replicas is not None else ""
    )


@check(
    points=2,
    needs=("loadbalance.service_exists",),
    whole_lab=True,
    hint=f"On {{manager}}: docker service ps --no-trunc {SERVICE.name}; "
    f"docker service scale {SERVICE.name}={SERVICE.replicas}",
)
def test_running(service: Service) -> None:
    """As many tasks of the service run as the exercise asks for."""
    assert len(service.running) == SERVICE.replicas, _tasks(service)


@check(
    points=1,
    needs=("loadbalance.service_exists",),
    hint=f"On {{manager}}: docker service update --constraint-add {SERVICE.constraints[0]} {SERVICE.name}",
)
def test_constraint(service: Service) -> None:
    """The service is constrained to workers."""
    written = {"".join(constraint.split()) for constraint in service.constraints}
    assert written & _KEPT_OFF_MANAGERS, f"its constraints: {', '.join(service.constraints) or 'none'}"


@check(
    points=1,
    needs=("loadbalance.running",),
    hint=f"On {{manager}}: docker service ps {SERVICE.name}. A constraint moves tasks that break it.",
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
    hint=f"On {{manager}}: docker service update --publish-add {PUBLISHED}:{TARGET} {SERVICE.name}",
)
def test_published(service: Service) -> None:
    """The service publishes port 8001 for its port 80, through the routing mesh."""
    ports = {(port.published, port.target, port.protocol, port.mode) for port in service.ports}
    seen = ", ".join(f"{one}:{two}/{protocol} ({mode})" for one, two, protocol, mode in sorted(ports))
    assert ports == {(PUBLISHED, TARGET, "tcp", "ingress")}, f"published: {seen or 'nothing'}"


@check(
    points=1,
    needs=("cluster.swarm_active", "loadbalance.published", "loadbalance.running"),
    requires=SERVICE.asking_needs,
    hint=f"On {{node}}: sudo ss -lntp | grep {PUBLISHED}; sudo journalctl -u docker",
)
def test_port_open(node: Node, facts: NodeFacts) -> None:
    """The published port is open on the node, whether a task runs there or not."""
    assert facts.listens("tcp", PUBLISHED, str(node.address)), facts.listening(PUBLISHED)


_PAGES = (
    "On each worker: docker ps, then docker cp index.html CONTAINER:"
    f"{loadbalance.PAGE_PATH}; on {{manager}}: curl {{address}}:{PUBLISHED}"
)


@check(points=2, needs=("loadbalance.port_open",), requires=SERVICE.asking_needs, whole_lab=True, hint=_PAGES)
def test_pages(node: Node, exam: Exam, lab: Lab) -> None:
    """The manager, asking at the node's address with new connections, gets every worker's own page."""
    told = exam.through(node, PUBLISHED)
    assert _every_page(told, lab), str(told)


@check(
    points=1,
    nodes="others",
    needs=("loadbalance.port_open",),
    requires=SERVICE.asking_needs,
    whole_lab=True,
    hint=_PAGES,
)
def test_pages_from_itself(node: Node, exam: Exam, lab: Lab) -> None:
    """The node, asking at its own address with new connections, gets every worker's own page."""
    told = exam.itself(node, PUBLISHED)
    assert _every_page(told, lab), str(told)


def _every_page(told: Requests, lab: Lab) -> bool:
    pages = {loadbalance.page(number) for number in range(1, len(lab.workers) + 1)}
    return told.answered and told.bodies <= pages and len(told.bodies) == SERVICE.replicas


def _tasks(service: Service) -> str:
    wanted = [task for task in service.tasks if task.desired in ("running", "ready")]
    listed = ", ".join(task.state + (f" ({task.error})" if task.error else "") for task in wanted)
    return f"{len(service.running)} of {SERVICE.replicas} run; tasks: {listed or 'none'}"
