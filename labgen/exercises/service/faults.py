"""Faults in the service of the exercise on a service."""

from __future__ import annotations

import json
from typing import Any

from labgen.exercise import fault_acts as acts
from labgen.exercise import fault_edits as edits
from labgen.exercise.faults import (
    MANY_ANSWERS,
    NO_FAULT,
    QUICK,
    SAME_ANSWERS,
    WORKER1,
    WORKER2,
    Fault,
    LiveLab,
    RecordedLab,
)

from .exercise import Parameters

_PARAMETERS = Parameters()

SERVICE = _PARAMETERS.service
NAME, LINE = SERVICE.name, _PARAMETERS.line


def _by_hand(lab: LiveLab, node: str) -> None:
    lab.on(node, f"docker run --detach --name {NAME} {SERVICE.image} {SERVICE.command}")


def _instead(lab: LiveLab) -> None:
    lab.remove(NAME)
    _by_hand(lab, WORKER1)


def _beside(lab: LiveLab) -> None:
    acts.make(lab, SERVICE)
    _by_hand(lab, WORKER2)


_BY_HAND_NO_MORE = f"docker rm --force {NAME}"


def _ends_at_once(lab: LiveLab) -> None:
    lab.remove(NAME)
    lab.manager(f"docker service create --detach --name {NAME} {SERVICE.image} echo '{LINE}'")
    lab.wait("a task to end", lambda swarm: any(task.failed for task in swarm.services[NAME].tasks))


def _scaled_to_none(lab: LiveLab) -> None:
    acts.make(lab, SERVICE)
    acts.scale(lab, NAME, 0)


def run_by_hand(lab: RecordedLab) -> None:
    """Let every node list a container that was made by ``docker run --name swarm-start``."""

    def add(containers: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [*containers, {"Names": [f"/{NAME}"], "Labels": {}}]

    lab.engine(r"/containers/json\?all=1", add)


def a_container_instead(lab: RecordedLab) -> None:
    run_by_hand(lab)
    lab.gone(NAME)


def other_pause(lab: RecordedLab) -> None:
    def change(service: dict[str, Any]) -> None:
        service["Spec"]["TaskTemplate"]["ContainerSpec"] = json.loads(
            json.dumps(edits.container(service)).replace("sleep 3", "sleep 30")
        )

    lab.service(NAME, change)


def restarting(lab: RecordedLab) -> None:
    def end(tasks: list[dict[str, Any]]) -> None:
        for task in tasks:
            task["Status"]["State"] = "complete"
            task["DesiredState"] = "shutdown"

    lab.tasks(NAME, end)


_NEED_SERVICE_EXISTS = ("command", "image", "log", "made_by_the_swarm", "running")

FAULTS = (
    Fault(
        "docker run instead",
        fail=("service_exists",),
        blocked=_NEED_SERVICE_EXISTS,
        on_nodes=_instead,
        mend=acts.on(WORKER1, _BY_HAND_NO_MORE),
        on_recording=a_container_instead,
    ),
    Fault(
        "docker run beside it",
        fail=("made_by_the_swarm",),
        on_nodes=_beside,
        mend=acts.on(WORKER2, _BY_HAND_NO_MORE),
        on_recording=run_by_hand,
    ),
    Fault(
        "another tag",
        fail=("image",),
        on_nodes=acts.made(SERVICE.but(image="redis:6.0-alpine", command=SERVICE.command.replace("/bin/ash", "sh"))),
        on_recording=edits.image(NAME, "alpine:latest@sha256:" + "0" * 64),
    ),
    Fault(
        "another pause",
        fail=("command",),
        on_nodes=acts.made(SERVICE.but(command=SERVICE.command.replace(f"sleep {_PARAMETERS.pause}", "sleep 1"))),
        on_recording=other_pause,
    ),
    Fault(
        "it says another line",
        fail=("command", "log"),
        on_nodes=acts.made(SERVICE.but(command=SERVICE.command.replace(LINE, "Hello"))),
        only=MANY_ANSWERS,
    ),
    Fault(
        "a command without its loop",
        fail=("command", "running"),
        blocked=("log",),
        on_nodes=_ends_at_once,
        only=MANY_ANSWERS,
    ),
    Fault(
        "its log is kept by nobody",
        fail=("log",),
        on_nodes=acts.made(SERVICE.but(options=("--log-driver none",))),
        only=SAME_ANSWERS,
    ),
    Fault(
        "no replica",
        fail=("running",),
        blocked=("log",),
        on_nodes=_scaled_to_none,
        on_recording=edits.replicas(NAME, 0),
    ),
    Fault(
        "global",
        fail=("running",),
        blocked=("log",),
        on_nodes=acts.made(SERVICE.but(replicas=None)),
        on_recording=edits.mode(NAME, {"Global": {}}),
    ),
    Fault(
        "no service",
        fail=("service_exists",),
        blocked=_NEED_SERVICE_EXISTS,
        on_recording=edits.gone(NAME),
        only=QUICK,
    ),
    Fault(
        "no loop",
        fail=("command",),
        on_recording=edits.containers_have(NAME, Args=["echo", LINE]),
        only=QUICK,
    ),
    Fault(
        "its tasks end",
        fail=("running",),
        blocked=("log",),
        on_recording=restarting,
        only=QUICK,
    ),
    Fault(
        "said once",
        fail=("log",),
        on_recording=edits.printed("docker service logs", "Docker Swarm Mode Start\n"),
        only=QUICK,
    ),
    Fault(
        "says something else",
        fail=("log",),
        on_recording=edits.printed("docker service logs", "Start\nStart\n"),
        only=QUICK,
    ),
    Fault(
        edits.FLAPPING,
        fail=("running",),
        blocked=("log",),
        on_recording=edits.flapping(NAME),
        only=QUICK,
    ),
    Fault(
        edits.NO_CONTAINERS,
        fail=("running",),
        blocked=("log",),
        on_recording=edits.no_containers(NAME),
        only=QUICK,
    ),
    Fault(
        edits.SURPLUS,
        on_recording=edits.surplus(NAME),
        only=NO_FAULT,
    ),
)
