"""Global mode, done wrong."""

from __future__ import annotations

from typing import Any

from recorded import Recorded, fault

NAME = "global_nginx"


def three_replicas(lab: Recorded) -> None:
    """One on each node, but counted."""
    lab.service(NAME, lambda service: service["Spec"].update(Mode={"Replicated": {"Replicas": 3}}))


def another_image(lab: Recorded) -> None:
    def change(service: dict[str, Any]) -> None:
        service["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"] = "httpd:latest"

    lab.service(NAME, change)


def workers_only(lab: Recorded) -> None:
    """The task on the manager is not there: a constraint keeps it away."""
    manager: list[str] = []
    lab.engine(
        "/nodes", lambda nodes: manager.extend(node["ID"] for node in nodes if node["Spec"]["Role"] == "manager")
    )
    lab.tasks(NAME, lambda tasks: [task for task in tasks if task["NodeID"] not in manager])


def made_anew(lab: Recorded) -> None:
    """Removed and created after the node had joined."""
    now = lab.evidence.started.isoformat()
    lab.service(NAME, lambda service: service.update(CreatedAt=now))


def lost_membership(lab: Recorded) -> None:
    def leave_behind(nodes: list[dict[str, Any]]) -> list[dict[str, Any]]:
        worker = next(node for node in nodes if node["Spec"]["Role"] == "worker")
        return [*nodes, {**worker, "ID": "lost", "Status": {"State": "down"}}]

    lab.engine("/nodes", leave_behind)


def joined_without_a_task(lab: Recorded) -> None:
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


FAULTS = {
    "no service": fault(lambda lab: lab.gone(NAME), "service_exists"),
    "another image": fault(another_image, "service_exists"),
    "three replicas": fault(three_replicas, "global"),
    "not on the manager": fault(workers_only, "task_here"),
    "no node joined later": fault(made_anew, "joined_later"),
    "joined, and no task": fault(joined_without_a_task, "joined_later", "task_here"),
    "the lost membership stays": fault(lost_membership, "whole"),
}
