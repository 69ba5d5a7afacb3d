"""The exercise on health checks: an update that was never healthy replaced nothing, a good one replaced all.

And tried on the spot: every task of the page replaced, and back again, while it is asked for.
"""

from __future__ import annotations

import shlex
from contextlib import suppress
from dataclasses import dataclass, replace

import pytest

from labgen.core.errors import NodeError
from labgen.core.i18n import Messages
from labgen.core.polling import NotYet
from labgen.docker.availability import Probed
from labgen.docker.swarm import Service, Swarm, run_of
from labgen.docker.timeline import most_empty, places
from labgen.exercise.hint import on_manager
from labgen.exercise.services import published_ports, same_image
from labgen.model.capabilities import Lacks
from verify import prober
from verify.checks import check
from verify.exam import Exam
from verify.hinting import create, repeat, see_tasks
from verify.services import all_run, changed_image, made_from, service_of

from . import exercise as health

_ = Messages.beside(__file__)

SERVICE, WEB = health.SERVICE, health.WEB
PORT = WEB.publish[0]

service = service_of(SERVICE.name)


@pytest.fixture
def lived(service: Service, exam: Exam) -> Service:
    """Read the service, its tasks with the times of their containers and the output of their health checks."""
    return exam.lived(service.name)


@check(
    points=1,
    needs=("cluster.swarm_begun",),
    hint=create(SERVICE),
)
def test_service_exists(swarm: Swarm) -> None:
    """There is a service my-session, made from redis, and it runs a redis server."""
    made_from(swarm, SERVICE)


@check(
    points=1,
    needs=("health.service_exists",),
    whole_lab=True,
    topics=("tasks",),
    hint=(see_tasks(SERVICE.name), on_manager(f"docker service scale {SERVICE.name}={SERVICE.replicas}")),
)
def test_running(service: Service, exam: Exam) -> None:
    """The service is replicated, with three replicas, and all of them run and stay up."""
    all_run(exam, service, SERVICE)


@check(
    points=2,
    needs=("health.running",),
    whole_lab=True,
    topics=("tasks",),
    hint=on_manager(
        f"docker service update --health-cmd 'redis-cli ping' --health-interval {health.INTERVAL:g}s {SERVICE.name}"
    ),
)
def test_healthy(service: Service, lived: Service) -> None:
    """The service has a health check that asks its server, and every container that runs is healthy."""
    _has_check(service)
    sick = [f"{service.name}.{task.slot}: {task.unwell}" for task in lived.running if task.unwell]
    assert not sick, "; ".join(sick)


@check(
    points=3,
    needs=("health.healthy",),
    whole_lab=True,
    topics=("history",),
    hint=on_manager(health.WRONG_PORT, health.RIGHT),
)
def test_stopped_by_the_check(lived: Service) -> None:
    """An update failed of its health check: a new task never became healthy, and was given up."""
    now = {task.spec for task in lived.running}
    failed = [task for task in lived.tasks if task.unwell and not task.running and task.spec not in now]
    # A check that fails whatever the server does is no update's failure.
    assert any(health.asks(task.health) or not task.health for task in failed), (
        "no container of an earlier task, of other settings, has a health check that never succeeded"
    )


@check(
    points=2,
    needs=("health.stopped_by_the_check",),
    whole_lab=True,
    topics=("history",),
    hint=repeat(
        SERVICE.name,
        SERVICE.create,
        health.WRONG_PORT,
        health.RIGHT,
        why=_(
            "Start the new task first (--update-order start-first, --rollback-order start-first). The history keeps "
            "the other update, so the exercise starts from a new service."
        ),
    ),
)
def test_none_missing(lived: Service, exam: Exam) -> None:
    """While it was updated, not one replica was ever missing."""
    exam.exchanged(health.EXERCISE.name, lived)
    missing = most_empty(lived)
    assert missing == 0, f"{missing} of {len(places(lived))} were missing at the same time"


@check(
    points=2,
    values={"image": health.UPDATED.image},
    needs=("health.stopped_by_the_check",),
    whole_lab=True,
    topics=(
        "tasks",
        "history",
    ),
    hint=on_manager(health.RIGHT),
)
def test_updated(service: Service, exam: Exam) -> None:
    """A good update was completed: every task has %(image)s, and came after one of another image."""
    changed_image(exam, service)
    images = {task.image.partition("@")[0] for task in service.running}
    assert all(same_image(image, health.UPDATED.image) for image in images), (
        f"images in use: {', '.join(sorted(images))}"
    )
    assert service.update_state == "completed", f"the update's state: {service.update_state} {service.update_message}"
    came = {str(task.slot) for task in service.tasks if not same_image(task.image, health.UPDATED.image)}
    alone = [str(task.slot) for task in service.running if str(task.slot) not in came]
    assert not alone, f"the history shows no task of another image before that of replica {', '.join(alone)}"


@check(
    points=1,
    values={"published": PORT.published},
    needs=("cluster.swarm_begun",),
    whole_lab=True,
    topics=("tasks",),
    hint=(create(WEB), see_tasks(WEB.name)),
)
def test_web(swarm: Swarm, exam: Exam) -> None:
    """There is a service web-checked, made from nginx, with three replicas, its port 80 published as %(published)s and
    a health check, and every container is healthy."""
    service = made_from(swarm, WEB)
    assert any(PORT.met_by(port) for port in service.ports), f"published: {published_ports(service)}"
    _has_check(service)
    all_run(exam, service, WEB)
    sick = [f"{WEB.name}.{task.slot}: {task.unwell}" for task in exam.lived(WEB.name).running if task.unwell]
    assert not sick, "; ".join(sick)


def _has_check(service: Service) -> None:
    if service.health[:1] in ((), ("NONE",)):
        raise AssertionError(f"{service.name} has no health check of its own")
    if not health.asks(service.health):
        raise AssertionError(f"the health check of {service.name} asks no server: {' '.join(service.health[1:])}")


_LABEL = "labgen.check"
"""Label that the check puts on the service while it replaces the tasks, where there is a nonce."""


@dataclass(frozen=True)
class Tried:
    """What came of replacing every task, and of the way back.

    :param missing: how many replicas were missing at the same time, at most.
    :param not_replaced: replicas whose task was not replaced.
    :param probed: requests made meanwhile.
    """

    missing: int
    not_replaced: tuple[str, ...]
    probed: Probed


@pytest.fixture(scope="module")
def tried(exam: Exam, lacks: Lacks) -> Tried:
    """Replace every task by one like it and roll back, once for all checks; the service is left as it was."""
    before = exam.service(WEB.name)
    assert before is not None, f"there is no service {WEB.name}"
    ran = {task.id for task in before.running}
    with prober.requests(exam, lacks, health.EXERCISE.name, PORT.published) as traffic:
        forced, back = there_and_back(exam)
    not_replaced = {str(task.slot) for task in forced.running if task.id in ran}
    not_replaced |= {
        str(task.slot) for task in back.running if task.id in {forced_task.id for forced_task in forced.running}
    }
    tried = _since(exam.dated(back), ran)
    exam.exchanged(health.EXERCISE.name, tried)
    return Tried(most_empty(tried), tuple(sorted(not_replaced)), traffic.probed)


@check(
    points=3,
    needs=("health.web",),
    whole_lab=True,
    topics=("tasks",),
    hint=on_manager(
        f"docker service update --update-order start-first --rollback-order start-first {WEB.name}",
        look=_("In both directions the new task must start first and pass its health check."),
    ),
)
def test_replaced_unnoticed(tried: Tried) -> None:
    """Tried by this check: while every task is replaced (docker service update --force) and the service is rolled back
    (docker service rollback), no replica is ever missing."""
    assert not tried.not_replaced, f"the task was not replaced in replica {', '.join(tried.not_replaced)}"
    assert tried.missing == 0, f"{tried.missing} of {WEB.replicas} were missing at the same time"


@check(
    points=2,
    needs=("health.replaced_unnoticed",),
    requires=WEB.asking_needs,
    whole_lab=True,
    topics=("requests",),
    hint=on_manager(
        f"docker service update --update-order start-first --rollback-order start-first {WEB.name}",
        f"docker service inspect --pretty {WEB.name}",
    ),
)
def test_answers_meanwhile(tried: Tried) -> None:
    """Tried by this check: of the requests made through every node meanwhile, not more than one in a thousand is
    lost."""
    probed = tried.probed
    assert probed.requests, "no request was made"
    assert probed.lost * 1000 <= probed.requests * health.PER_THOUSAND, str(probed)


def there_and_back(exam: Exam) -> tuple[Service, Service]:
    """Replace every task by one like it, and roll back; return the service after each."""
    name = shlex.quote(WEB.name)
    mark = exam.mark("health")
    label = f"--label-add {_LABEL}={mark} " if mark else ""
    # Where this is refused nothing is rolled back: that would undo what the learner has done last.
    exam.on(exam.manager, f"docker service update --detach --force {label}{name} >/dev/null")
    try:
        forced = exam.wait("every task to be replaced", lambda: _settled(exam, "completed"), within=health.WITHIN)
        assert forced.labels.get(_LABEL, "") == mark, f"{WEB.name} was updated by someone else meanwhile"
    finally:
        # An update that failed may have been rolled back by the swarm: then there is no way back any more.
        with suppress(NodeError):
            exam.on(exam.manager, f"docker service rollback --detach {name} >/dev/null")
    back = exam.wait("the way back", lambda: _settled(exam, "rollback_completed"), within=health.WITHIN)
    return forced, back


def _settled(exam: Exam, state: str) -> Service:
    """The service, once its update has come to a state, and nothing of it is on its way or on its way out."""
    service = exam.service(WEB.name)
    assert service is not None, f"{WEB.name} was removed meanwhile"
    leaving = sum(task.state == "running" and task.desired != "running" for task in service.tasks)
    if service.update_state != state or len(service.running) != service.replicas or leaving or not service.settled:
        status = f"{service.update_state} {service.update_message}".strip()
        raise NotYet(f"{status}; {run_of(len(service.running), service.replicas or 0)}, {leaving} on the way out")
    return service


def _since(service: Service, first: set[str]) -> Service:
    """Reduce the service to the tasks of some ids, and those that came after them in their slots."""
    selected = []
    for tasks in places(service).values():
        start = next((at for at, task in enumerate(tasks) if task.id in first), len(tasks))
        selected += tasks[start:]
    return replace(service, tasks=tuple(selected))
