"""Faults of the same kind in every exercise: written once, for whichever service of whichever exercise.

Also what is no fault: a surplus that no exercise forbids.
"""

from __future__ import annotations

import copy
import dataclasses
import json
import re
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from recorded import Recorded

from labgen.docker.api import ask_command
from labgen.transport.observation import Observation

Task = dict[str, Any]

RUNS = {
    "service": ("swarm-start", "running"),
    "scaling": ("web-alb", "scaled_down"),
    "globalmode": ("global_nginx", "task_here"),
    "recovery": ("web-alb", "running"),
    "failover": ("web-ha", "running"),
    "update": ("my-database", "running"),
    "updateoptions": ("my-cache", "running"),
    "rollback": ("my-store", "running"),
    "placement": ("spread", "spread"),
    "ports": ("web-chosen", "chosen"),
    "discovery": ("web-vip", "virtual"),
    "stack": ("shop_web", "running"),
    "secrets": ("site", "service_runs"),
    "health": ("web-checked", "web"),
    "quorum": ("quorum-web", "service_runs"),
}
"""By exercise, a service and the check that says that its tasks run."""

MADE = {
    "scaling": ("web-alb", "same_service"),
    "globalmode": ("global_nginx", "service_exists"),
    "recovery": ("web-alb", "service_made"),
    "failover": ("web-ha", "service_exists"),
    "update": ("my-database", "service_exists"),
    "updateoptions": ("my-cache", "service_exists"),
    "rollback": ("my-store", "services_exist"),
    "ports": ("web-host", "host"),
    "discovery": ("web-dnsrr", "round_robin"),
    "stack": ("shop_cache", "running"),
    "secrets": ("site", "service_runs"),
    "health": ("my-session", "service_exists"),
    "quorum": ("quorum-web", "service_runs"),
}
"""By exercise, a service and the check that says what it is made from and runs."""

UPDATED = {
    "update": ("my-database", "image"),
    "updateoptions": ("my-cache", "updated"),
    "rollback": ("my-queue", "mended"),
    "stack": ("shop_cache", "updated"),
    "health": ("my-session", "updated"),
}
"""By exercise, a service and the check that says that it has another image than before."""


def do_not_stay_up(lab: Recorded, name: str) -> None:
    """Its tasks end every 4 s, and others take their places: whenever one looks, as many run as are wanted."""
    now = _now(lab)

    def change(tasks: list[Task]) -> list[Task]:
        flapping = []
        for task in tasks:
            if task["Status"]["State"] != "running" or task["DesiredState"] != "running":
                continue
            flapping.append(_at(task, now - timedelta(seconds=2)))
            for number in range(1, 4):
                past = _at(task, now - timedelta(seconds=2 + 4 * number))
                end = (now - timedelta(seconds=4 * number - 2)).isoformat()
                past.update(ID=f"{task['ID']}-{number}", DesiredState="shutdown", UpdatedAt=end)
                past["Status"].update(State="complete", Timestamp=end)
                past["Status"]["ContainerStatus"]["ContainerID"] = f"{task['ID']}-{number}"
                flapping.append(past)
        return flapping

    lab.tasks(name, change)


def have_no_containers(lab: Recorded, name: str) -> None:
    """The manager says that its tasks run; no node has a container of them."""
    _asked_alone(lab, name)
    for number, observation in enumerate(lab.evidence.observations):
        if "/containers/json" in observation.script:
            first, *rest = observation.out.split("\n")
            others = [container for container in json.loads(first) or [] if _service_of(container) != name]
            lab.evidence.observations[number] = dataclasses.replace(
                observation, out="\n".join([json.dumps(others), *rest])
            )


def run_another_command(lab: Recorded, name: str) -> None:
    """The image is the right one, and its containers sleep."""
    lab.service(name, lambda service: _container(service).update(Args=["sleep", "10000"]))


def have_one_image_of_two_names(lab: Recorded, name: str) -> None:
    """``docker tag OLD NEW``: every container, old and new, was made from the same."""
    for number, observation in enumerate(lab.evidence.observations):
        if "/containers/json" in observation.script:
            first, *rest = observation.out.split("\n")
            all_ = json.loads(first) or []
            for container in all_:
                if _service_of(container) == name:
                    container["ImageID"] = "sha256:" + "0" * 64
            lab.evidence.observations[number] = dataclasses.replace(
                observation, out="\n".join([json.dumps(all_), *rest])
            )


def have_a_surplus(lab: Recorded, name: str) -> None:
    """A port, labels, variables, a network and a constraint more than the exercise asks for."""

    def change(service: dict[str, Any]) -> None:
        port = {"Protocol": "tcp", "TargetPort": 9999, "PublishedPort": 9999, "PublishMode": "ingress"}
        if service["Endpoint"].get("Ports"):
            service["Endpoint"]["Ports"].append(port)
            service["Spec"]["EndpointSpec"]["Ports"].append(port)
        service["Spec"]["Labels"] = {**service["Spec"].get("Labels", {}), "team": "a"}
        _container(service).setdefault("Env", []).append("COLOUR=blue")
        template = service["Spec"]["TaskTemplate"]
        template.setdefault("Networks", []).append({"Target": "another-network"})
        placement = template.setdefault("Placement", {})
        placement["Constraints"] = [*(placement.get("Constraints") or []), "node.platform.os==linux"]

    lab.service(name, change)


def _container(service: dict[str, Any]) -> dict[str, Any]:
    container: dict[str, Any] = service["Spec"]["TaskTemplate"]["ContainerSpec"]
    return container


def _service_of(container: dict[str, Any]) -> str:
    name: str = (container.get("Labels") or {}).get("com.docker.swarm.service.name", "")
    return name


def _at(task: Task, moment: datetime) -> Task:
    """A task like one, made and begun at a moment."""
    moved = copy.deepcopy(task)
    moved.update(CreatedAt=moment.isoformat(), UpdatedAt=moment.isoformat())
    moved["Status"]["Timestamp"] = moment.isoformat()
    return moved


def _now(lab: Recorded) -> datetime:
    """When the swarm was looked at, by the manager's clock."""
    manager = lab.evidence.lab.first_manager.name
    facts = next(
        observation
        for observation in lab.evidence.observations
        if observation.node == manager and "@@%s" in observation.script
    )
    look = next(observation for observation in lab.evidence.observations if "http://engine/tasks" in observation.script)
    time = datetime.fromisoformat(re.findall(r'"SystemTime":"([^"]+)"', facts.out)[0])
    return time + timedelta(seconds=look.since - facts.since)


def _asked_alone(lab: Recorded, name: str) -> None:
    """The manager was asked for the service alone as well, at the end."""
    filters = json.dumps({"service": [name]})
    script = ask_command([f"/services/{quote(name, safe='')}", f"/tasks?filters={quote(filters, safe='')}"])
    answers: dict[str, Any] = {}
    lab.service(name, lambda service: answers.update(service=service))
    lab.tasks(name, lambda tasks: answers.update(tasks=tasks))
    answer = f"{json.dumps(answers['service'])}\n\n200\n{json.dumps(answers['tasks'])}\n\n200\n"
    observations = lab.evidence.observations
    manager = next(observation.node for observation in observations if "http://engine/tasks" in observation.script)
    if not any(observation.script == script for observation in observations):
        observations.append(Observation(manager, script, answer, ("", ""), observations[-1].since))
