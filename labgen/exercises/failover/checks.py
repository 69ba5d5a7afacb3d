"""The exercise on the failure of a node: tasks that moved, a node that is back, tasks that were spread again."""

from __future__ import annotations

import pytest

from labgen.core.i18n import Messages
from labgen.docker.swarm import Service, Swarm
from labgen.docker.timeline import Turn, drained, lost, moves, updates
from labgen.exercise.hint import on, on_manager
from labgen.model.lab import Lab
from verify.checks import check
from verify.exam import Exam
from verify.hinting import create, scale, see_tasks
from verify.services import all_run, hosts, listed, made_from, service_of

from .exercise import Parameters

_ = Messages.beside(__file__)

service = service_of("service")


@pytest.fixture
def lived(service: Service, exam: Exam) -> Service:
    """Read the service, its tasks with the times of their containers."""
    return exam.lived(service.name)


_BUSY = _("a worker with a task of {name}")


@check(
    points=1,
    needs=("cluster.swarm_begun",),
    hint=create("service"),
)
def test_service_exists(swarm: Swarm, parameters: Parameters) -> None:
    """There is a service {name}. It uses the image {service.repository} and runs {service.program}."""
    made_from(swarm, parameters.service)


@check(
    points=1,
    needs=("failover.service_exists",),
    whole_lab=True,
    topics=("tasks",),
    hint=(see_tasks("{name}"), scale()),
)
def test_running(service: Service, exam: Exam, parameters: Parameters) -> None:
    """The service is replicated, with {replicas} replicas, and all of them run and stay up."""
    all_run(exam, service, parameters.service)


@check(
    points=3,
    needs=("failover.running",),
    whole_lab=True,
    topics=("history",),
    hint=(
        on(_BUSY, "{stop}", look=_("A node has to fail while it runs tasks of {name}.")),
        on_manager(
            "docker node ls",
            look=_("Wait until the node is Down and its tasks run elsewhere."),
        ),
        on(_("that worker again"), "{start}"),
    ),
)
def test_failed_over(lived: Service) -> None:
    """A node was lost, and its tasks started on other nodes. Swarm did not wait for the node to report their end."""
    assert any(map(lost, moves(lived))), _describe(moves(lived))


@check(
    points=2,
    needs=("failover.failed_over",),
    whole_lab=True,
    topics=(
        "node",
        "tasks",
    ),
    hint=(
        on(
            _("the node that is not Ready"),
            "{start}",
            look=_("See which node is not Ready or not active, and start what was stopped on it."),
        ),
        on_manager(
            "{activate} NODE",
            note=_("If the node is not active:"),
        ),
    ),
)
def test_back(swarm: Swarm, lab: Lab) -> None:
    """Every node of the lab is Ready and active again."""
    members = {node.name: node for node in sorted(swarm.nodes, key=lambda node: node.ready)}
    wrong = [
        f"{node.name} is {members[node.name].state}, {members[node.name].availability}"
        if node.name in members
        else f"{node.name} is not in the swarm"
        for node in lab.nodes
        if node.name not in members or not members[node.name].ready or members[node.name].availability != "active"
    ]
    assert not wrong, "; ".join(wrong)


@check(
    points=2,
    needs=("failover.running",),
    whole_lab=True,
    topics=("history",),
    hint=on_manager(
        "{force}",
        "{drain} NODE",
        "docker service ps {name}",
        "{activate} NODE",
        look=_("Drain a worker that has a task of {name}. Make it active again when the task runs elsewhere."),
        note=_("The first command spreads the tasks over the workers."),
    ),
)
def test_drained(lived: Service) -> None:
    """A node was drained: its tasks were stopped and then started on other nodes."""
    assert any(map(drained, moves(lived))), _describe(moves(lived))


@check(
    points=2,
    needs=("failover.failed_over",),
    whole_lab=True,
    topics=("history",),
    hint=on_manager("{force}", look=_("Replace every task after a node was lost, without a change of the image.")),
)
def test_replaced(lived: Service) -> None:
    """After a node was lost, docker service update --force replaced every task by a new one with the same image."""
    first = min(str(turn.new.created) for turn in moves(lived) if lost(turn))
    places = {str(task.slot) for task in lived.running}
    complete = [update for update in updates(lived) if {turn.place for turn in update} >= places]
    after = [update for update in complete if str(update[0].new.created) > first and _keeps_images(update)]
    assert after, "after that, the history shows no update of every replica with the same image"


@check(
    points=2,
    needs=("failover.replaced", "failover.back"),
    whole_lab=True,
    topics=("tasks", "node"),
    hint=on_manager("{force}", look=_("Swarm does not move tasks that run. New tasks are spread over all workers.")),
)
def test_spread(service: Service, swarm: Swarm, lab: Lab) -> None:
    """The tasks are spread over the workers again. No worker has two more than another."""
    counts = hosts(swarm, service)
    workers = [counts.get(node.name, 0) for node in lab.workers]
    assert max(workers) - min(workers) <= 1, f"tasks run: {listed(counts)}"


def _keeps_images(update: list[Turn]) -> bool:
    return all(turn.old.image == turn.new.image for turn in update)


def _describe(moved: list[Turn]) -> str:
    """Describe the moves, for people."""
    if not moved:
        return "the history shows no task that moved to another node"
    phrases = []
    for turn in moved:
        how = "after a node was lost" if lost(turn) else "after it was stopped" if drained(turn) else turn.old.state
        phrases.append(f"{turn.place} ({how})")
    return f"replicas that moved to another node: {', '.join(phrases)}"
