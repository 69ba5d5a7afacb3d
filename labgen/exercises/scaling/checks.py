"""The exercise on scaling: a service that has been scaled, and one more replica and back, tried while it is asked."""

from __future__ import annotations

import json
import shlex
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from labgen.core.i18n import Messages
from labgen.core.polling import NotYet
from labgen.docker.availability import Probed
from labgen.docker.containers import execution, replacement
from labgen.docker.events import of_services
from labgen.docker.service_changes import scaled
from labgen.docker.swarm import Service, Swarm, Task, run_of
from labgen.exercise.hint import on_manager
from labgen.model.capabilities import Capability, Lacks
from verify import prober
from verify.checks import check
from verify.exam import Exam
from verify.hinting import asked_often, create, scale, see_tasks
from verify.services import found, kept_off_managers, made_from, published, runs, service_of

from .exercise import EXERCISE, Parameters

_ = Messages.beside(__file__)

service = service_of("service")

_PAGE = 65536
"""Bytes of a page that are kept."""


@check(
    points=3,
    needs=("cluster.swarm_begun",),
    hint=(create("service"), on_manager("{up}", "{down}")),
)
def test_scaled_up(swarm: Swarm, exam: Exam, parameters: Parameters) -> None:
    """The service {name} was scaled up to {many} replicas."""
    service = found(swarm, parameters.name)
    events = _remembered(exam, service)
    changes = [*events.changes, *_last_change(service)]
    listed = ", ".join(f"from {old} to {new}" for old, new in dict.fromkeys(changes) if old != new)
    up = any(old < new and new >= parameters.many for old, new in changes)
    # Where the engine has forgotten how the service was made, to have come down from there is all that is left to see.
    up = up or (not events.creation and any(old >= parameters.many > new for old, new in changes))
    assert up, f"it has {service.replicas} replicas; changes of that number: {listed or 'none to be seen'}"


@check(
    points=1,
    needs=("scaling.scaled_up",),
    whole_lab=True,
    topics=("tasks",),
    hint=(scale("{down}"), see_tasks("{name}")),
)
def test_scaled_down(service: Service, swarm: Swarm, exam: Exam, parameters: Parameters) -> None:
    """The service has {few} replicas again. All of them run and stay up, on workers."""
    assert service.replicas == parameters.few, f"it has {service.replicas} replicas"
    nodes = [(node.name, node.role) for task in service.running if (node := swarm.node(task.node_id))]
    runs(exam, service, parameters.few)
    assert all(role == "worker" for _, role in nodes), f"they run on {', '.join(name for name, _ in nodes)}"


@check(
    points=1,
    needs=("scaling.scaled_up",),
    hint=on_manager(
        "docker service update --image {image} {name}",
        "docker service update --constraint-add {constraint} {name}",
        "docker service update --publish-add {port}:{target} {name}",
        look=_("Scaling changes the number of replicas only. Put back everything else that differs."),
        note=_("Use the command for what differs."),
    ),
)
def test_same_service(service: Service, swarm: Swarm, parameters: Parameters) -> None:
    """Nothing else changed: the service uses {service.repository}, runs {service.program} on workers only, and
    publishes port {port} for its port {target}."""
    made_from(swarm, parameters.service)
    kept_off_managers(service)
    published(service, parameters.publish)


@dataclass(frozen=True)
class ScalingResult:
    """What came of scaling, up and back.

    :param up: seconds until the new ones ran; ``down``: until they were gone.
    :param restarted: how many of the tasks that ran before did not while more did.
    :param probed: requests made meanwhile.
    """

    up: float
    down: float
    restarted: int
    probed: Probed


@pytest.fixture(scope="module")
def tried(exam: Exam, lacks: Lacks, parameters: Parameters) -> ScalingResult:
    """Scale the service by one, or with a nonce by up to three, and back, once for all checks."""
    service = exam.service(parameters.name)
    assert service is not None, f"there is no service {parameters.name}"
    few = service.replicas or 0
    more_by = 1 + exam.choose("scaling", parameters.most_more)
    with (
        _as_found(exam, service, parameters),
        prober.requests(exam, lacks, EXERCISE.name, parameters.port) as traffic,
    ):
        start = exam.clock()
        _scale(exam, few + more_by, parameters)
        what = "one more task" if more_by == 1 else f"{more_by} more tasks"
        more = exam.wait(f"{what} to run", lambda: _running(exam, few + more_by, parameters), within=parameters.within)
        up, restarted = exam.clock() - start, {task.id for task in service.running} - {task.id for task in more}
        start = exam.clock()
        _scale(exam, few, parameters)
        exam.wait("as many tasks as before", lambda: _running(exam, few, parameters), within=parameters.within)
        down = exam.clock() - start
    return ScalingResult(up, down, len(restarted), traffic.probed)


@check(
    points=3,
    needs=("scaling.scaled_down", "scaling.same_service"),
    whole_lab=True,
    topics=("tasks",),
    hint=see_tasks("{name}"),
)
def test_scales(tried: ScalingResult) -> None:
    """Live test: after the service is scaled up by one replica (with a nonce, by up to {most_more}), the new tasks run
    within {within} s, longer on a slow computer. The other tasks keep running. After it is scaled down, the new tasks
    are gone."""
    assert not tried.restarted, f"{tried.restarted} of the earlier tasks stopped"


@check(
    points=2,
    needs=("scaling.scales",),
    requires=(Capability.ROUTING_MESH,),
    whole_lab=True,
    topics=("requests",),
    hint=asked_often(),
)
def test_answers_meanwhile(tried: ScalingResult, exam: Exam, parameters: Parameters) -> None:
    """Live test: while the service is scaled, requests through every node succeed, apart from a brief moment until the
    new container's server listens."""
    prober.lost_for_a_moment(exam, tried.probed, parameters.losing)


@dataclass(frozen=True)
class Remembered:
    """What the manager's engine remembers of a service: its last 256 events, since it was started.

    :param creation: whether it remembers that the service was created, and so everything since then.
    :param changes: of the number of replicas, from and to.
    """

    creation: bool
    changes: tuple[tuple[int, int], ...]


def _last_change(service: Service) -> list[tuple[int, int]]:
    """List the last change of the number of replicas: the service remembers how it was before."""
    if service.replicas is None or service.replicas_before is None:
        return []
    return [(service.replicas_before, service.replicas)]


def _remembered(exam: Exam, service: Service) -> Remembered:
    creation, changes = False, []
    for line in exam.ask_node(exam.manager, of_services()).splitlines():
        # {"Action":"update",…,"Actor":{"ID":"tnuh…","Attributes":{"replicas.new":"3","replicas.old":"2"}}}
        event = json.loads(line)
        actor = event.get("Actor") or {}
        if actor.get("ID") != service.id:
            continue
        creation = creation or event.get("Action") == "create"
        attributes = actor.get("Attributes") or {}
        if "replicas.new" in attributes:
            changes.append((int(attributes.get("replicas.old") or 0), int(attributes["replicas.new"])))
    return Remembered(creation, tuple(changes))


def _scale(exam: Exam, replicas: int, parameters: Parameters) -> None:
    exam.ask_node(exam.manager, scaled(parameters.name, replicas))


def _running(exam: Exam, expected: int, parameters: Parameters) -> tuple[Task, ...]:
    """Return the running tasks, once they are as many as expected and none is on its way."""
    service = exam.service(parameters.name)
    assert service is not None, f"{parameters.name} was removed meanwhile"
    going = sum(task.desired == "remove" for task in service.tasks)
    if len(service.running) != expected or going or not service.settled:
        raise NotYet(f"{run_of(len(service.running), expected)}, {going} on the way out")
    return service.running


@contextmanager
def _as_found(exam: Exam, service: Service, parameters: Parameters) -> Iterator[None]:
    """Restore the number of replicas and the pages in their containers at the end, whatever happened meanwhile.

    Which of the tasks on a worker goes when the service is scaled back is the swarm's choice. It may be one that was
    given a page in another exercise; the one that stays in its stead is then given that page.
    """
    pages = {task.id: (task, _page(exam, task, parameters)) for task in service.running}
    try:
        yield
    finally:
        now = exam.service(parameters.name)
        if now is not None and now.replicas != service.replicas:
            _scale(exam, service.replicas or 0, parameters)
            now = exam.service(parameters.name)
        staying = {task.id for task in now.running} if now else set()
        new = [task for task in (now.running if now else ()) if task.id not in pages]
        for gone, page in [entry for name, entry in pages.items() if name not in staying]:
            heir = next((task for task in new if task.node_id == gone.node_id), None)
            if heir and page:
                new.remove(heir)
                _give(exam, heir, page, parameters)


def _page(exam: Exam, task: Task, parameters: Parameters) -> str:
    """Read the page in a task's container, in base64; empty if there is none."""
    node = exam.host(task)
    command = ["cat", parameters.page_path]
    script = f"docker exec {shlex.quote(task.container_id)} {shlex.join(command)} 2>/dev/null"
    question = execution(
        f"{script} | head -c {_PAGE} | base64 -w0",
        task.container_id,
        command,
        lambda page: b64encode(page[:_PAGE]).decode(),
    )
    return exam.ask_node(node, question).strip() if node else ""


def _give(exam: Exam, task: Task, page: str, parameters: Parameters) -> None:
    if node := exam.host(task):
        write = f"docker exec -i {shlex.quote(task.container_id)} sh -c 'cat > {parameters.page_path}'"
        script = f"printf %s {shlex.quote(page)} | base64 -d | {write}"
        exam.ask_node(node, replacement(script, task.container_id, parameters.page_path, b64decode(page)))
