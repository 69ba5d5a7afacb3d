"""Faults in what was done to nodes and to the service that was to survive it."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from labgen.docker.swarm import Swarm
from labgen.exercise import fault_acts as acts
from labgen.exercise import fault_edits as edits
from labgen.exercise.faults import (
    BY_CHANCE,
    MANY_ANSWERS,
    NO_FAULT,
    QUICK,
    SAME_ANSWERS,
    WORKER1,
    WORKER2,
    Act,
    Edit,
    Fault,
    LiveLab,
    RecordedLab,
)

from .exercise import Parameters

_PARAMETERS = Parameters()

SERVICE = _PARAMETERS.service
NAME, ALL = SERVICE.name, SERVICE.replicas or 0


def _history(*steps: Act) -> Act:
    """Create the service again, then do something to it and its nodes."""

    def act(lab: LiveLab) -> None:
        acts.make(lab, SERVICE)
        for step in steps:
            step(lab)

    return act


def _without(node: str) -> Act:
    """Wait until all tasks run, none of them on a node."""

    def moved(swarm: Swarm) -> bool:
        names = {member.id: member.name for member in swarm.nodes}
        service = swarm.services[NAME]
        hosts = [names[task.node_id] for task in service.running]
        return len(hosts) == ALL and node not in hosts and service.settled

    return lambda lab: lab.wait(f"the tasks of {node} to run elsewhere", moved)


def _lost(lab: LiveLab) -> None:
    """A worker's engine stops for longer than the managers wait, and starts again."""
    lab.on(WORKER2, _PARAMETERS.stop)
    lab.missed(WORKER2)
    _without(WORKER2)(lab)
    lab.on(WORKER2, _PARAMETERS.start)
    _whole(lab)


def _killed(lab: LiveLab) -> None:
    """A worker's containers are removed by force, the worker is there: others begin where they were."""
    label = f"label=com.docker.swarm.service.name={NAME}"
    lab.on(WORKER2, f"docker rm --force $(docker ps --quiet --filter {label})")
    lab.wait("its tasks to have failed", lambda swarm: any(task.killed for task in swarm.services[NAME].tasks))
    _whole(lab)


def _whole(lab: LiveLab) -> None:
    lab.wait(
        "every node and task to be back",
        lambda swarm: (
            all(node.ready for node in swarm.nodes)
            and len(swarm.services[NAME].running) == ALL
            and swarm.services[NAME].settled
        ),
    )


def _drained(lab: LiveLab) -> None:
    lab.manager(f"{Parameters.drain} {WORKER1}")
    _without(WORKER1)(lab)


def _active(lab: LiveLab) -> None:
    lab.manager(f"{Parameters.activate} {WORKER1}")


def _updated(*options: str) -> Act:
    def act(lab: LiveLab) -> None:
        lab.manager(f"docker service update --detach=false {' '.join(options)} {NAME} >/dev/null", within=180)
        lab.settled(NAME, ALL)

    return act


_forced = _updated("--force")


Task = dict[str, Any]


def slots(tasks: list[Task]) -> list[list[Task]]:
    tasks_by_slot: dict[int, list[Task]] = {}
    for task in sorted(tasks, key=lambda task: str(task["CreatedAt"])):
        tasks_by_slot.setdefault(task["Slot"], []).append(task)
    return list(tasks_by_slot.values())


def forgotten(seconds: float) -> Edit:
    """Every task that has come from another node, as if its predecessor had ended so long after it was made."""

    def forget(lab: RecordedLab) -> None:
        ended: dict[str, str] = {}

        def change(tasks: list[Task]) -> None:
            for slot in slots(tasks):
                for old, new in pairwise(slot):
                    if old["Spec"] == new["Spec"] and old["NodeID"] != new["NodeID"]:
                        when = datetime.fromisoformat(new["CreatedAt"]) + timedelta(seconds=seconds)
                        old["Status"]["Timestamp"] = when.isoformat()
                        ended[old["Status"]["ContainerStatus"]["ContainerID"]] = when.isoformat()

        def end(container: dict[str, Any]) -> None:
            if container["id"] in ended:
                container["state"]["FinishedAt"] = ended[container["id"]]

        lab.tasks(NAME, change)
        lab.containers(end)

    return forget


def not_forced(lab: RecordedLab) -> None:
    """Nothing was ever replaced by what differs from it; the moves are as they were."""

    def change(tasks: list[Task]) -> None:
        for task in tasks:
            task["Spec"]["ForceUpdate"] = 0

    lab.tasks(NAME, change)


def down(lab: RecordedLab) -> None:
    """The second worker is Down, though its tasks run elsewhere."""

    def change(nodes: list[dict[str, Any]]) -> None:
        nodes[-1]["Status"]["State"] = "down"

    lab.engine("/nodes", change)


def still_drained(lab: RecordedLab) -> None:
    def change(nodes: list[dict[str, Any]]) -> None:
        worker = next(node for node in nodes if node["Spec"]["Role"] == "worker")
        worker["Spec"]["Availability"] = "drain"

    lab.engine("/nodes", change)


def all_on_one(lab: RecordedLab) -> None:
    def change(tasks: list[Task]) -> None:
        running = [task for task in tasks if task["Status"]["State"] == "running"]
        for task in running:
            task["NodeID"] = running[0]["NodeID"]

    lab.tasks(NAME, change)


_NEED_SERVICE_EXISTS = ("back", "drained", "failed_over", "replaced", "running", "spread")
_NEED_RUNNING = ("back", "drained", "failed_over", "replaced", "spread")
_NEED_DRAINED = ("back", "replaced", "spread")

FAULTS = (
    Fault(
        "no service",
        fail=("service_exists",),
        blocked=_NEED_SERVICE_EXISTS,
        on_nodes=lambda lab: lab.remove(NAME),
        on_recording=edits.gone(NAME),
    ),
    Fault(
        "three replicas",
        fail=("running",),
        blocked=_NEED_RUNNING,
        on_nodes=acts.made(SERVICE.but(replicas=ALL - 1)),
        on_recording=edits.replicas(NAME, 3),
    ),
    Fault(
        "made anew",
        fail=("drained", "failed_over"),
        blocked=_NEED_DRAINED,
        on_nodes=acts.made(SERVICE),
        on_recording=lambda lab: lab.tasks(
            NAME, lambda tasks: [task for task in tasks if task["Status"]["State"] == "running"]
        ),
    ),
    Fault(
        "tasks moved by a constraint",
        fail=("drained", "failed_over"),
        blocked=_NEED_DRAINED,
        on_nodes=_history(
            _updated(f"--constraint-add node.hostname!={WORKER2}"),
            _updated(f"--constraint-rm node.hostname!={WORKER2}"),
        ),
        only=SAME_ANSWERS,
    ),
    Fault(
        "containers killed instead of their node",
        fail=("drained", "failed_over"),
        blocked=_NEED_DRAINED,
        on_nodes=_history(_killed),
        only=SAME_ANSWERS,
    ),
    Fault(
        "drained only",
        fail=("failed_over",),
        blocked=_NEED_DRAINED,
        on_nodes=_history(_drained, _active),
        on_recording=forgotten(0.1),
    ),
    Fault(
        "a node lost, and nothing forced or drained",
        fail=("drained", "replaced"),
        blocked=("spread",),
        on_nodes=_history(_lost),
        only=MANY_ANSWERS,
    ),
    Fault(
        "still drained",
        fail=("back",),
        blocked=("spread",),
        on_nodes=_history(_lost, _forced, _drained),
        mend=_active,
        on_recording=still_drained,
    ),
    Fault(
        "all on one node",
        fail=("spread",),
        on_nodes=_history(_lost, _forced, _drained, _active),
        on_recording=all_on_one,
    ),
    Fault(
        "of redis",
        fail=("service_exists",),
        blocked=_NEED_SERVICE_EXISTS,
        on_recording=edits.image(NAME, "redis:6.0-alpine"),
        only=QUICK,
    ),
    Fault(
        "lost only",
        fail=("drained",),
        on_recording=forgotten(60),
        only=BY_CHANCE,
    ),
    Fault(
        "a node is down",
        fail=("cluster.node_ready[swarm-worker2]", "back"),
        blocked=("cluster.node_role[swarm-worker2]", "spread"),
        on_recording=down,
        only=BY_CHANCE,
    ),
    Fault(
        "nothing was forced",
        fail=("replaced",),
        blocked=("spread",),
        on_recording=not_forced,
        only=BY_CHANCE,
    ),
    Fault(
        edits.FLAPPING,
        fail=("running",),
        blocked=_NEED_RUNNING,
        on_recording=edits.flapping(NAME),
        only=QUICK,
    ),
    Fault(
        edits.NO_CONTAINERS,
        fail=("running",),
        blocked=_NEED_RUNNING,
        on_recording=edits.no_containers(NAME),
        only=QUICK,
    ),
    Fault(
        edits.ASLEEP,
        fail=("service_exists",),
        blocked=_NEED_SERVICE_EXISTS,
        on_recording=edits.asleep(NAME),
        only=QUICK,
    ),
    Fault(
        edits.SURPLUS,
        on_recording=edits.surplus(NAME),
        only=NO_FAULT,
    ),
)
