"""A node that fails, seen wrong: it did not, it is not back, nothing was spread again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from recorded import Recorded, fault

NAME = "web-ha"

Task = dict[str, Any]


def from_redis(lab: Recorded) -> None:
    lab.service(NAME, lambda service: service["Spec"]["TaskTemplate"]["ContainerSpec"].update(Image="redis:6.0-alpine"))


def three_replicas(lab: Recorded) -> None:
    lab.service(NAME, lambda service: service["Spec"]["Mode"]["Replicated"].update(Replicas=3))


def slots(tasks: list[Task]) -> list[list[Task]]:
    tasks_by_slot: dict[int, list[Task]] = {}
    for task in sorted(tasks, key=lambda task: str(task["CreatedAt"])):
        tasks_by_slot.setdefault(task["Slot"], []).append(task)
    return list(tasks_by_slot.values())


def only_the_last(lab: Recorded) -> None:
    """The service was made anew: only tasks that run have any history."""
    lab.tasks(NAME, lambda tasks: [task for task in tasks if task["Status"]["State"] == "running"])


def forgotten(seconds: float) -> Callable[[Recorded], None]:
    """Every task that has come from another node, as if its predecessor had ended so long after it was made."""

    def forget(lab: Recorded) -> None:
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


def not_forced(lab: Recorded) -> None:
    """Nothing was ever replaced by what differs from it; the moves are as they were."""

    def change(tasks: list[Task]) -> None:
        for task in tasks:
            task["Spec"]["ForceUpdate"] = 0

    lab.tasks(NAME, change)


def down(lab: Recorded) -> None:
    """The second worker is Down, though its tasks run elsewhere."""

    def change(nodes: list[dict[str, Any]]) -> None:
        nodes[-1]["Status"]["State"] = "down"

    lab.engine("/nodes", change)


def still_drained(lab: Recorded) -> None:
    def change(nodes: list[dict[str, Any]]) -> None:
        worker = next(node for node in nodes if node["Spec"]["Role"] == "worker")
        worker["Spec"]["Availability"] = "drain"

    lab.engine("/nodes", change)


def all_on_one(lab: Recorded) -> None:
    def change(tasks: list[Task]) -> None:
        running = [task for task in tasks if task["Status"]["State"] == "running"]
        for task in running:
            task["NodeID"] = running[0]["NodeID"]

    lab.tasks(NAME, change)


FAULTS = {
    "no service": fault(lambda lab: lab.gone(NAME), "service_exists"),
    "of redis": fault(from_redis, "service_exists"),
    "three replicas": fault(three_replicas, "running"),
    "made anew": fault(only_the_last, "failed_over", "drained"),
    "drained only": fault(forgotten(0.1), "failed_over"),
    "lost only": fault(forgotten(60), "drained"),
    "still drained": fault(still_drained, "back"),
    "a node is down": fault(down, "back"),
    "nothing was forced": fault(not_forced, "replaced"),
    "all on one node": fault(all_on_one, "spread"),
}
