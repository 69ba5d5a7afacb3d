"""Health checks, used wrong or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from recorded import MISSING, Recorded, fault

from labgen.docker.availability import Stretch

NAME, WEB = "my-session", "web-checked"
OLD = "redis:6.0-alpine"

Task = dict[str, Any]


def container(service: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = service["Spec"]["TaskTemplate"]["ContainerSpec"]
    return spec


def from_nginx(lab: Recorded) -> None:
    lab.service(NAME, lambda service: container(service).update(Image="nginx:latest"))


def two_replicas(lab: Recorded) -> None:
    lab.service(NAME, lambda service: service["Spec"]["Mode"]["Replicated"].update(Replicas=2))


def without_check(lab: Recorded) -> None:
    lab.service(NAME, lambda service: container(service).pop("Healthcheck") and None)


def check_switched_off(lab: Recorded) -> None:
    lab.service(NAME, lambda service: container(service)["Healthcheck"].update(Test=["NONE"]))


def asks_nobody(name: str) -> Callable[[Recorded], None]:
    """``--health-cmd true``: healthy whatever the server does."""
    return lambda lab: lab.service(
        name, lambda service: container(service)["Healthcheck"].update(Test=["CMD-SHELL", "true"])
    )


def fails_always(lab: Recorded) -> None:
    """The update failed of ``--health-cmd false``."""

    def change(tasks: list[Task]) -> None:
        for task in tasks:
            if task["Status"]["State"] != "running":
                task["Spec"]["ContainerSpec"]["Healthcheck"] = {"Test": ["CMD-SHELL", "false"]}

    lab.tasks(NAME, change)


def sick(lab: Recorded) -> None:
    """Every container that runs is not healthy any more."""

    def fall_ill(record: dict[str, Any]) -> None:
        if record["state"]["Running"]:
            for check in record["state"]["Health"]["Log"]:
                check.update(ExitCode=1, Output="Could not connect to Redis")

    lab.containers(fall_ill)


def always_well(lab: Recorded) -> None:
    """The update that failed did so of something else: all checks ever made were good."""

    def heal(record: dict[str, Any]) -> None:
        for check in record["state"]["Health"]["Log"]:
            check.update(ExitCode=0)

    lab.containers(heal)


def same_settings(lab: Recorded) -> None:
    """What failed was made in the same way as what runs now: no update failed, a container did."""

    def change(tasks: list[Task]) -> None:
        now = next(task["Spec"] for task in tasks if task["Status"]["State"] == "running")
        for task in tasks:
            task["Spec"] = now

    lab.tasks(NAME, change)


def pruned(lab: Recorded) -> None:
    lab.containers(lambda record: None if record["state"]["Running"] else MISSING)


def stop_first(lab: Recorded) -> None:
    """The old containers ended before their successors were made."""
    created: dict[int, str] = {}
    ended: dict[str, str] = {}

    def change(tasks: list[Task]) -> None:
        for task in tasks:
            if task["Status"]["State"] == "running":
                created[task["Slot"]] = task["CreatedAt"]
        for task in tasks:
            if task["Spec"]["ContainerSpec"]["Image"].startswith(OLD):
                ended[task["Status"]["ContainerStatus"]["ContainerID"]] = created[task["Slot"]]

    def end(record: dict[str, Any]) -> None:
        if record["id"] in ended:
            record["state"]["FinishedAt"] = ended[record["id"]]

    lab.tasks(NAME, change)
    lab.containers(end)


def exchanged(lab: Recorded) -> None:
    """Swarm took the failed update back in its own way: it kept the task that it had made in place of the failed one.

    That was made when the new task failed; half a second later the old one was stopped, and 0.7 s later the other ran.
    """
    first: dict[str, Any] = {}

    def later(moment: str, seconds: float) -> str:
        return (datetime.fromisoformat(moment) + timedelta(seconds=seconds)).isoformat()

    def take_back(tasks: list[Task]) -> None:
        failed = next(task for task in tasks if task["Status"]["State"] in ("failed", "complete"))
        old = next(task for task in tasks if task["Slot"] == failed["Slot"] and image_of(task).startswith(OLD))
        created = later(failed["Status"]["Timestamp"], 0.1)
        status = {**old["Status"], "ContainerStatus": {"ContainerID": "exchanged"}}
        tasks.append({**old, "ID": "exchanged", "CreatedAt": created, "Status": status})
        first.update(id=old["Status"]["ContainerStatus"]["ContainerID"], made=created)

    def stop(out: str) -> str:
        now, engine, *lines, end = out.splitlines()
        for line in lines:
            container = json.loads(line)
            if container["id"] == first["id"]:
                state, created = container["state"], first["made"]
                again = {**container, "id": "exchanged", "state": {**state, "StartedAt": later(created, 1.2)}}
                ended = {**container, "state": {**state, "FinishedAt": later(created, 0.5)}}
                lines = [other_line for other_line in lines if other_line != line] + [
                    json.dumps(again),
                    json.dumps(ended),
                ]
        return "\n".join([now, engine, *lines, end]) + "\n"

    lab.tasks(NAME, take_back)
    lab.says("docker inspect --type container", stop)


def image_of(task: Task) -> str:
    image: str = task["Spec"]["ContainerSpec"]["Image"]
    return image


def not_updated(lab: Recorded) -> None:
    def back(tasks: list[Task]) -> None:
        for task in tasks:
            if task["Status"]["State"] == "running":
                task["Spec"]["ContainerSpec"]["Image"] = OLD

    lab.tasks(NAME, back)


def new_from_the_beginning(lab: Recorded) -> None:
    def change(tasks: list[Task]) -> None:
        new = next(task["Spec"]["ContainerSpec"]["Image"] for task in tasks if task["Status"]["State"] == "running")
        for task in tasks:
            task["Spec"]["ContainerSpec"]["Image"] = new

    lab.tasks(NAME, change)


def paused(lab: Recorded) -> None:
    lab.service(NAME, lambda service: service["UpdateStatus"].update(State="paused"))


def page_without_check(lab: Recorded) -> None:
    lab.service(WEB, lambda service: container(service).pop("Healthcheck") and None)


def page_at_another_port(lab: Recorded) -> None:
    lab.service(WEB, lambda service: service["Endpoint"]["Ports"][0].update(PublishedPort=8006))


def page_stops_first(lab: Recorded) -> None:
    """The page's old containers ended as soon as they had begun."""
    pages: set[str] = set()

    def look(tasks: list[Task]) -> None:
        pages.update(task["Status"].get("ContainerStatus", {}).get("ContainerID", "") for task in tasks)

    def end(record: dict[str, Any]) -> None:
        if record["id"] in pages and not record["state"]["Running"]:
            record["state"]["FinishedAt"] = record["state"]["StartedAt"]

    lab.tasks(WEB, look)
    lab.containers(end)


def one_is_kept(lab: Recorded) -> None:
    """Whatever is done, the task of replica 1 stays the one it was."""
    first: list[str] = []

    def change(tasks: list[Task]) -> None:
        for task in tasks:
            if task["Slot"] == 1 and task["Status"]["State"] == task["DesiredState"] == "running":
                first.append(task["ID"])
                task["ID"] = first[0]

    lab.tasks(WEB, change)


def answers(*losses: Stretch) -> Callable[[Recorded], None]:
    """The nodes had the routing mesh; of two thousand requests these were lost."""
    answered = [Stretch(f"10.0.2.10{at}", 200, 666, 1000.0, 1030.0, 0.02) for at in (1, 2, 3)]
    return lambda lab: lab.meshed(8005, *answered, *losses)


FAULTS = {
    "no service": fault(lambda lab: lab.gone(NAME), "service_exists"),
    "from nginx": fault(from_nginx, "service_exists"),
    "two replicas": fault(two_replicas, "running"),
    "no health check": fault(without_check, "healthy"),
    "health check switched off": fault(check_switched_off, "healthy"),
    "a health check that asks nobody": fault(asks_nobody(NAME), "healthy"),
    "a page whose health check asks nobody": fault(asks_nobody(WEB), "web"),
    "a health check that always fails": fault(fails_always, "stopped_by_the_check"),
    "not healthy": fault(sick, "healthy", "web"),
    "no check ever failed": fault(always_well, "stopped_by_the_check"),
    "what failed was made as what runs now": fault(same_settings, "stopped_by_the_check"),
    "old containers pruned": fault(pruned, "stopped_by_the_check"),
    "stop-first": fault(stop_first, "none_missing"),
    "no fault: Swarm itself kept another task than the old one": fault(exchanged),
    "not updated": fault(not_updated, "updated"),
    "new from the beginning": fault(new_from_the_beginning, "updated"),
    "paused": fault(paused, "updated"),
    "no page": fault(lambda lab: lab.gone(WEB), "web"),
    "a page without a health check": fault(page_without_check, "web"),
    "a page at another port": fault(page_at_another_port, "web"),
    "a page whose tasks are stopped first": fault(page_stops_first, "replaced_unnoticed"),
    "a page of which one task is never replaced": fault(one_is_kept, "replaced_unnoticed"),
    "no fault: one request in two thousand is lost": fault(answers(Stretch("10.0.2.101", 0, 1, 1003.0, 1003.1, 0.1))),
    "three requests are lost": fault(answers(Stretch("10.0.2.101", 0, 3, 1003.0, 1003.1, 0.1)), "answers_meanwhile"),
}
