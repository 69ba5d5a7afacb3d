"""The exercise on global mode: one task on every node, also on one that joins later."""

from __future__ import annotations

from labgen.core.i18n import Messages
from labgen.docker.swarm import Service, Swarm, SwarmNode
from labgen.exercise.hint import on, on_manager
from labgen.model.lab import Lab, Node
from verify.checks import check
from verify.exam import Exam
from verify.hinting import create, repeat
from verify.services import made_from, runs, service_of, told

from .exercise import Parameters

_ = Messages.beside(__file__)

service = service_of("service")


@check(
    points=1,
    needs=("cluster.swarm_begun",),
    hint=create("service"),
)
def test_service_exists(swarm: Swarm, parameters: Parameters) -> None:
    """There is a service {name}. It uses the image {service.repository} and runs {service.program}."""
    made_from(swarm, parameters.service)


@check(
    points=2,
    needs=("globalmode.service_exists",),
    hint=repeat(
        "{name}",
        "{service.create}",
        why=_("The mode of a service cannot be changed: it has to be created again."),
    ),
)
def test_global(service: Service) -> None:
    """The service is global: it has no number of replicas."""
    replicas = f" with {service.replicas} replicas" if service.replicas is not None else ""
    assert service.mode == "global", f"it is {service.mode}{replicas}"


@check(
    points=1,
    needs=("globalmode.global",),
    whole_lab=True,
    topics=("tasks",),
    hint=on_manager(
        "docker node ls",
        "docker service ps --no-trunc {name}",
        look=_("Is {node} Active, and does no constraint of the service exclude it?"),
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
    needs=("globalmode.global",),
    whole_lab=True,
    topics=("tasks",),
    hint=(
        on(
            _("the last worker"),
            "docker swarm leave",
            look=_("Let the last worker leave the swarm, and join it again."),
            note=_("No service is lost: its tasks start on other nodes."),
        ),
        on_manager(
            "docker node rm --force NODE",
            "docker swarm join-token worker",
            note=_("Remove it from the list, then run on it the command that the second line prints."),
        ),
    ),
)
def test_joined_later(service: Service, swarm: Swarm, parameters: Parameters) -> None:
    """A node joined the swarm after the service was created, and runs a task of it."""
    later = [node for node in swarm.nodes if node.ready and _after(node, service)]
    assert later, f"no node joined after {parameters.name} was created"
    busy = {task.node_id for task in service.running}
    assert any(node.id in busy for node in later), f"no task runs on {', '.join(node.name for node in later)}"


@check(
    points=1,
    needs=("globalmode.joined_later",),
    whole_lab=True,
    topics=("node",),
    hint=on_manager(
        "docker node ls",
        "docker node rm ID",
        look=_("Remove the entry that is Down, by its ID: the name is listed twice."),
    ),
)
def test_whole(swarm: Swarm, lab: Lab) -> None:
    """Every node is Ready again, and the old entry of the node that left is removed."""
    ready = {node.name for node in swarm.nodes if node.ready}
    away = [node.name for node in lab.nodes if node.name not in ready]
    lost = [f"{node.name} ({node.id[:9]}, {node.state})" for node in swarm.nodes if not node.ready]
    assert not away, f"not in the swarm: {', '.join(away)}"
    assert not lost, f"still listed: {', '.join(lost)}"


def _after(node: SwarmNode, service: Service) -> bool:
    return bool(node.created and service.created and node.created > service.created)
