"""The rolling update, done wrong."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from recorded import Recorded, fault

NAME = "my-database"
OLD, NEW = "redis:6.0-alpine", "redis:6.2.5-alpine"


def not_updated(lab: Recorded) -> None:
    lab.service(NAME, lambda service: _image(service["Spec"]["TaskTemplate"], OLD))


def made_anew(lab: Recorded) -> None:
    lab.tasks(NAME, lambda tasks: [task for task in tasks if task["DesiredState"] == "running"])


def all_at_once(lab: Recorded) -> None:
    """Every old container ended when the first did."""
    ended: list[str] = []

    def look(container: dict[str, Any]) -> None:
        if not container["state"]["Running"]:
            ended.append(container["state"]["FinishedAt"])

    def end(container: dict[str, Any]) -> None:
        if not container["state"]["Running"]:
            container["state"]["FinishedAt"] = min(ended)

    def told(tasks: list[dict[str, Any]]) -> None:
        for task in tasks:
            if task["Status"]["State"] == "shutdown":
                task["Status"]["Timestamp"] = min(ended)

    lab.containers(look)
    lab.containers(end)
    lab.tasks(NAME, told)


def starting_still(lab: Recorded) -> None:
    def one_fails(tasks: list[dict[str, Any]]) -> None:
        task = next(task for task in tasks if task["Status"]["State"] == "running")
        task["Status"]["State"] = "failed"

    lab.tasks(NAME, one_fails)


def paused(lab: Recorded) -> None:
    lab.service(NAME, lambda service: service["UpdateStatus"].update(State="paused", Message="update paused"))


def another_image(lab: Recorded) -> None:
    lab.service(NAME, lambda service: _image(service["Spec"]["TaskTemplate"], "nginx:latest"))


def an_old_server(lab: Recorded) -> None:
    lab.says("redis-cli INFO", lambda _: "redis_version:6.0.16\r\n")


def no_server(lab: Recorded) -> None:
    lab.says("redis-cli INFO", lambda _: "")


def later(moment: str, seconds: float) -> str:
    """A moment, some seconds later."""
    return (datetime.fromisoformat(moment) + timedelta(seconds=seconds)).isoformat()


def _image(template: dict[str, Any], image: str) -> None:
    template["ContainerSpec"]["Image"] = image


FAULTS = {
    "no service": fault(lambda lab: lab.gone(NAME), "service_exists"),
    "another image": fault(another_image, "service_exists"),
    "two replicas": fault(
        lambda lab: lab.service(NAME, lambda service: service["Spec"]["Mode"]["Replicated"].update(Replicas=2)),
        "running",
    ),
    "a task that failed": fault(starting_still, "running"),
    "not updated": fault(not_updated, "image"),
    "removed and made anew": fault(made_anew, "history"),
    "all at once": fault(all_at_once, "one_at_a_time"),
    "paused": fault(paused, "completed"),
    "the server is an old one": fault(an_old_server, "server_version"),
    "no server answers": fault(no_server, "server_version"),
}
