"""The exercise on the rolling update: one version after the other, one task at a time, as the history shows."""

from __future__ import annotations

import shlex

from labgen.core.i18n import Messages
from labgen.docker.swarm import Service, Swarm, Task
from labgen.docker.timeline import most_missing, places, updates
from labgen.exercise.hint import on, on_manager
from labgen.exercise.services import same_image
from labgen.model.lab import Node
from verify.checks import check
from verify.exam import Exam
from verify.hinting import create, repeat, see_tasks
from verify.services import all_run, changed_image, made_from, service_of

from . import exercise as update

_ = Messages.beside(__file__)

SERVICE = update.SERVICE

service = service_of(SERVICE.name)


@check(
    points=1,
    needs=("cluster.swarm_begun",),
    hint=create(SERVICE),
)
def test_service_exists(swarm: Swarm) -> None:
    """There is a service my-database, made from redis, and it runs a redis server."""
    made_from(swarm, SERVICE)


@check(
    points=1,
    needs=("update.service_exists",),
    whole_lab=True,
    topics=("tasks",),
    hint=(see_tasks(SERVICE.name), on_manager(f"docker service scale {SERVICE.name}={SERVICE.replicas}")),
)
def test_running(service: Service, exam: Exam) -> None:
    """The service is replicated, with three replicas, and all of them run and stay up."""
    all_run(exam, service, SERVICE)


@check(
    points=2,
    values={"new": update.NEW},
    needs=("update.running",),
    topics=("tasks",),
    hint=on_manager(update.UPDATE),
)
def test_image(service: Service, exam: Exam) -> None:
    """The service and every task that runs have the new image, %(new)s."""
    images = {service.plain_image, *(task.image.partition("@")[0] for task in service.running)}
    assert all(same_image(image, update.NEW) for image in images), f"images in use: {', '.join(sorted(images))}"
    changed_image(exam, service)


@check(
    points=2,
    needs=("update.image",),
    whole_lab=True,
    topics=("tasks",),
    hint=on(
        _("a node with a task of %(service)s", service=SERVICE.name),
        "docker ps",
        "docker exec CONTAINER redis-server --version",
    ),
)
def test_server_version(service: Service, exam: Exam) -> None:
    """Every running server, asked itself, is of the version that the new image brings."""
    at: dict[Node, list[Task]] = {}
    for task in service.running:
        node = exam.host(task)
        assert node is not None, f"a task runs on a node that is not of the lab: {task.node_id}"
        at.setdefault(node, []).append(task)
    answers = exam.everywhere(at, lambda node: [exam.on(node, _ask(task.container_id)).strip() for task in at[node]])
    wrong = [
        f"{SERVICE.name}.{task.slot} on {node.name} says: {line or 'nothing'}"
        for node, lines in answers.items()
        for task, line in zip(at[node], lines, strict=True)
        if _version(line) < update.LEAST
    ]
    assert not wrong, "; ".join(wrong)


@check(
    points=2,
    needs=("update.image",),
    topics=("history",),
    hint=on_manager(
        f"docker service update --image {update.OLD} {SERVICE.name}",
        update.UPDATE,
        words=_(
            "The history shows no update from the old image to the new one. Go back to the old image, then update."
        ),
    ),
)
def test_history(service: Service) -> None:
    """The history has both versions: in every replica a task of the old image came before the new one."""
    without = [
        place
        for place, tasks in places(service).items()
        if not any(same_image(task.image, update.OLD) for task in tasks[:-1])
    ]
    assert not without, f"no earlier task of {update.OLD} in replica {', '.join(without)}"


@check(
    points=2,
    needs=("update.history",),
    whole_lab=True,
    topics=("history",),
    hint=repeat(
        SERVICE.name,
        SERVICE.create,
        update.UPDATE,
        why=_(
            "Update one task at a time (--update-parallelism 1, the default). The history keeps the other update, so "
            "the exercise starts from a new service."
        ),
    ),
)
def test_one_at_a_time(service: Service, exam: Exam) -> None:
    """While it was updated, no more than one replica was missing at any one time."""
    # Other turns may have come since: a container or a node that failed is not the update's doing.
    happened = [turn for update in updates(exam.lived(service.name)) for turn in update if turn.started]
    missing = most_missing(happened)
    assert missing <= 1, f"{missing} of {len(places(service))} were missing at the same time"


@check(
    points=1,
    needs=("update.image",),
    topics=("tasks",),
    hint=on_manager(f"docker service inspect --pretty {SERVICE.name}"),
)
def test_completed(service: Service) -> None:
    """The update is complete: neither going on nor paused."""
    state = service.update_state or "none has begun"
    assert state == "completed", f"the update's state: {state} {service.update_message}".rstrip()


def _ask(container: str) -> str:
    return f"docker exec {shlex.quote(container)} redis-cli INFO server | grep -a ^redis_version: | head -c 100 || true"


def _version(text: str) -> tuple[int, ...]:
    """Read ``redis_version:6.2.5`` as (6, 2)."""
    parts = text.partition(":")[2].strip().split(".")[:2]
    return tuple(int(part) for part in parts) if len(parts) == 2 and all(map(str.isdigit, parts)) else ()
