"""Causes in the history of a whole service: an update that is paused, tasks that do not stay up."""

from __future__ import annotations

from collections.abc import Iterator

from labgen.core.words import Words
from labgen.docker.hopeless import hopeless
from labgen.docker.restarts import restarting
from labgen.exercise.hint import in_folder, on_manager
from labgen.observation.causes.model import Cause, Finding, Observations
from labgen.observation.causes.tasks import TOPICS, errors, see, without_tasks


def _flapping(observations: Observations) -> Iterator[Finding]:
    for _, service in observations.services():
        dates = [task.updated or task.since for task in service.tasks]
        now = observations.now or max((date for date in dates if date), default=None)
        restarts = restarting(service, now) if now else None
        if restarts is None:
            continue
        # Their own errors say more where they never ran.
        yield Finding(
            "flapping",
            Words(
                f"The tasks of {service.name} do not stay up: {restarts}.",
                f"{service.name}의 태스크가 계속 끝나고 다시 시작됩니다: {restarts}.",
            ),
            (
                on_manager(
                    f"docker service logs --tail 20 {service.name}",
                    f"docker service inspect --pretty {service.name}",
                    look=Words(
                        "See what they say before they end, and which command they run.",
                        "끝나기 전에 무엇을 출력하는지, 어떤 명령을 실행하는지 보세요.",
                    ),
                ),
                see(service.name),
            ),
        )


def _paused(observations: Observations) -> Iterator[Finding]:
    for _, service in without_tasks(observations):
        if service.update_state not in ("paused", "rollback_paused"):
            continue
        why = next((error for _, error in errors(service)), service.update_message)
        yield Finding(
            "update-paused",
            Words(
                f"The update of {service.name} is paused: {why}", f"{service.name}의 업데이트가 멈춰 있습니다: {why}"
            ),
            (
                see(service.name),
                on_manager(
                    f"docker service rollback {service.name}",
                    look=Words(
                        "Go back to how it was, or update again with what is right.",
                        "이전 상태로 되돌리거나 바로잡아 다시 업데이트하세요.",
                    ),
                ),
            ),
        )


def _starting(observations: Observations) -> Iterator[Finding]:
    for _, service in without_tasks(observations):
        moving = [task for task in service.tasks if task.moving]
        if not moving or hopeless(service):
            continue
        states = ", ".join(dict.fromkeys(task.state for task in moving))
        yield Finding(
            "still-starting",
            Words(
                f"Tasks of {service.name} are still on their way to run ({states}).",
                f"{service.name}의 태스크가 아직 실행되는 중입니다({states}).",
            ),
            (
                see(service.name, look=Words("Wait until they run.", "실행될 때까지 기다리세요.")),
                in_folder("labgen grade", look=Words("Then grade again.", "그다음 다시 채점하세요.")),
            ),
        )


CAUSES = (
    Cause(
        "update-paused",
        TOPICS,
        Words("An update's state is `paused`.", "업데이트 상태가 `paused`이다."),
        "docker service rollback SERVICE",
        _paused,
    ),
    Cause(
        "flapping",
        TOPICS | {"requests"},
        Words(
            "Two or more tasks of a replica ended by themselves, one after the other.",
            "한 복제본의 태스크가 두 번 이상 잇따라 스스로 끝났다.",
        ),
        "docker service logs --tail 20 SERVICE",
        _flapping,
    ),
    Cause(
        "still-starting",
        TOPICS,
        Words(
            "Tasks are being prepared or started when the wait for them ends.",
            "기다리는 시간이 끝났는데 태스크가 아직 준비되거나 시작되는 중이다.",
        ),
        "docker service ps --no-trunc SERVICE",
        _starting,
    ),
)
