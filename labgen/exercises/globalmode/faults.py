"""Faults in the service on every node, and in the node that joined after it."""

from __future__ import annotations

from typing import Any

from labgen.exercise import fault_acts as acts
from labgen.exercise import fault_edits as edits
from labgen.exercise.faults import BY_CHANCE, NO_FAULT, QUICK, WORKER2, Fault, LiveLab, RecordedLab

from .exercise import Parameters

_PARAMETERS = Parameters()

SERVICE = _PARAMETERS.service
NAME = SERVICE.name


def _join(lab: LiveLab) -> None:
    lab.join(WORKER2, f"--advertise-addr {lab.node(WORKER2).address}")
    lab.settled(NAME, len(lab.nodes))


def _rejoined(lab: LiveLab) -> None:
    """As the exercise has it: a node leaves, is removed from the list, and joins again."""
    lab.on(WORKER2, "docker swarm leave")
    lab.manager(f"docker node rm --force {WORKER2}")
    _join(lab)


def _right(lab: LiveLab) -> None:
    """As the exercise leaves it."""
    acts.make(lab, SERVICE)
    _rejoined(lab)


def _ghost(lab: LiveLab) -> None:
    """Its lost membership was never removed."""
    lab.on(WORKER2, "docker swarm leave")
    lab.missed(WORKER2)
    _join(lab)


def _exorcised(lab: LiveLab) -> None:
    lost = "docker node ls --format '{{.ID}} {{.Status}}' | awk '$2 == \"Down\" {print $1}'"
    lab.manager(f"{lost} | xargs docker node rm")


def _updated(options: str, running: int, lab: LiveLab) -> None:
    lab.manager(f"docker service update --detach {options} {NAME}")
    lab.settled(NAME, running)


def _drained(lab: LiveLab) -> None:
    lab.manager(f"docker node update --availability drain {WORKER2}")
    lab.settled(NAME, 2)


def _active(lab: LiveLab) -> None:
    lab.manager(f"docker node update --availability active {WORKER2}")
    lab.settled(NAME, 3)


def workers_only(lab: RecordedLab) -> None:
    """The task on the manager is not there: a constraint keeps it away."""
    manager: list[str] = []
    lab.engine(
        "/nodes", lambda nodes: manager.extend(node["ID"] for node in nodes if node["Spec"]["Role"] == "manager")
    )
    lab.tasks(NAME, lambda tasks: [task for task in tasks if task["NodeID"] not in manager])


def created_again(lab: RecordedLab) -> None:
    """Removed and created after the node had joined."""
    now = lab.started.isoformat()
    lab.service(NAME, lambda service: service.update(CreatedAt=now))


def lost_membership(lab: RecordedLab) -> None:
    def leave_behind(nodes: list[dict[str, Any]]) -> list[dict[str, Any]]:
        worker = next(node for node in nodes if node["Spec"]["Role"] == "worker")
        return [*nodes, {**worker, "ID": "lost", "Status": {"State": "down"}}]

    lab.engine("/nodes", leave_behind)


def joined_without_a_task(lab: RecordedLab) -> None:
    """The service's only tasks are on nodes that were there before."""
    created: list[str] = []
    lab.engine(
        "/services",
        lambda services: created.extend(
            service["CreatedAt"] for service in services if service["Spec"]["Name"] == NAME
        ),
    )
    late: list[str] = []
    lab.engine("/nodes", lambda nodes: late.extend(node["ID"] for node in nodes if node["CreatedAt"] > created[0]))
    lab.tasks(NAME, lambda tasks: [task for task in tasks if task["NodeID"] not in late])


_NEED_SERVICE_EXISTS = ("global", "joined_later", "task_here", "whole")

FAULTS = (
    Fault(
        "not on the manager",
        fail=("task_here[swarm-manager]",),
        on_nodes=lambda lab: _updated("--constraint-add node.role==worker", 2, lab),
        mend=lambda lab: _updated("--constraint-rm node.role==worker", 3, lab),
        on_recording=workers_only,
    ),
    Fault(
        "joined, and no task",
        fail=("joined_later", "task_here[swarm-worker2]"),
        blocked=("whole",),
        on_nodes=_drained,
        mend=_active,
        on_recording=joined_without_a_task,
        cause="node-drained",
    ),
    Fault(
        "the lost membership stays",
        fail=("whole",),
        on_nodes=_ghost,
        mend=_exorcised,
        on_recording=lost_membership,
    ),
    Fault(
        "no service",
        fail=("service_exists",),
        blocked=_NEED_SERVICE_EXISTS,
        on_nodes=lambda lab: lab.remove(NAME),
        mend=_right,
        on_recording=edits.gone(NAME),
    ),
    Fault(
        "another image",
        fail=("service_exists",),
        blocked=_NEED_SERVICE_EXISTS,
        on_nodes=lambda lab: acts.make(lab, SERVICE.but(image="redis:6.0-alpine")),
        mend=_right,
        on_recording=edits.image(NAME, "httpd:latest"),
    ),
    Fault(
        "three replicas",
        fail=("global",),
        blocked=("joined_later", "task_here", "whole"),
        on_nodes=lambda lab: acts.make(lab, SERVICE.but(replicas=3)),
        mend=_right,
        on_recording=edits.mode(NAME, {"Replicated": {"Replicas": 3}}),
    ),
    Fault(
        "no node joined later",
        fail=("joined_later",),
        blocked=("whole",),
        on_nodes=lambda lab: acts.make(lab, SERVICE),
        mend=_right,
        on_recording=created_again,
    ),
    Fault(
        edits.FLAPPING,
        fail=("task_here",),
        on_recording=edits.flapping(NAME),
        only=BY_CHANCE,
    ),
    Fault(
        edits.NO_CONTAINERS,
        fail=("task_here",),
        on_recording=edits.no_containers(NAME),
        only=BY_CHANCE,
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
