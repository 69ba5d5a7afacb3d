"""The exercise on scaling: a service that has been scaled, and one more replica and back, tried while it is asked."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from labgen.core.i18n import Messages
from labgen.core.polling import NotYet
from labgen.docker.availability import Probed
from labgen.docker.swarm import Service, Swarm, Task, run_of
from labgen.exercise.hint import on_manager
from labgen.exercises.loadbalance import exercise as loadbalance
from labgen.model.capabilities import Lacks
from verify import prober
from verify.checks import check
from verify.exam import Exam
from verify.hinting import asked_often, create, see_tasks
from verify.services import found, kept_off_managers, made_from, published, runs, service_of

from . import exercise as scaling

_ = Messages.beside(__file__)

SERVICE, FEW, MANY = scaling.SERVICE, scaling.FEW, scaling.MANY
PORT = SERVICE.publish[0]

_BY_A_NONCE = 3
"""By how many replicas the check scales at most, as the nonce chooses; without one by 1."""

service = service_of(SERVICE.name)


@check(
    points=3,
    needs=("cluster.swarm_begun",),
    hint=(create(SERVICE), on_manager(scaling.UP, scaling.DOWN)),
)
def test_scaled_up(swarm: Swarm, exam: Exam) -> None:
    """The service web-alb has been scaled up to three replicas."""
    service = found(swarm, SERVICE.name)
    events = _remembered(exam, service)
    changes = [*events.changes, *_last_change(service)]
    listed = ", ".join(f"from {old} to {new}" for old, new in dict.fromkeys(changes) if old != new)
    up = any(old < new and new >= MANY for old, new in changes)
    # Where the engine has forgotten how the service was made, to have come down from there is all that is left to see.
    up = up or (not events.creation and any(old >= MANY > new for old, new in changes))
    assert up, f"it has {service.replicas} replicas; changes of that number: {listed or 'none to be seen'}"


@check(
    points=1,
    needs=("scaling.scaled_up",),
    whole_lab=True,
    topics=("tasks",),
    hint=(on_manager(scaling.DOWN), see_tasks(SERVICE.name)),
)
def test_scaled_down(service: Service, swarm: Swarm, exam: Exam) -> None:
    """The service has two replicas again, and both of them run and stay up, on workers."""
    assert service.replicas == FEW, f"it has {service.replicas} replicas"
    nodes = [(node.name, node.role) for task in service.running if (node := swarm.node(task.node_id))]
    runs(exam, service, FEW)
    assert all(role == "worker" for _, role in nodes), f"they run on {', '.join(name for name, _ in nodes)}"


@check(
    points=1,
    needs=("scaling.scaled_up",),
    hint=on_manager(
        f"docker service update --image {SERVICE.image} {SERVICE.name}",
        f"docker service update --constraint-add {SERVICE.constraints[0]} {SERVICE.name}",
        f"docker service update --publish-add {PORT.published}:{PORT.target} {SERVICE.name}",
        look=_("Scaling changes the number of replicas only. Put back what differs, with one of these."),
    ),
)
def test_same_service(service: Service, swarm: Swarm) -> None:
    """All else is as it was: made from nginx and running it, kept to workers, port 8001 published."""
    made_from(swarm, SERVICE)
    kept_off_managers(service)
    published(service, PORT)


@dataclass(frozen=True)
class Tried:
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
def tried(exam: Exam, lacks: Lacks) -> Tried:
    """Scale the service by one, or with a nonce by up to three, and back, once for all checks."""
    service = exam.service(SERVICE.name)
    assert service is not None, f"there is no service {SERVICE.name}"
    few = service.replicas or 0
    more_by = 1 + exam.choose("scaling", _BY_A_NONCE)
    with (
        _as_found(exam, service),
        prober.requests(exam, lacks, scaling.EXERCISE.name, PORT.published) as traffic,
    ):
        start = exam.clock()
        _scale(exam, few + more_by)
        what = "one more task" if more_by == 1 else f"{more_by} more tasks"
        more = exam.wait(f"{what} to run", lambda: _running(exam, few + more_by), within=scaling.WITHIN)
        up, restarted = exam.clock() - start, {task.id for task in service.running} - {task.id for task in more}
        start = exam.clock()
        _scale(exam, few)
        exam.wait("as many tasks as before", lambda: _running(exam, few), within=scaling.WITHIN)
        down = exam.clock() - start
    return Tried(up, down, len(restarted), traffic.probed)


@check(
    points=3,
    values={"within": scaling.WITHIN},
    needs=("scaling.scaled_down", "scaling.same_service"),
    whole_lab=True,
    topics=("tasks",),
    hint=see_tasks(SERVICE.name),
)
def test_scales(tried: Tried) -> None:
    """Tried by this check: scaled by one (with a nonce by up to three), as many more tasks run within %(within).0f s
    (longer on a slow computer) and those that ran before are left alone; scaled back, they are gone."""
    assert not tried.restarted, f"{tried.restarted} of the tasks that ran before did not any more"


@check(
    points=2,
    needs=("scaling.scales",),
    requires=SERVICE.asking_needs,
    whole_lab=True,
    topics=("requests",),
    hint=asked_often(PORT.published),
)
def test_answers_meanwhile(tried: Tried, exam: Exam) -> None:
    """Tried by this check: of the requests made through every node meanwhile none is lost, unless in the moment in
    which the new container has started and its server does not listen yet."""
    prober.lost_for_a_moment(exam, tried.probed, scaling.LOSING)


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
    script = "docker events --since 0 --until \"$(date +%s)\" --filter type=service --format '{{json .}}'"
    creation, changes = False, []
    for line in exam.on(exam.manager, script).splitlines():
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


def _scale(exam: Exam, replicas: int) -> None:
    exam.on(exam.manager, f"docker service scale --detach {shlex.quote(SERVICE.name)}={replicas}")


def _running(exam: Exam, expected: int) -> tuple[Task, ...]:
    """Return the running tasks, once they are as many as expected and none is on its way."""
    service = exam.service(SERVICE.name)
    assert service is not None, f"{SERVICE.name} was removed meanwhile"
    going = sum(task.desired == "remove" for task in service.tasks)
    if len(service.running) != expected or going or not service.settled:
        raise NotYet(f"{run_of(len(service.running), expected)}, {going} on the way out")
    return service.running


@contextmanager
def _as_found(exam: Exam, service: Service) -> Iterator[None]:
    """Restore the number of replicas and the pages in their containers at the end, whatever happened meanwhile.

    Which of the tasks on a worker goes when the service is scaled back is the swarm's choice. It may be one that was
    given a page in another exercise; the one that stays in its stead is then given that page.
    """
    pages = {task.id: (task, _page(exam, task)) for task in service.running}
    try:
        yield
    finally:
        now = exam.service(SERVICE.name)
        if now is not None and now.replicas != service.replicas:
            _scale(exam, service.replicas or 0)
            now = exam.service(SERVICE.name)
        staying = {task.id for task in now.running} if now else set()
        new = [task for task in (now.running if now else ()) if task.id not in pages]
        for gone, page in [entry for name, entry in pages.items() if name not in staying]:
            heir = next((task for task in new if task.node_id == gone.node_id), None)
            if heir and page:
                new.remove(heir)
                _give(exam, heir, page)


def _page(exam: Exam, task: Task) -> str:
    """Read the page in a task's container, in base64; empty if there is none."""
    node = exam.host(task)
    read = f"docker exec {shlex.quote(task.container_id)} cat {loadbalance.PAGE_PATH}"
    return exam.on(node, f"{read} 2>/dev/null | head -c 65536 | base64 -w0").strip() if node else ""


def _give(exam: Exam, task: Task, page: str) -> None:
    if node := exam.host(task):
        write = f"docker exec -i {shlex.quote(task.container_id)} sh -c 'cat > {loadbalance.PAGE_PATH}'"
        exam.on(node, f"printf %s {shlex.quote(page)} | base64 -d | {write}")
