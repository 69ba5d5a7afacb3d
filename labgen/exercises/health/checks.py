"""The exercise on health checks: an update that was never healthy replaced nothing, a good one replaced all.

And tried on the spot: every task of the page replaced, and back again, while it is asked for.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace

import pytest

from labgen.core.errors import NodeError
from labgen.core.i18n import Messages
from labgen.core.polling import NotYet
from labgen.docker import service_changes
from labgen.docker.availability import Probed
from labgen.docker.swarm import Service, Swarm, run_of
from labgen.docker.timeline import most_empty, places
from labgen.exercise.hint import on_manager
from labgen.exercise.services import published_ports, same_image
from labgen.model.capabilities import Capability, Lacks
from verify import prober
from verify.checks import check
from verify.exam import Exam
from verify.hinting import create, repeat, scale, see_tasks
from verify.services import all_run, changed_image, made_from, service_of

from .exercise import EXERCISE, Parameters

_ = Messages.beside(__file__)

service = service_of("service")


@pytest.fixture
def lived(service: Service, exam: Exam) -> Service:
    """Read the service, its tasks with the times of their containers and the output of their health checks."""
    return exam.lived(service.name)


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
    needs=("health.service_exists",),
    whole_lab=True,
    topics=("tasks",),
    hint=(see_tasks("{name}"), scale()),
)
def test_running(service: Service, exam: Exam, parameters: Parameters) -> None:
    """The service is replicated, with {replicas} replicas, and all of them run and stay up."""
    all_run(exam, service, parameters.service)


@check(
    points=2,
    needs=("health.running",),
    whole_lab=True,
    topics=("tasks",),
    hint=on_manager(
        "docker service update --health-cmd '{health_command}' --health-interval {interval}s {name}",
        look=_("See which command the health check runs, and whether it asks the server."),
    ),
)
def test_healthy(service: Service, lived: Service, parameters: Parameters) -> None:
    """The service has a health check that asks its server, and every running container is healthy."""
    _has_check(service, parameters)
    sick = [f"{service.name}.{task.slot}: {task.unwell}" for task in lived.running if task.unwell]
    assert not sick, "; ".join(sick)


@check(
    points=3,
    needs=("health.healthy",),
    whole_lab=True,
    topics=("history",),
    hint=on_manager(
        "{update_wrong}",
        "{update_right}",
        look=_("First update the service so that its health check fails. Then update it to a good version."),
    ),
)
def test_stopped_by_the_check(lived: Service, parameters: Parameters) -> None:
    """The health check stopped an update: a new task never became healthy and was shut down."""
    now = {task.spec for task in lived.running}
    failed = [task for task in lived.tasks if task.unwell and not task.running and task.spec not in now]
    # A check that fails whatever the server does is no update's failure.
    assert any(parameters.asks(task.health) or not task.health for task in failed), (
        "no earlier task with other settings failed its health check"
    )


@check(
    points=2,
    needs=("health.stopped_by_the_check",),
    whole_lab=True,
    topics=("history",),
    hint=repeat(
        "{name}",
        "{service.create}",
        "{update_wrong}",
        "{update_right}",
        why=_(
            "In an update and in a rollback, the new task has to start before the old one stops. The history keeps "
            "the other update, so start again with a new service."
        ),
    ),
)
def test_none_missing(lived: Service, exam: Exam) -> None:
    """During the update, no replica was ever missing."""
    exam.exchanged(EXERCISE.name, lived)
    missing = most_empty(lived)
    assert missing == 0, f"{missing} of {len(places(lived))} were missing at the same time"


@check(
    points=2,
    needs=("health.stopped_by_the_check",),
    whole_lab=True,
    topics=(
        "tasks",
        "history",
    ),
    hint=on_manager("{update_right}", look=_("See how the last update ended, and which image its tasks have.")),
)
def test_updated(service: Service, exam: Exam, parameters: Parameters) -> None:
    """An update to a good version is completed: every task uses {new} and replaced one of another image."""
    changed_image(exam, service)
    images = {task.image.partition("@")[0] for task in service.running}
    assert all(same_image(image, parameters.new) for image in images), f"images in use: {', '.join(sorted(images))}"
    assert service.update_state == "completed", f"the update's state: {service.update_state} {service.update_message}"
    came = {str(task.slot) for task in service.tasks if not same_image(task.image, parameters.new)}
    alone = [str(task.slot) for task in service.running if str(task.slot) not in came]
    assert not alone, f"the history shows no earlier task of another image in replica {', '.join(alone)}"


@check(
    points=1,
    needs=("cluster.swarm_begun",),
    whole_lab=True,
    topics=("tasks",),
    hint=(create("web"), see_tasks("{web_name}")),
)
def test_web(swarm: Swarm, exam: Exam, parameters: Parameters) -> None:
    """There is a service {web_name} with {replicas} replicas. It uses the image {web.repository}, runs {web.program},
    and publishes its port {target} as {port}. It has a health check, and every container is healthy."""
    service = made_from(swarm, parameters.web)
    assert any(parameters.publish.met_by(port) for port in service.ports), f"published: {published_ports(service)}"
    _has_check(service, parameters)
    all_run(exam, service, parameters.web)
    sick = [
        f"{parameters.web_name}.{task.slot}: {task.unwell}"
        for task in exam.lived(parameters.web_name).running
        if task.unwell
    ]
    assert not sick, "; ".join(sick)


def _has_check(service: Service, parameters: Parameters) -> None:
    if service.health[:1] in ((), ("NONE",)):
        raise AssertionError(f"{service.name} has no health check of its own")
    if not parameters.asks(service.health):
        raise AssertionError(f"the health check of {service.name} asks no server: {' '.join(service.health[1:])}")


@dataclass(frozen=True)
class ReplacementResult:
    """What came of replacing every task, and of the way back.

    :param missing: how many replicas were missing at the same time, at most.
    :param not_replaced: replicas whose task was not replaced.
    :param probed: requests made meanwhile.
    """

    missing: int
    not_replaced: tuple[str, ...]
    probed: Probed


@pytest.fixture(scope="module")
def tried(exam: Exam, lacks: Lacks, parameters: Parameters) -> ReplacementResult:
    """Replace every task by one like it and roll back, once for all checks; the service is left as it was."""
    before = exam.service(parameters.web_name)
    assert before is not None, f"there is no service {parameters.web_name}"
    ran = {task.id for task in before.running}
    with prober.requests(exam, lacks, EXERCISE.name, parameters.port) as traffic:
        forced, back = there_and_back(exam, parameters)
    not_replaced = {str(task.slot) for task in forced.running if task.id in ran}
    not_replaced |= {
        str(task.slot) for task in back.running if task.id in {forced_task.id for forced_task in forced.running}
    }
    tried = _since(exam.dated(back), ran)
    exam.exchanged(EXERCISE.name, tried)
    return ReplacementResult(most_empty(tried), tuple(sorted(not_replaced)), traffic.probed)


@check(
    points=3,
    needs=("health.web",),
    whole_lab=True,
    topics=("tasks",),
    hint=on_manager(
        "docker service update --update-order start-first --rollback-order start-first {web_name}",
        look=_("In both directions the new task must start first and pass its health check."),
    ),
)
def test_replaced_unnoticed(tried: ReplacementResult, parameters: Parameters) -> None:
    """Live test: no replica is ever missing while every task is replaced (docker service update --force) and the
    service is rolled back (docker service rollback)."""
    assert not tried.not_replaced, f"no new task came in replica {', '.join(tried.not_replaced)}"
    assert tried.missing == 0, f"{tried.missing} of {parameters.replicas} were missing at the same time"


@check(
    points=2,
    needs=("health.replaced_unnoticed",),
    requires=(Capability.ROUTING_MESH,),
    whole_lab=True,
    topics=("requests",),
    hint=on_manager(
        "docker service update --update-order start-first --rollback-order start-first {web_name}",
        "docker service inspect --pretty {web_name}",
        look=_("See in which order an update and a rollback replace a task."),
    ),
)
def test_answers_meanwhile(tried: ReplacementResult, parameters: Parameters) -> None:
    """Live test: at most {per_thousand} of a thousand requests through every node fail meanwhile."""
    probed = tried.probed
    assert probed.requests, "no request was made"
    assert probed.lost * 1000 <= probed.requests * parameters.per_thousand, str(probed)


def there_and_back(exam: Exam, parameters: Parameters) -> tuple[Service, Service]:
    """Replace every task by one like it, and roll back; return the service after each."""
    mark = exam.mark("health")
    replace_all = service_changes.forced(parameters.web_name, parameters.check_label if mark else "", mark)
    # Where this is refused nothing is rolled back: that would undo what the learner has done last.
    exam.ask_node(exam.manager, replace_all)
    try:
        forced = exam.wait(
            "every task to be replaced", lambda: _settled(exam, "completed", parameters), within=parameters.within
        )
        assert forced.labels.get(parameters.check_label, "") == mark, (
            f"somebody else updated {parameters.web_name} meanwhile"
        )
    finally:
        # An update that failed may have been rolled back by the swarm: then there is no way back any more.
        with suppress(NodeError):
            exam.ask_node(exam.manager, service_changes.rolled_back(parameters.web_name))
    back = exam.wait("the way back", lambda: _settled(exam, "rollback_completed", parameters), within=parameters.within)
    return forced, back


def _settled(exam: Exam, state: str, parameters: Parameters) -> Service:
    """The service, once its update has come to a state, and nothing of it is on its way or on its way out."""
    service = exam.service(parameters.web_name)
    assert service is not None, f"{parameters.web_name} was removed meanwhile"
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
