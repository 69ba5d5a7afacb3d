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
from verify.observation import Observation

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
    for number, one in enumerate(lab.evidence.observations):
        if "/containers/json" in one.script:
            first, *rest = one.out.split("\n")
            others = [each for each in json.loads(first) or [] if _service_of(each) != name]
            lab.evidence.observations[number] = dataclasses.replace(one, out="\n".join([json.dumps(others), *rest]))


def run_another_command(lab: Recorded, name: str) -> None:
    """The image is the right one, and its containers sleep."""
    lab.service(name, lambda there: _container(there).update(Args=["sleep", "10000"]))


def have_one_image_of_two_names(lab: Recorded, name: str) -> None:
    """``docker tag OLD NEW``: every container, old and new, was made from the same."""
    for number, one in enumerate(lab.evidence.observations):
        if "/containers/json" in one.script:
            first, *rest = one.out.split("\n")
            all_ = json.loads(first) or []
            for each in all_:
                if _service_of(each) == name:
                    each["ImageID"] = "sha256:" + "0" * 64
            lab.evidence.observations[number] = dataclasses.replace(one, out="\n".join([json.dumps(all_), *rest]))


def have_a_surplus(lab: Recorded, name: str) -> None:
    """A port, labels, variables, a network and a constraint more than the exercise asks for."""

    def change(there: dict[str, Any]) -> None:
        port = {"Protocol": "tcp", "TargetPort": 9999, "PublishedPort": 9999, "PublishMode": "ingress"}
        if there["Endpoint"].get("Ports"):
            there["Endpoint"]["Ports"].append(port)
            there["Spec"]["EndpointSpec"]["Ports"].append(port)
        there["Spec"]["Labels"] = {**there["Spec"].get("Labels", {}), "team": "a"}
        _container(there).setdefault("Env", []).append("COLOUR=blue")
        template = there["Spec"]["TaskTemplate"]
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
    other = copy.deepcopy(task)
    other.update(CreatedAt=moment.isoformat(), UpdatedAt=moment.isoformat())
    other["Status"]["Timestamp"] = moment.isoformat()
    return other


def _now(lab: Recorded) -> datetime:
    """When the swarm was looked at, by the manager's clock."""
    manager = lab.evidence.lab.first_manager.name
    facts = next(one for one in lab.evidence.observations if one.node == manager and "@@%s" in one.script)
    look = next(one for one in lab.evidence.observations if "http://engine/tasks" in one.script)
    time = datetime.fromisoformat(re.findall(r'"SystemTime":"([^"]+)"', facts.out)[0])
    return time + timedelta(seconds=look.since - facts.since)


def _asked_alone(lab: Recorded, name: str) -> None:
    """The manager was asked for the service alone as well, at the end."""
    filters = json.dumps({"service": [name]})
    script = ask_command([f"/services/{quote(name, safe='')}", f"/tasks?filters={quote(filters, safe='')}"])
    found: dict[str, Any] = {}
    lab.service(name, lambda there: found.update(service=there))
    lab.tasks(name, lambda tasks: found.update(tasks=tasks))
    answer = f"{json.dumps(found['service'])}\n\n200\n{json.dumps(found['tasks'])}\n\n200\n"
    seen = lab.evidence.observations
    manager = next(one.node for one in seen if "http://engine/tasks" in one.script)
    if not any(one.script == script for one in seen):
        seen.append(Observation(manager, script, answer, ("", ""), seen[-1].since))
