"""Faults in the service of the exercise on the rolling update."""

from __future__ import annotations

from typing import Any

from labgen.exercise import fault_edits as edits
from labgen.exercise.faults import (
    BY_CHANCE,
    MANY_ANSWERS,
    NO_FAULT,
    QUICK,
    SAME_ANSWERS,
    WORKER1,
    Act,
    Fault,
    LiveLab,
    RecordedLab,
)
from labgen.observation.causes import symptoms

from .exercise import Parameters

_PARAMETERS = Parameters()

DATABASE = _PARAMETERS.service.name

_OLD = f"--replicas 3 {_PARAMETERS.old}"
_TO_NEW = f"docker service update --detach=false --image {_PARAMETERS.new}"


def _then(*commands: str, create: str = _OLD, running: int = 3) -> Act:
    """The service as the exercise makes it, and then something else than it says."""

    def act(lab: LiveLab) -> None:
        lab.serve(DATABASE, create, 3)
        for command in commands:
            lab.manager(f"{command} {DATABASE} >/dev/null 2>&1 || true", within=180)
        lab.settled(DATABASE, running)

    return act


_KEPT = "/root/image.right"


def _tagged(lab: LiveLab) -> None:
    """The old image is called as the new one, and then the service is updated to that name.

    A node that reaches a registry would fetch the right one; none does meanwhile.
    """
    for node in lab.nodes:
        lab.on(
            node.name,
            f"docker pull -q {_PARAMETERS.new} >/dev/null",
            f"docker image inspect --format '{{{{.Id}}}}' {_PARAMETERS.new} >{_KEPT}",
            f"docker pull -q {_PARAMETERS.old} >/dev/null",
            f"docker tag {_PARAMETERS.old} {_PARAMETERS.new}",
            "systemctl stop docker-registry",
        )
    lab.serve(DATABASE, _OLD, 3)
    lab.manager(
        f"docker service update --detach=false --no-resolve-image --image {_PARAMETERS.new} {DATABASE}", within=180
    )
    lab.settled(DATABASE, 3)


def _untagged(lab: LiveLab) -> None:
    lab.remove(DATABASE)
    for node in lab.nodes:
        lab.on(node.name, "systemctl start docker-registry", f"docker tag $(cat {_KEPT}) {_PARAMETERS.new}")


def all_at_once(lab: RecordedLab) -> None:
    """Every old container ended when the first did."""
    ended: list[str] = []

    def look(container: dict[str, Any]) -> None:
        if not container["state"]["Running"]:
            ended.append(container["state"]["FinishedAt"])

    def end(container: dict[str, Any]) -> None:
        if not container["state"]["Running"]:
            container["state"]["FinishedAt"] = min(ended)

    def follow(tasks: list[dict[str, Any]]) -> None:
        for task in tasks:
            if task["Status"]["State"] == "shutdown":
                task["Status"]["Timestamp"] = min(ended)

    lab.containers(look)
    lab.containers(end)
    lab.tasks(DATABASE, follow)


def clock_off(lab: RecordedLab) -> None:
    """Take the history away, and let the clock of one worker be two minutes ahead."""
    edits.only_running(DATABASE)(lab)
    for node in lab.lab.nodes:
        clock = lab.ended.timestamp() + (120 if node.name == WORKER1 else 0)
        lab.answers(node, {symptoms.SCRIPT: f"\n@@clock\n{clock:.6f}\n\n@@end\n"})


def still_starting(lab: RecordedLab) -> None:
    """One of the tasks is being prepared whenever it is asked for."""

    def prepare(tasks: list[dict[str, Any]]) -> None:
        next(task for task in tasks if task["Status"]["State"] == "running")["Status"]["State"] = "preparing"

    lab.tasks(DATABASE, prepare)


_NEED_IMAGE = ("completed", "history", "one_at_a_time", "server_version")
_NEED_SERVICE_EXISTS = ("completed", "history", "image", "one_at_a_time", "running", "server_version")
_NEED_RUNNING = ("completed", "history", "image", "one_at_a_time", "server_version")

FAULTS = (
    Fault(
        edits.ONE_IMAGE,
        fail=("image",),
        blocked=_NEED_IMAGE,
        on_nodes=_tagged,
        mend=_untagged,
        on_recording=edits.one_image(DATABASE),
    ),
    Fault(
        "no service",
        fail=("service_exists",),
        blocked=_NEED_SERVICE_EXISTS,
        on_nodes=lambda lab: lab.remove(DATABASE),
        on_recording=edits.gone(DATABASE),
    ),
    Fault(
        "not updated",
        fail=("image",),
        blocked=_NEED_IMAGE,
        on_nodes=_then(),
        on_recording=edits.image(DATABASE, _PARAMETERS.old),
    ),
    Fault(
        "the update done by remove-and-create",
        fail=("completed", "history"),
        blocked=("one_at_a_time",),
        on_nodes=_then(create=f"--replicas 3 {_PARAMETERS.new}"),
        only=MANY_ANSWERS,
    ),
    Fault(
        "all at once",
        fail=("one_at_a_time",),
        on_nodes=_then(f"{_TO_NEW} --update-parallelism 0"),
        on_recording=all_at_once,
    ),
    Fault(
        "updated and rolled back",
        fail=("image",),
        blocked=_NEED_IMAGE,
        on_nodes=_then(_TO_NEW, "docker service rollback --detach=false"),
        only=SAME_ANSWERS,
    ),
    Fault(
        "two replicas",
        fail=("running",),
        blocked=_NEED_RUNNING,
        on_nodes=_then(_TO_NEW, "docker service update --detach=false --replicas 2", running=2),
        on_recording=edits.replicas(DATABASE, 2),
    ),
    Fault(
        "no server answers",
        fail=("server_version",),
        on_nodes=_then(_TO_NEW, create=f"{_OLD} sh -c 'trap exit TERM; while :; do sleep 1; done; redis-server'"),
        on_recording=edits.printed("redis-cli INFO", ""),
    ),
    Fault(
        "another image",
        fail=("service_exists",),
        blocked=_NEED_SERVICE_EXISTS,
        on_nodes=_then("docker service update --detach=false --image nginx --args ''"),
        on_recording=edits.image(DATABASE, "nginx:latest"),
    ),
    Fault(
        "a task that failed",
        fail=("running",),
        blocked=_NEED_RUNNING,
        on_recording=edits.first_fails(DATABASE),
        only=QUICK,
    ),
    Fault(
        "removed and made anew",
        fail=("history",),
        blocked=("one_at_a_time",),
        on_recording=edits.only_running(DATABASE),
        only=QUICK,
    ),
    Fault(
        "paused",
        fail=("completed",),
        on_recording=edits.update_state(DATABASE, "paused", "update paused"),
        only=BY_CHANCE,
    ),
    Fault(
        "the server is an old one",
        fail=("server_version",),
        on_recording=edits.printed("redis-cli INFO", "redis_version:6.0.16\r\n"),
        only=QUICK,
    ),
    Fault(
        "the clock of a worker is ahead",
        fail=("history",),
        blocked=("one_at_a_time",),
        on_recording=clock_off,
        only="the nodes of a container lab have one kernel, and with it one clock",
        cause="clock-off",
    ),
    Fault(
        "a task that is still being prepared",
        fail=("running",),
        blocked=_NEED_RUNNING,
        on_recording=still_starting,
        only="a task on its way is waited for: on nodes a grading would take as long as it may take",
        cause="still-starting",
    ),
    Fault(
        edits.FLAPPING,
        fail=("running",),
        blocked=_NEED_RUNNING,
        on_recording=edits.flapping(DATABASE),
        only=QUICK,
    ),
    Fault(
        edits.NO_CONTAINERS,
        fail=("running",),
        blocked=_NEED_RUNNING,
        on_recording=edits.no_containers(DATABASE),
        only=QUICK,
    ),
    Fault(
        edits.ASLEEP,
        fail=("service_exists",),
        blocked=_NEED_SERVICE_EXISTS,
        on_recording=edits.asleep(DATABASE),
        only=QUICK,
    ),
    Fault(
        edits.SURPLUS,
        on_recording=edits.surplus(DATABASE),
        only=NO_FAULT,
    ),
)
