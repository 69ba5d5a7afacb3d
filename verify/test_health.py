"""The exercise on health checks: an update that was never healthy replaced nothing, a good one replaced all."""

from __future__ import annotations

import pytest

from labgen.course import Words, health
from labgen.course.spec import repository, same_image
from labgen.swarm import Service, Swarm
from labgen.swarm.timeline import most_empty
from verify.checks import check
from verify.exam import Exam
from verify.services import found, service_of

SERVICE = health.SERVICE

service = service_of(SERVICE.name)


@pytest.fixture
def lived(service: Service, exam: Exam) -> Service:
    """The service, its tasks with the times of their containers and what their health checks said."""
    return exam.lived(service.name)


def _on_manager(*commands: str) -> Words:
    told = "; ".join(commands)
    return Words(f"On {{manager}}: {told}", f"{{manager}}에서: {told}")


_ANEW = _on_manager(f"docker service rm {SERVICE.name}", SERVICE.create, health.WRONG_PORT, health.RIGHT)


@check(
    points=1,
    ko="my-session 서비스가 redis 이미지로 만들어져 있다.",
    needs=("cluster.swarm_begun",),
    hint=_on_manager(SERVICE.create),
)
def test_service_exists(swarm: Swarm) -> None:
    """There is a service my-session, made from redis."""
    there = found(swarm, SERVICE.name)
    assert repository(there.image) == repository(SERVICE.image), f"it is made from {there.image}"


@check(
    points=1,
    ko="서비스는 복제 모드이고 복제본이 3개이며, 모두 실행 중이다.",
    needs=("health.service_exists",),
    whole_lab=True,
    hint=_on_manager(f"docker service ps --no-trunc {SERVICE.name}", f"docker service scale {SERVICE.name}=3"),
)
def test_running(service: Service) -> None:
    """The service is replicated, with three replicas, and all of them run."""
    assert (service.mode, service.replicas) == ("replicated", SERVICE.replicas), (
        f"it is {service.mode}, with {service.replicas} replicas"
    )
    assert len(service.running) == SERVICE.replicas, f"{len(service.running)} of {SERVICE.replicas} run"


@check(
    points=2,
    ko="서비스에 헬스 체크가 있고, 실행 중인 모든 컨테이너가 healthy이다.",
    needs=("health.running",),
    whole_lab=True,
    hint=_on_manager(f"docker service update --health-cmd 'redis-cli ping' --health-interval 1s {SERVICE.name}"),
)
def test_healthy(service: Service, lived: Service) -> None:
    """The service has a health check, and every container that runs is healthy."""
    assert service.health[:1] not in ((), ("NONE",)), "it has no health check of its own"
    sick = [f"{service.name}.{task.slot}: {task.unwell}" for task in lived.running if task.unwell]
    assert not sick, "; ".join(sick)


@check(
    points=3,
    ko="업데이트 한 번이 헬스 체크 때문에 실패했다. 새 태스크는 한 번도 healthy가 되지 못하고 포기되었다.",
    needs=("health.healthy",),
    whole_lab=True,
    hint=_ANEW,
)
def test_stopped_by_the_check(lived: Service) -> None:
    """An update failed of its health check: a new task never became healthy, and was given up."""
    now = {task.spec for task in lived.running}
    assert any(task.unwell and not task.running and task.spec not in now for task in lived.tasks), (
        "no container of an earlier task, of other settings, has a health check that never succeeded"
    )


@check(
    points=2,
    ko="업데이트하는 동안 빠진 복제본은 한순간도 없었다.",
    needs=("health.stopped_by_the_check",),
    whole_lab=True,
    hint=Words(
        f"Start the new task first (--update-order start-first). {_ANEW.en}",
        f"새 태스크를 먼저 시작하세요(--update-order start-first). {_ANEW.ko}",
    ),
)
def test_none_missing(lived: Service) -> None:
    """While it was updated, not one replica was ever missing."""
    missing = most_empty(lived)
    assert missing == 0, f"{missing} of {SERVICE.replicas} were missing at the same time"


@check(
    points=2,
    ko=f"정상 업데이트가 끝나, 모든 태스크가 {health.UPDATED.image} 이미지를 쓰고 다른 이미지의 태스크를 이어받았다.",
    needs=("health.stopped_by_the_check",),
    whole_lab=True,
    hint=_on_manager(health.RIGHT),
)
def test_updated(service: Service) -> None:
    """A good update was completed: every task has redis:6.2.5-alpine, and came after one of another image."""
    seen = {task.image.partition("@")[0] for task in service.running}
    assert all(same_image(image, health.UPDATED.image) for image in seen), f"images in use: {', '.join(sorted(seen))}"
    assert service.update_state == "completed", f"the update's state: {service.update_state} {service.update_message}"
    came = {str(task.slot) for task in service.tasks if not same_image(task.image, health.UPDATED.image)}
    alone = [str(task.slot) for task in service.running if str(task.slot) not in came]
    assert not alone, f"the history shows no task of another image before that of replica {', '.join(alone)}"
