"""Faults in the service of the exercise on a service."""

from __future__ import annotations

from labgen.exercises.service import exercise as course
from tests.e2e.sabotage.acts import made, make, on, scale
from tests.e2e.sabotage.fault import Fault, turned
from tests.e2e.sabotage.stage import W1, W2, Stage

SERVICE = course.SERVICE
NAME, LINE = SERVICE.name, course.LINE


def _of(*names: str) -> tuple[str, ...]:
    return tuple(f"service.{name}" for name in names)


def _by_hand(stage: Stage, node: str) -> None:
    stage.on(node, f"docker run --detach --name {NAME} {SERVICE.image} {SERVICE.command}")


def _only_by_hand(stage: Stage) -> None:
    stage.remove(NAME)
    _by_hand(stage, W1)


def _beside(stage: Stage) -> None:
    make(stage, SERVICE)
    _by_hand(stage, W2)


_BY_HAND_NO_MORE = f"docker rm --force {NAME}"


def _ends_at_once(stage: Stage) -> None:
    stage.remove(NAME)
    stage.manager(f"docker service create --detach --name {NAME} {SERVICE.image} echo '{LINE}'")
    stage.wait("a task to end", lambda swarm: any(task.failed for task in swarm.services[NAME].tasks))


def _scaled_to_none(stage: Stage) -> None:
    make(stage, SERVICE)
    scale(stage, NAME, 0)


FAULTS = (
    Fault(
        "docker run instead of a service",
        "service",
        _only_by_hand,
        turned(fail=_of("service_exists"), blocked=_of("image", "command", "running", "log", "made_by_the_swarm")),
        on(W1, _BY_HAND_NO_MORE),
    ),
    Fault(
        "docker run beside the service",
        "service",
        _beside,
        turned(fail=_of("made_by_the_swarm")),
        on(W2, _BY_HAND_NO_MORE),
    ),
    Fault(
        "its line from another image",
        "service",
        made(SERVICE.but(image="redis:6.0-alpine", command=SERVICE.command.replace("/bin/ash", "sh"))),
        turned(fail=_of("image")),
    ),
    Fault(
        "its line every second",
        "service",
        made(SERVICE.but(command=SERVICE.command.replace(f"sleep {course.PAUSE}", "sleep 1"))),
        turned(fail=_of("command")),
    ),
    Fault(
        "it says another line",
        "service",
        made(SERVICE.but(command=SERVICE.command.replace(LINE, "Hello"))),
        turned(fail=_of("command", "log")),
    ),
    Fault(
        "a command without its loop",
        "service",
        _ends_at_once,
        turned(fail=_of("command", "running"), blocked=_of("log")),
    ),
    Fault(
        "its log is kept by nobody",
        "service",
        made(SERVICE.but(options=("--log-driver none",))),
        turned(fail=_of("log")),
    ),
    Fault("scaled to none", "service", _scaled_to_none, turned(fail=_of("running"), blocked=_of("log"))),
    Fault(
        "it says its line on every node",
        "service",
        made(SERVICE.but(replicas=None)),
        turned(fail=_of("running"), blocked=_of("log")),
    ),
)
