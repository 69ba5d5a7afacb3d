"""The exercise on the rolling update: one version after the other, one task at a time, as the history shows."""

from __future__ import annotations

import shlex

from labgen.core.words import Words
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

SERVICE = update.SERVICE

service = service_of(SERVICE.name)


@check(
    points=1,
    ko="my-database 서비스가 redis 이미지로 만들어져 있고 redis 서버를 실행한다.",
    needs=("cluster.swarm_begun",),
    hint=create(SERVICE),
)
def test_service_exists(swarm: Swarm) -> None:
    """There is a service my-database, made from redis, and it runs a redis server."""
    made_from(swarm, SERVICE)


@check(
    points=1,
    ko="서비스는 복제 모드이고 복제본이 3개이며, 모두 실행 중이고 멈추지 않는다.",
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
    ko=f"서비스와 실행 중인 모든 태스크가 {update.NEW} 이미지를 쓴다.",
    needs=("update.running",),
    topics=("tasks",),
    hint=on_manager(update.UPDATE),
)
def test_image(service: Service, exam: Exam) -> None:
    """The service and every task that runs have the new image, redis:6.2.5-alpine."""
    images = {service.plain_image, *(task.image.partition("@")[0] for task in service.running)}
    assert all(same_image(image, update.NEW) for image in images), f"images in use: {', '.join(sorted(images))}"
    changed_image(exam, service)


@check(
    points=2,
    ko="실행 중인 서버에 직접 물은 버전이 새 이미지의 버전이다.",
    needs=("update.image",),
    whole_lab=True,
    topics=("tasks",),
    hint=on(
        Words(f"a node with a task of {SERVICE.name}", f"{SERVICE.name}의 태스크가 있는 노드"),
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
    ko="기록에 두 버전이 모두 있다. 복제본마다 이전 이미지의 태스크 다음에 새 이미지의 태스크가 온다.",
    needs=("update.image",),
    topics=("history",),
    hint=on_manager(
        f"docker service update --image {update.OLD} {SERVICE.name}",
        update.UPDATE,
        words=Words(
            "The history shows no update from the old image to the new one. Go back to the old image, then update.",
            "기록에 이전 이미지에서 새 이미지로 업데이트한 흔적이 없습니다. 이전 이미지로 되돌린 뒤 업데이트하세요.",
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
    ko="업데이트하는 동안 한순간에 멈춰 있던 복제본은 많아야 하나다.",
    needs=("update.history",),
    whole_lab=True,
    topics=("history",),
    hint=repeat(
        SERVICE.name,
        SERVICE.create,
        update.UPDATE,
        why=Words(
            "Update one task at a time (--update-parallelism 1, the default). The history keeps the other update, so "
            "the exercise starts from a new service.",
            "한 번에 하나씩 업데이트하세요(--update-parallelism 1, 기본값). 기록에 지난 업데이트가 남으므로 새 "
            "서비스로 다시 합니다.",
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
    ko="업데이트가 완료되었다.",
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
