"""The update options, used wrong."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from recorded import MISSING, Recorded, fault

NAME = "my-cache"

Task = dict[str, Any]


def three_replicas(lab: Recorded) -> None:
    lab.service(NAME, lambda service: service["Spec"]["Mode"]["Replicated"].update(Replicas=3))


def from_nginx(lab: Recorded) -> None:
    lab.service(NAME, lambda service: service["Spec"]["TaskTemplate"]["ContainerSpec"].update(Image="nginx:latest"))


def old_image(lab: Recorded) -> None:
    def back(tasks: list[Task]) -> None:
        for task in tasks:
            task["Spec"]["ContainerSpec"]["Image"] = "redis:6.0-alpine"

    lab.tasks(NAME, back)


def generations(tasks: list[Task]) -> list[list[Task]]:
    """The tasks as they were made, as the first update made them, and as the second did; oldest first in each."""
    slots: dict[int, list[Task]] = {}
    for task in sorted(tasks, key=lambda task: str(task["CreatedAt"])):
        slots.setdefault(task["Slot"], []).append(task)
    return [sorted(slot, key=lambda task: str(task["CreatedAt"])) for slot in zip(*slots.values(), strict=True)]


def together(lab: Recorded, generation: int) -> None:
    """All tasks of an update made when the first was."""

    def change(tasks: list[Task]) -> None:
        generation_tasks = generations(tasks)[generation]
        for task in generation_tasks:
            task["CreatedAt"] = generation_tasks[0]["CreatedAt"]

    lab.tasks(NAME, change)


def without_pause(lab: Recorded) -> None:
    """The second two made just after the first two ran."""
    began: dict[str, str] = {}

    def change(tasks: list[Task]) -> None:
        generation_tasks = generations(tasks)[1]
        ran = max(began[task["Status"]["ContainerStatus"]["ContainerID"]] for task in generation_tasks[:2])
        for number, task in enumerate(generation_tasks[2:], 1):
            task["CreatedAt"] = later(ran, number / 10)

    lab.containers(lambda container: began.update({container["id"]: container["state"]["StartedAt"]}))
    lab.tasks(NAME, change)


def stop_first(lab: Recorded) -> None:
    """In the second update, too, old containers ended before it began."""
    old: set[str] = set()

    def change(tasks: list[Task]) -> None:
        _, before, after = generations(tasks)
        for task in before:
            task["Status"]["Timestamp"] = after[0]["CreatedAt"]
            old.add(task["Status"]["ContainerStatus"]["ContainerID"])
        ended.append(after[0]["CreatedAt"])

    def end(container: dict[str, Any]) -> None:
        if container["id"] in old:
            container["state"]["FinishedAt"] = ended[0]

    ended: list[str] = []
    lab.tasks(NAME, change)
    lab.containers(end)


def pruned(lab: Recorded) -> None:
    lab.containers(lambda container: None if container["state"]["Running"] else MISSING)


def later(moment: str, seconds: float) -> str:
    """A moment, some seconds later."""
    return (datetime.fromisoformat(moment) + timedelta(seconds=seconds)).isoformat()


FAULTS = {
    "no service": fault(lambda lab: lab.gone(NAME), "service_exists"),
    "from nginx": fault(from_nginx, "service_exists"),
    "three replicas": fault(three_replicas, "running"),
    "never updated": fault(old_image, "updated"),
    "four at a time": fault(lambda lab: together(lab, 1), "two_at_a_time"),
    "no pause": fault(without_pause, "pause"),
    "stop-first both times": fault(stop_first, "start_first"),
    "start-first, all at once": fault(lambda lab: together(lab, 2), "one_at_a_time"),
    "old containers pruned": fault(pruned, "two_at_a_time"),
}
