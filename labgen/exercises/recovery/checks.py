"""The exercise on a container's failure: one ended by force, and another took its place, then and now."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import pytest

from labgen.core.errors import NodeError
from labgen.core.i18n import Messages
from labgen.core.polling import NotYet
from labgen.docker.availability import Probed
from labgen.docker.containers import removal
from labgen.docker.service_changes import scaled
from labgen.docker.swarm import Service, Swarm, Task, run_of
from labgen.docker.timeline import places
from labgen.exercise.hint import on, on_manager
from labgen.model.capabilities import Capability, Lacks
from labgen.model.lab import Node
from verify import prober
from verify.checks import check
from verify.exam import Exam
from verify.hinting import asked_often, create, publish, see_tasks
from verify.services import made_from, open_to_all, published, runs, service_of

from .exercise import EXERCISE, Parameters

_ = Messages.beside(__file__)

service = service_of("service")


@check(
    points=1,
    needs=("cluster.swarm_begun",),
    hint=(
        create("service"),
        on_manager(
            "docker service update --constraint-rm node.role==worker {name}",
            "docker service scale {name}={replicas}",
            look=_("If it exists, take its constraint away and give it its replicas."),
        ),
    ),
)
def test_service_made(swarm: Swarm, parameters: Parameters) -> None:
    """There is a service {name} with {replicas} replicas. It uses the image {service.repository}, runs
    {service.program}, and has no constraint that excludes a node."""
    service = made_from(swarm, parameters.service)
    assert (service.mode, service.replicas) == ("replicated", parameters.replicas), f"it is {service.mode}" + (
        f" with {service.replicas} replicas" if service.replicas is not None else ""
    )
    open_to_all(swarm, service)


@check(
    points=1,
    needs=("recovery.service_made",),
    topics=("requests",),
    hint=publish(),
)
def test_published(service: Service, parameters: Parameters) -> None:
    """The service publishes port {port} for its port {target}, through the routing mesh."""
    published(service, parameters.publish)


@check(
    points=1,
    needs=("recovery.service_made",),
    whole_lab=True,
    topics=("tasks",),
    hint=see_tasks("{name}"),
)
def test_running(service: Service, exam: Exam, parameters: Parameters) -> None:
    """All {replicas} replicas run and stay up."""
    runs(exam, service, parameters.replicas)


@check(
    points=3,
    needs=("recovery.service_made",),
    topics=(
        "tasks",
        "history",
    ),
    hint=(
        on(
            _("a node with a task of {name}"),
            "docker ps",
            "docker rm -f CONTAINER",
            look=_("End a container of the service by force, and see what Swarm does."),
        ),
        on_manager("docker service ps {name}"),
    ),
)
def test_replaced(service: Service, parameters: Parameters) -> None:
    """The history shows a task whose container was ended by force. A new task runs in the same replica."""
    histories = places(service)
    ended = {place: [task for task in tasks if task.killed] for place, tasks in histories.items()}
    past = ", ".join(
        f"{parameters.name}.{task.slot} {task.state} {task.error}" for task in service.tasks if _past(task)
    )
    assert any(ended.values()), f"no task was ended by force; tasks of the past: {past or 'none'}"
    assert any(tasks and histories[place][-1].running for place, tasks in ended.items()), (
        f"no new task runs in replica {', '.join(place for place, tasks in ended.items() if tasks)}"
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
def death(exam: Exam, lacks: Lacks, parameters: Parameters) -> Death:
    """Kill one container of the service, once for all checks, and wait until another task runs in its slot."""
    service = exam.service(parameters.name)
    assert service is not None, f"there is no service {parameters.name}"
    node, task = _victim(exam, service, parameters)
    with prober.requests(exam, lacks, EXERCISE.name, parameters.port) as traffic:
        start = exam.clock()
        exam.ask_node(node, removal(task.container_id))
        try:
            after = exam.wait(
                f"another task to run in replica {task.slot}, whose container was killed on {node.name}",
                lambda: _recovered(exam, task, len(service.running), parameters),
                within=parameters.within,
            )
        except AssertionError:
            _fill(exam, len(service.running), parameters)
            raise
        seconds = exam.clock() - start
    return Death(seconds, len(service.running), after, traffic.probed)


@check(
    points=3,
    needs=("recovery.replaced", "recovery.running", "recovery.published"),
    whole_lab=True,
    topics=("tasks",),
    hint=(
        see_tasks("{name}"),
        on_manager(
            "docker service inspect --pretty {name}",
            look=_("Does its RestartPolicy let Swarm restart the tasks?"),
        ),
    ),
)
def test_recovers(death: Death) -> None:
    """Live test: after one container is removed with docker rm -f, a new task replaces it within {within} s, longer on
    a slow computer. As many tasks run as before."""
    assert death.after == death.before, f"{death.after} run, not {death.before} as before"


@check(
    points=2,
    needs=("recovery.recovers",),
    requires=(Capability.ROUTING_MESH,),
    whole_lab=True,
    topics=("requests",),
    hint=asked_often(),
)
def test_answers_meanwhile(death: Death, exam: Exam, parameters: Parameters) -> None:
    """Live test: requests through every node succeed meanwhile, apart from two brief moments: until every node knows
    that the container is gone, and until the new one's server listens."""
    prober.lost_for_a_moment(exam, death.probed, parameters.losing)


_KEPT = 5
"""Tasks of the past that the swarm keeps of each replica (moby ``TaskHistoryRetentionLimit``)."""


def _fill(exam: Exam, expected: int, parameters: Parameters) -> None:
    """Restore the number of tasks, if the swarm did not, without touching those that run.

    A replica whose task is not to be restarted is counted still; scaled down it is the first to go. One that has used
    up its attempts is known by its past tasks, of which each scaling down forgets one.
    """

    def run() -> None:
        service = exam.service(parameters.name)
        if service is None or len(service.running) != expected:
            raise NotYet("not as many as before")

    # What is told is that it did not recover.
    with suppress(NodeError):
        for _ in range(_KEPT):
            for number in (expected - 1, expected):
                exam.ask_node(exam.manager, scaled(parameters.name, number, quiet=True))
            with suppress(AssertionError):
                exam.wait(f"{parameters.name} to have {expected} tasks", run, within=10.0)
                return


def _victim(exam: Exam, service: Service, parameters: Parameters) -> tuple[Node, Task]:
    victims = [(node, task) for task in service.running if (node := exam.host(task))]
    assert victims, f"no task of {parameters.name} runs on a node of the lab"
    return victims[exam.choose("recovery", len(victims))]


def _recovered(exam: Exam, killed: Task, expected: int, parameters: Parameters) -> int:
    """Count the running tasks, once another runs in the slot of the one that was killed."""
    service = exam.service(parameters.name)
    assert service is not None, f"{parameters.name} was removed meanwhile"
    running = [task for task in service.running if task.id != killed.id]
    if len(running) < expected or not any(task.slot == killed.slot for task in running):
        raise NotYet(run_of(len(running), expected))
    return len(running)


def _past(task: Task) -> bool:
    return task.desired not in ("running", "ready")
