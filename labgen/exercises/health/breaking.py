"""Ways to break the health checks: edits of the recording, for the faults in ``faults.py``."""

from __future__ import annotations

import json
from typing import Any

from labgen.docker.availability import Stretch
from labgen.exercise import fault_edits as edits
from labgen.exercise.faults import Edit, RecordedLab

from .exercise import Parameters

_PARAMETERS = Parameters()

SESSION, WEB = _PARAMETERS.service, _PARAMETERS.web

Task = dict[str, Any]


def unchecked(name: str) -> Edit:
    """Take a service's health check away."""
    return lambda lab: lab.service(name, lambda service: edits.container(service).pop("Healthcheck") and None)


def asks_nobody(name: str) -> Edit:
    """``--health-cmd true``: healthy whatever the server does."""
    return lambda lab: lab.service(
        name, lambda service: edits.container(service)["Healthcheck"].update(Test=["CMD-SHELL", "true"])
    )


def fails_always(lab: RecordedLab) -> None:
    """The update failed of ``--health-cmd false``."""

    def change(tasks: list[Task]) -> None:
        for task in tasks:
            if task["Status"]["State"] != "running":
                task["Spec"]["ContainerSpec"]["Healthcheck"] = {"Test": ["CMD-SHELL", "false"]}

    lab.tasks(SESSION.name, change)


def sick(lab: RecordedLab) -> None:
    """Every container that runs is not healthy any more."""

    def fall_ill(record: dict[str, Any]) -> None:
        if record["state"]["Running"]:
            for check in record["state"]["Health"]["Log"]:
                check.update(ExitCode=1, Output="Could not connect to Redis")

    lab.containers(fall_ill)


def always_well(lab: RecordedLab) -> None:
    """The update that failed did so of something else: all checks ever made were good."""

    def heal(record: dict[str, Any]) -> None:
        for check in record["state"]["Health"]["Log"]:
            check.update(ExitCode=0)

    lab.containers(heal)


def same_settings(lab: RecordedLab) -> None:
    """What failed was made in the same way as what runs now: no update failed, a container did."""

    def change(tasks: list[Task]) -> None:
        now = next(task["Spec"] for task in tasks if task["Status"]["State"] == "running")
        for task in tasks:
            task["Spec"] = now

    lab.tasks(SESSION.name, change)


def stop_first(lab: RecordedLab) -> None:
    """The old containers ended before their successors were made."""
    created: dict[int, str] = {}
    ended: dict[str, str] = {}

    def change(tasks: list[Task]) -> None:
        for task in tasks:
            if task["Status"]["State"] == "running":
                created[task["Slot"]] = task["CreatedAt"]
        for task in tasks:
            if task["Spec"]["ContainerSpec"]["Image"].startswith(SESSION.image):
                ended[task["Status"]["ContainerStatus"]["ContainerID"]] = created[task["Slot"]]

    def end(record: dict[str, Any]) -> None:
        if record["id"] in ended:
            record["state"]["FinishedAt"] = ended[record["id"]]

    lab.tasks(SESSION.name, change)
    lab.containers(end)


def exchanged(lab: RecordedLab) -> None:
    """Swarm took the failed update back in its own way: it kept the task that it had made in place of the failed one.

    That was made when the new task failed; half a second later the old one was stopped, and 0.7 s later the other ran.
    """
    first: dict[str, Any] = {}

    def take_back(tasks: list[Task]) -> None:
        failed = next(task for task in tasks if task["Status"]["State"] in ("failed", "complete"))
        old = next(
            task for task in tasks if task["Slot"] == failed["Slot"] and image_of(task).startswith(SESSION.image)
        )
        created = edits.later(failed["Status"]["Timestamp"], 0.1)
        status = {**old["Status"], "ContainerStatus": {"ContainerID": "exchanged"}}
        tasks.append({**old, "ID": "exchanged", "CreatedAt": created, "Status": status})
        first.update(id=old["Status"]["ContainerStatus"]["ContainerID"], made=created)

    def stop(out: str) -> str:
        now, engine, *lines, end = out.splitlines()
        for line in lines:
            container = json.loads(line)
            if container["id"] == first["id"]:
                state, created = container["state"], first["made"]
                again = {**container, "id": "exchanged", "state": {**state, "StartedAt": edits.later(created, 1.2)}}
                ended = {**container, "state": {**state, "FinishedAt": edits.later(created, 0.5)}}
                lines = [other_line for other_line in lines if other_line != line] + [
                    json.dumps(again),
                    json.dumps(ended),
                ]
        return "\n".join([now, engine, *lines, end]) + "\n"

    lab.tasks(SESSION.name, take_back)
    lab.says("docker inspect --type container", stop)


def image_of(task: Task) -> str:
    image: str = task["Spec"]["ContainerSpec"]["Image"]
    return image


def running_image(image: str) -> Edit:
    """Give the tasks that run another image."""

    def change(tasks: list[Task]) -> None:
        for task in tasks:
            if task["Status"]["State"] == "running":
                task["Spec"]["ContainerSpec"]["Image"] = image

    return lambda lab: lab.tasks(SESSION.name, change)


def new_from_the_beginning(lab: RecordedLab) -> None:
    def change(tasks: list[Task]) -> None:
        new = next(task["Spec"]["ContainerSpec"]["Image"] for task in tasks if task["Status"]["State"] == "running")
        for task in tasks:
            task["Spec"]["ContainerSpec"]["Image"] = new

    lab.tasks(SESSION.name, change)


def page_stops_first(lab: RecordedLab) -> None:
    """The page's old containers ended as soon as they had begun."""
    pages: set[str] = set()

    def look(tasks: list[Task]) -> None:
        pages.update(task["Status"].get("ContainerStatus", {}).get("ContainerID", "") for task in tasks)

    def end(record: dict[str, Any]) -> None:
        if record["id"] in pages and not record["state"]["Running"]:
            record["state"]["FinishedAt"] = record["state"]["StartedAt"]

    lab.tasks(WEB.name, look)
    lab.containers(end)


def one_is_kept(lab: RecordedLab) -> None:
    """Whatever is done, the task of replica 1 stays the one it was."""
    first: list[str] = []

    def change(tasks: list[Task]) -> None:
        for task in tasks:
            if task["Slot"] == 1 and task["Status"]["State"] == task["DesiredState"] == "running":
                first.append(task["ID"])
                task["ID"] = first[0]

    lab.tasks(WEB.name, change)


def answers(*losses: Stretch) -> Edit:
    """The nodes had the routing mesh; of two thousand requests these were lost."""
    answered = [Stretch(f"10.0.2.10{at}", 200, 666, 1000.0, 1030.0, 0.02) for at in (1, 2, 3)]
    return lambda lab: lab.meshed(8005, *answered, *losses)
