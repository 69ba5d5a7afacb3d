"""Faults in what decides on which node a task runs."""

from __future__ import annotations

from typing import Any

from labgen.docker.swarm import Swarm
from labgen.exercise import fault_acts as acts
from labgen.exercise import fault_edits as edits
from labgen.exercise.faults import MANAGER, NO_FAULT, QUICK, WORKER1, WORKER2, Act, Edit, Fault, LiveLab, RecordedLab

from .exercise import Parameters

_PARAMETERS = Parameters()

OFF_MANAGERS, LABELLED = _PARAMETERS.off_managers, _PARAMETERS.labelled
SPREAD, TOO_BIG = _PARAMETERS.spread, _PARAMETERS.too_big
LABEL = f"{_PARAMETERS.label}={_PARAMETERS.value}"

REMOVE_LABEL = f"docker node update --label-rm {_PARAMETERS.label}"
ADD_LABEL = f"docker node update --label-add {LABEL}"


def _taken_off(lab: LiveLab) -> None:
    """No node bears the label any more: the tasks that run by it are stopped."""
    lab.manager(f"{REMOVE_LABEL} {WORKER1}")
    lab.settled(LABELLED.name, 0)


def _put_back(lab: LiveLab) -> None:
    lab.manager(f"{ADD_LABEL} {WORKER1}")
    lab.settled(LABELLED.name, LABELLED.replicas or 0)


def _on_both_others(command: str) -> Act:
    def act(lab: LiveLab) -> None:
        lab.manager(*(f"{command} {node}" for node in (MANAGER, WORKER2)))

    return act


def _uneven(lab: LiveLab) -> None:
    """Made while two nodes took no tasks: all are on the third, and stay there."""
    lab.manager(*(f"docker node update --availability pause {node}" for node in (MANAGER, WORKER2)))
    try:
        acts.make(lab, SPREAD)
    finally:
        lab.manager(*(f"docker node update --availability active {node}" for node in (MANAGER, WORKER2)))


def _half_updated(lab: LiveLab) -> None:
    """The constraint came later, in an update that failed: the tasks of before run on, one on the manager."""
    acts.make(lab, OFF_MANAGERS.but(constraints=(), replicas=3))
    lab.manager(
        "docker service update --detach --constraint-add node.role!=manager --entrypoint /nowhere"
        f" --update-order start-first --restart-condition none {OFF_MANAGERS.name}"
    )
    lab.wait("the update to pause", lambda swarm: swarm.services[OFF_MANAGERS.name].update_state == "paused")


def _stuck(lab: LiveLab) -> None:
    """Its tasks wait for a node of another name than any has; what they reserve, every node has."""
    lab.serve(TOO_BIG.name, "--reserve-memory 10MB --constraint node.hostname==bigger nginx", 0)
    lab.wait("its task to say why", _says_why)


def _too_big(lab: LiveLab) -> None:
    acts.make(lab, TOO_BIG, 0)
    lab.wait("its task to say why", _says_why)


def _says_why(swarm: Swarm) -> bool:
    return any(task.stuck for task in swarm.services[TOO_BIG.name].tasks)


def _all_on(name: str, role: str) -> Edit:
    """All tasks of a service on the last node of a role."""

    def edit(lab: RecordedLab) -> None:
        ids: list[str] = []
        lab.engine("/nodes", lambda nodes: ids.extend(node["ID"] for node in nodes if node["Spec"]["Role"] == role))
        lab.tasks(name, lambda tasks: [{**task, "NodeID": ids[-1]} for task in tasks])

    return edit


def no_label(nodes: list[dict[str, Any]]) -> None:
    for node in nodes:
        node["Spec"]["Labels"] = {}


def other_value(nodes: list[dict[str, Any]]) -> None:
    for node in nodes:
        node["Spec"]["Labels"] = {"disk": "hdd"}


def on_every_node(nodes: list[dict[str, Any]]) -> None:
    for node in nodes:
        node["Spec"]["Labels"] = {"disk": "ssd"}


def moved_label(nodes: list[dict[str, Any]]) -> None:
    """The label is on another node than the tasks."""
    for node in nodes:
        node["Spec"]["Labels"] = {"disk": "ssd"} if node["Spec"]["Role"] == "manager" else {}


def it_runs(lab: RecordedLab) -> None:
    def run(tasks: list[dict[str, Any]]) -> None:
        for task in tasks:
            task["NodeID"] = "somewhere"
            task["Status"] = {"State": "running"}

    lab.tasks(TOO_BIG.name, run)


def another_reason(lab: RecordedLab) -> None:
    def change(tasks: list[dict[str, Any]]) -> None:
        for task in tasks:
            task["Status"]["Err"] = "no suitable node (scheduling constraints not satisfied on 3 nodes)"

    lab.tasks(TOO_BIG.name, change)


FAULTS = (
    Fault(
        "no constraint",
        fail=("off_managers",),
        blocked=("none_on_managers",),
        on_nodes=acts.made(OFF_MANAGERS.but(constraints=())),
        mend=acts.made(OFF_MANAGERS),
        on_recording=edits.constraints(OFF_MANAGERS.name),
    ),
    Fault(
        "the opposite constraint",
        fail=("off_managers",),
        blocked=("none_on_managers",),
        on_nodes=acts.made(OFF_MANAGERS.but(constraints=("node.role==manager",))),
        mend=acts.made(OFF_MANAGERS),
        on_recording=edits.constraints(OFF_MANAGERS.name, "node.role==manager"),
    ),
    Fault(
        "on the manager all the same",
        fail=("none_on_managers",),
        on_nodes=_half_updated,
        mend=acts.made(OFF_MANAGERS),
        on_recording=_all_on(OFF_MANAGERS.name, "manager"),
    ),
    Fault(
        "no label",
        fail=("label",),
        blocked=("on_labelled",),
        on_nodes=_taken_off,
        mend=_put_back,
        on_recording=edits.members(no_label),
    ),
    Fault(
        "every node has it",
        fail=("label",),
        blocked=("on_labelled",),
        on_nodes=_on_both_others(ADD_LABEL),
        mend=_on_both_others(REMOVE_LABEL),
        on_recording=edits.members(on_every_node),
    ),
    Fault(
        "constrained to a name",
        fail=("on_labelled",),
        on_nodes=acts.made(LABELLED.but(constraints=(f"node.hostname=={WORKER1}",))),
        mend=acts.made(LABELLED),
        on_recording=edits.constraints(LABELLED.name, "node.hostname==swarm-worker1"),
    ),
    Fault(
        "spread over workers",
        fail=("spread",),
        on_nodes=acts.made(SPREAD.but(constraints=("node.role==worker",))),
        mend=acts.made(SPREAD),
        on_recording=edits.constraints(SPREAD.name, "node.role==worker"),
    ),
    Fault(
        "all on one node",
        fail=("spread",),
        on_nodes=_uneven,
        mend=acts.made(SPREAD),
        on_recording=_all_on(SPREAD.name, "worker"),
    ),
    Fault(
        "nothing reserved",
        fail=("pending",),
        blocked=("says_why",),
        on_nodes=acts.made(TOO_BIG.but(reserve="10MB")),
        mend=_too_big,
        on_recording=lambda lab: lab.service(
            TOO_BIG.name, lambda service: service["Spec"]["TaskTemplate"].update(Resources={})
        ),
    ),
    Fault(
        "another reason",
        fail=("says_why",),
        on_nodes=_stuck,
        mend=_too_big,
        on_recording=another_reason,
    ),
    Fault(
        "no off-manager",
        fail=("off_managers",),
        blocked=("none_on_managers",),
        on_recording=edits.gone(OFF_MANAGERS.name),
        only=QUICK,
    ),
    Fault(
        "a task short",
        fail=("off_managers",),
        blocked=("none_on_managers",),
        on_recording=lambda lab: lab.tasks(OFF_MANAGERS.name, lambda tasks: tasks[:1]),
        only=QUICK,
    ),
    Fault(
        "another value",
        fail=("label",),
        blocked=("on_labelled",),
        on_recording=edits.members(other_value),
        only=QUICK,
    ),
    Fault(
        "the label has moved",
        fail=("on_labelled",),
        on_recording=edits.members(moved_label),
        only=QUICK,
    ),
    Fault(
        "no on-ssd",
        fail=("on_labelled",),
        on_recording=edits.gone(LABELLED.name),
        only=QUICK,
    ),
    Fault(
        "one replica",
        fail=("spread",),
        on_recording=edits.replicas(SPREAD.name, 1),
        only=QUICK,
    ),
    Fault(
        "there is room",
        fail=("pending",),
        blocked=("says_why",),
        on_recording=it_runs,
        only=QUICK,
    ),
    Fault(
        edits.FLAPPING,
        fail=("spread",),
        on_recording=edits.flapping(SPREAD.name),
        only=QUICK,
    ),
    Fault(
        edits.NO_CONTAINERS,
        fail=("spread",),
        on_recording=edits.no_containers(SPREAD.name),
        only=QUICK,
    ),
    Fault(
        edits.SURPLUS,
        on_recording=edits.surplus(SPREAD.name),
        only=NO_FAULT,
    ),
)
