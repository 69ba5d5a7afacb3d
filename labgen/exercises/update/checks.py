"""The exercise on the rolling update: one version after the other, one task at a time, as the history shows."""

from __future__ import annotations

import re
import shlex

from labgen.core.i18n import Messages
from labgen.docker.containers import execution, text_from
from labgen.docker.question import Question
from labgen.docker.swarm import Service, Swarm, Task
from labgen.docker.timeline import most_missing, places, updates
from labgen.exercise.hint import on, on_manager
from labgen.exercise.services import same_image
from labgen.model.lab import Node
from verify.checks import check
from verify.exam import Exam
from verify.hinting import create, repeat, scale, see_tasks
from verify.services import all_run, changed_image, made_from, service_of

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
    points=1,
    needs=("update.service_exists",),
    whole_lab=True,
    topics=("tasks",),
    hint=(see_tasks("{name}"), scale()),
)
def test_running(service: Service, exam: Exam, parameters: Parameters) -> None:
    """The service is replicated, with {replicas} replicas, and all of them run and stay up."""
    all_run(exam, service, parameters.service)


@check(
    points=2,
    needs=("update.running",),
    topics=("tasks",),
    hint=on_manager("{update}", look=_("See which image the service and its tasks have.")),
)
def test_image(service: Service, exam: Exam, parameters: Parameters) -> None:
    """The service and every running task use the new image, {new}."""
    images = {service.plain_image, *(task.image.partition("@")[0] for task in service.running)}
    assert all(same_image(image, parameters.new) for image in images), f"images in use: {', '.join(sorted(images))}"
    changed_image(exam, service)


@check(
    points=2,
    needs=("update.image",),
    whole_lab=True,
    topics=("tasks",),
    hint=on(
        _("a node with a task of {name}"),
        "docker ps",
        "docker exec CONTAINER redis-server --version",
        look=_("Ask the server in each container for its version."),
    ),
)
def test_server_version(service: Service, exam: Exam, parameters: Parameters) -> None:
    """Every running server reports the version of the new image."""
    at: dict[Node, list[Task]] = {}
    for task in service.running:
        node = exam.host(task)
        assert node is not None, f"a task runs on a node that is not part of the lab: {task.node_id}"
        at.setdefault(node, []).append(task)
    answers = exam.everywhere(
        at, lambda node: [exam.ask_node(node, _ask(task.container_id)).strip() for task in at[node]]
    )
    wrong = [
        f"{parameters.name}.{task.slot} on {node.name} says: {line or 'nothing'}"
        for node, lines in answers.items()
        for task, line in zip(at[node], lines, strict=True)
        # An image may name no version; a server that says none is wrong all the same.
        if not _version(line) or _version(line) < parameters.version
    ]
    assert not wrong, "; ".join(wrong)


@check(
    points=2,
    needs=("update.image",),
    topics=("history",),
    hint=on_manager(
        "docker service update --image {old} {name}",
        "{update}",
        words=_(
            "The history shows no update from the old image to the new one. Go back to the old image, then update."
        ),
    ),
)
def test_history(service: Service, parameters: Parameters) -> None:
    """The history shows both versions: in every replica, a task of the old image came before the new one."""
    without = [
        place
        for place, tasks in places(service).items()
        if not any(same_image(task.image, parameters.old) for task in tasks[:-1])
    ]
    assert not without, f"no earlier task of {parameters.old} in replica {', '.join(without)}"


@check(
    points=2,
    needs=("update.history",),
    whole_lab=True,
    topics=("history",),
    hint=repeat(
        "{name}",
        "{service.create}",
        "{update}",
        why=_(
            "Update one task at a time, as Swarm does by default. The history keeps the other update, so start again "
            "with a new service."
        ),
    ),
)
def test_one_at_a_time(service: Service, exam: Exam) -> None:
    """During the update, at most one replica was missing at a time."""
    # Other turns may have come since: a container or a node that failed is not the update's doing.
    happened = [turn for update in updates(exam.lived(service.name)) for turn in update if turn.started]
    missing = most_missing(happened)
    assert missing <= 1, f"{missing} of {len(places(service))} were missing at the same time"


@check(
    points=1,
    needs=("update.image",),
    topics=("tasks",),
    hint=on_manager("docker service inspect --pretty {name}", look=_("See how the last update ended.")),
)
def test_completed(service: Service) -> None:
    """The update is completed. It is neither running nor paused."""
    state = service.update_state or "none has begun"
    assert state == "completed", f"the update's state: {state} {service.update_message}".rstrip()


def _ask(container: str) -> Question:
    command = ["redis-cli", "INFO", "server"]

    def version(raw: bytes) -> str:
        line = re.search(rb"(?m)^redis_version:.*\n?", raw)
        return text_from(line[0], 100) if line else ""

    script = f"docker exec {shlex.quote(container)} {shlex.join(command)} | grep -a ^redis_version: | head -c 100"
    return execution(f"{script} || true", container, command, version)


def _version(text: str) -> tuple[int, ...]:
    """Read ``redis_version:6.2.5`` as (6, 2)."""
    parts = text.partition(":")[2].strip().split(".")[:2]
    return tuple(int(part) for part in parts) if len(parts) == 2 and all(map(str.isdigit, parts)) else ()
