"""Placement, done wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from recorded import Recorded, fault


def _placement(name: str, *constraints: str) -> Callable[[Recorded], None]:
    def change(service: dict[str, Any]) -> None:
        service["Spec"]["TaskTemplate"]["Placement"] = {"Constraints": list(constraints)}

    return lambda lab: lab.service(name, change)


def _all_on(name: str, role: str) -> Callable[[Recorded], None]:
    """All tasks of a service on the last node of a role."""

    def made(lab: Recorded) -> None:
        ids: list[str] = []
        lab.engine("/nodes", lambda nodes: ids.extend(node["ID"] for node in nodes if node["Spec"]["Role"] == role))
        lab.tasks(name, lambda tasks: [{**task, "NodeID": ids[-1]} for task in tasks])

    return made


def _labels(change: Callable[[list[dict[str, Any]]], None]) -> Callable[[Recorded], None]:
    return lambda lab: lab.engine("/nodes", change)


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


def nothing_reserved(lab: Recorded) -> None:
    lab.service("too-big", lambda service: service["Spec"]["TaskTemplate"].update(Resources={}))


def it_runs(lab: Recorded) -> None:
    def run(tasks: list[dict[str, Any]]) -> None:
        for task in tasks:
            task["NodeID"] = "somewhere"
            task["Status"] = {"State": "running"}

    lab.tasks("too-big", run)


def another_reason(lab: Recorded) -> None:
    def change(tasks: list[dict[str, Any]]) -> None:
        for task in tasks:
            task["Status"]["Err"] = "no suitable node (scheduling constraints not satisfied on 3 nodes)"

    lab.tasks("too-big", change)


def one_replica(lab: Recorded) -> None:
    lab.service("spread", lambda service: service["Spec"]["Mode"]["Replicated"].update(Replicas=1))


def a_task_short(lab: Recorded) -> None:
    lab.tasks("off-manager", lambda tasks: tasks[:1])


FAULTS = {
    "no off-manager": fault(lambda lab: lab.gone("off-manager"), "off_managers"),
    "no constraint": fault(_placement("off-manager"), "off_managers"),
    "the opposite constraint": fault(_placement("off-manager", "node.role==manager"), "off_managers"),
    "a task short": fault(a_task_short, "off_managers"),
    "on the manager all the same": fault(_all_on("off-manager", "manager"), "none_on_managers"),
    "no label": fault(_labels(no_label), "label"),
    "another value": fault(_labels(other_value), "label"),
    "every node has it": fault(_labels(on_every_node), "label"),
    "the label has moved": fault(_labels(moved_label), "on_labelled"),
    "constrained to a name": fault(_placement("on-ssd", "node.hostname==swarm-worker1"), "on_labelled"),
    "no on-ssd": fault(lambda lab: lab.gone("on-ssd"), "on_labelled"),
    "all on one node": fault(_all_on("spread", "worker"), "spread"),
    "one replica": fault(one_replica, "spread"),
    "spread over workers": fault(_placement("spread", "node.role==worker"), "spread"),
    "nothing reserved": fault(nothing_reserved, "pending"),
    "there is room": fault(it_runs, "pending"),
    "another reason": fault(another_reason, "says_why"),
}
