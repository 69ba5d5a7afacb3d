"""Scaling, done wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from recorded import Recorded, fault

from labgen.docker.availability import Stretch

NAME = "web-alb"
Tasks = list[dict[str, Any]]


def both(*changes: Callable[[Recorded], Any]) -> Callable[[Recorded], None]:
    def change(lab: Recorded) -> None:
        for step in changes:
            step(lab)

    return change


def forgotten(lab: Recorded) -> None:
    """The engine has started again since, and remembers no events."""
    lab.says("docker events", lambda _: "")


def changed_before(replicas: int | None) -> Callable[[Recorded], None]:
    """Before it was last changed the service had so many replicas; ``None`` where it never was changed."""

    def change(service: dict[str, Any]) -> None:
        if replicas is None:
            service.pop("PreviousSpec")
        else:
            service["PreviousSpec"]["Mode"]["Replicated"]["Replicas"] = replicas

    return lambda lab: lab.service(NAME, change)


def replicas(number: int) -> Callable[[Recorded], None]:
    return lambda lab: lab.service(NAME, lambda service: service["Spec"]["Mode"]["Replicated"].update(Replicas=number))


def another_service_scaled(lab: Recorded) -> None:
    """Of the same name, before: it was removed and made anew."""

    def change(out: str) -> str:
        events = [json.loads(line) for line in out.splitlines()]
        for event in events:
            event["Actor"]["ID"] = "another"
        return "\n".join(map(json.dumps, events))

    lab.says("docker events", change)


def on_a_manager(lab: Recorded) -> None:
    def change(nodes: list[dict[str, Any]]) -> None:
        for node in nodes:
            node["Spec"]["Role"] = "manager"

    lab.engine("/nodes", change)


def restarted(lab: Recorded) -> None:
    """When one more runs, all are new."""
    running_counts: list[int] = []

    def change(tasks: Tasks) -> None:
        running = [task for task in tasks if task["Status"]["State"] == "running"]
        running_counts.append(len(running))
        if len(running) == 3:
            for number, task in enumerate(running):
                task["ID"] = f"new{number}"

    lab.tasks(NAME, change)


def stuck(lab: Recorded) -> None:
    """The third task never runs."""

    def change(tasks: Tasks) -> None:
        for task in tasks:
            if task["Slot"] == 3:
                task["Status"]["State"] = "pending"

    lab.tasks(NAME, change)


def published(port: int) -> Callable[[Recorded], None]:
    return lambda lab: lab.service(NAME, lambda service: service["Endpoint"]["Ports"][0].update(PublishedPort=port))


def answers(*losses: Stretch) -> Callable[[Recorded], None]:
    """The nodes had the routing mesh; of a thousand requests these were lost."""
    answered = [Stretch(f"10.0.2.10{at}", 200, 333, 1000.0, 1010.0, 0.02) for at in (1, 2, 3)]
    return lambda lab: lab.meshed(8001, *answered, *losses)


def never_scaled_up(lab: Recorded) -> None:
    """Created with three replicas and scaled down; the engine remembers the service from its beginning."""
    ids: list[str] = []
    lab.service(NAME, lambda service: ids.append(service["ID"]))

    def change(_: str) -> str:
        scaled = {"name": NAME, "replicas.new": "2", "replicas.old": "3"}
        events = [
            {"Type": "service", "Action": "create", "Actor": {"ID": ids[0], "Attributes": {"name": NAME}}},
            {"Type": "service", "Action": "update", "Actor": {"ID": ids[0], "Attributes": scaled}},
        ]
        return "\n".join(map(json.dumps, events))

    lab.says("docker events", change)
    changed_before(3)(lab)


FAULTS = {
    "created with three, and scaled down": fault(never_scaled_up, "scaled_up"),
    "no service": fault(lambda lab: lab.gone(NAME), "scaled_up"),
    "never changed": fault(both(forgotten, changed_before(None)), "scaled_up"),
    "changed, but never scaled": fault(both(forgotten, changed_before(2)), "scaled_up"),
    "made with three": fault(both(forgotten, changed_before(None), replicas(3)), "scaled_up"),
    "another service was scaled": fault(both(another_service_scaled, changed_before(None)), "scaled_up"),
    "no fault: changed again since, and the engine remembers": fault(changed_before(2)),
    "no fault: the engine has forgotten, and the service remembers": fault(forgotten),
    "not scaled down": fault(both(replicas(3), changed_before(2)), "scaled_down"),
    "on a manager": fault(on_a_manager, "scaled_down"),
    "not kept to workers": fault(
        lambda lab: lab.service(NAME, lambda service: service["Spec"]["TaskTemplate"].update(Placement={})),
        "same_service",
    ),
    "another port": fault(published(8002), "same_service"),
    "the third never runs": fault(stuck, "scales"),
    "scaling restarts all": fault(restarted, "scales"),
    "no fault: the mesh loses some for a moment": fault(
        answers(Stretch("10.0.2.102", 0, 3, 1003.0, 1003.4, 0.01), Stretch("10.0.2.101", 0, 1, 1003.1, 1003.2, 0.01))
    ),
    "some are lost all the while, on a machine that is quick about it": fault(
        lambda lab: lab.meshed(
            8001, Stretch("10.0.2.101", 200, 90, 1000.0, 1003.0, 0.1), Stretch("10.0.2.102", 0, 30, 1000.2, 1002.9, 0.1)
        ),
        "answers_meanwhile",
    ),
    "requests are lost all the while": fault(
        answers(*(Stretch("10.0.2.101", 0, 1, 1001.0 + at, 1002.0 + at, 1.0) for at in range(0, 8, 2))),
        "answers_meanwhile",
    ),
}
