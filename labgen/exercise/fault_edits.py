"""Edits of a recording that several exercises' faults are made of."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from labgen.exercise.faults import MISSING, Edit, RecordedLab

Json = dict[str, Any]
Task = dict[str, Any]

FLAPPING = "tasks that do not stay up"
NO_CONTAINERS = "tasks without containers"
ASLEEP = "a service that sleeps"
ONE_IMAGE = "one image of two names"
SURPLUS = "a surplus"
"""Titles of faults of one kind, which exercises with a service have."""


def container(service: Json) -> Json:
    """Give the specification of a service's containers."""
    specification: Json = service["Spec"]["TaskTemplate"]["ContainerSpec"]
    return specification


def later(moment: str, seconds: float) -> str:
    """Give a moment some seconds later.

    >>> later("2026-11-28T16:42:59+00:00", 1.5)
    '2026-11-28T16:43:00.500000+00:00'
    """
    return (datetime.fromisoformat(moment) + timedelta(seconds=seconds)).isoformat()


def all_of(*changes: Edit) -> Edit:
    """Make several edits, one after the other."""

    def edit(lab: RecordedLab) -> None:
        for change in changes:
            change(lab)

    return edit


def gone(service: str) -> Edit:
    """Take a service out."""
    return lambda lab: lab.gone(service)


def image(service: str, name: str) -> Edit:
    """Give a service another image; its tasks keep theirs."""
    return containers_have(service, Image=name)


def containers_have(service: str, **values: Any) -> Edit:
    """Change the specification of a service's containers: ``Image``, ``Args``, ``Secrets``."""
    return lambda lab: lab.service(service, lambda spec: container(spec).update(values))


def replicas(service: str, number: int) -> Edit:
    """Give a service another number of replicas; its tasks stay."""
    return lambda lab: lab.service(service, lambda spec: spec["Spec"]["Mode"]["Replicated"].update(Replicas=number))


def mode(service: str, value: Json) -> Edit:
    """Give a service another mode: ``{"Global": {}}``."""
    return lambda lab: lab.service(service, lambda spec: spec["Spec"].update(Mode=value))


def constraints(service: str, *words: str) -> Edit:
    """Constrain a service's tasks; they stay where they are."""
    placement = {"Constraints": list(words)}
    return lambda lab: lab.service(service, lambda spec: spec["Spec"]["TaskTemplate"].update(Placement=placement))


def update_state(service: str, state: str, message: str = "") -> Edit:
    """Let the last update of a service be in another state: ``paused``; with ``message``, say so in other words."""
    status = {"State": state, "Message": message} if message else {"State": state}
    return lambda lab: lab.service(service, lambda spec: spec["UpdateStatus"].update(status))


def only_running(service: str) -> Edit:
    """Remove the past tasks of a service, as if it had been created again."""
    return lambda lab: lab.tasks(service, lambda tasks: [task for task in tasks if task["DesiredState"] == "running"])


def first_fails(service: str) -> Edit:
    """Let the first of a service's running tasks have failed."""

    def change(tasks: list[Task]) -> None:
        next(task for task in tasks if task["Status"]["State"] == "running")["Status"]["State"] = "failed"

    return lambda lab: lab.tasks(service, change)


def printed(script: str, text: str) -> Edit:
    """Let every script that a pattern is found in have printed a text."""
    return lambda lab: lab.says(script, lambda _: text)


def asleep(service: str) -> Edit:
    """Let a service's containers sleep: their image is the right one."""
    return containers_have(service, Args=["sleep", "10000"])


def flapping(service: str) -> Edit:
    """Let a service's tasks end every 4 s and others take their places, so that at any moment all replicas run."""

    def edit(lab: RecordedLab) -> None:
        now = lab.now()

        def change(tasks: list[Task]) -> list[Task]:
            running = [
                task for task in tasks if task["Status"]["State"] == "running" and task["DesiredState"] == "running"
            ]
            return [begun for task in running for begun in _generations(task, now)]

        lab.tasks(service, change)

    return edit


def _generations(task: Task, now: datetime) -> list[Task]:
    """Give a task that began 2 s ago, and three before it that ended after 4 s each."""
    generations = [_begun(task, now - timedelta(seconds=2))]
    for number in range(1, 4):
        past = _begun(task, now - timedelta(seconds=2 + 4 * number))
        end = (now - timedelta(seconds=4 * number - 2)).isoformat()
        past.update(ID=f"{task['ID']}-{number}", DesiredState="shutdown", UpdatedAt=end)
        past["Status"].update(State="complete", Timestamp=end)
        past["Status"]["ContainerStatus"]["ContainerID"] = f"{task['ID']}-{number}"
        generations.append(past)
    return generations


def _begun(task: Task, moment: datetime) -> Task:
    """Give a task like another, made and begun at a moment."""
    moved = copy.deepcopy(task)
    moved.update(CreatedAt=moment.isoformat(), UpdatedAt=moment.isoformat())
    moved["Status"]["Timestamp"] = moment.isoformat()
    return moved


def no_containers(service: str) -> Edit:
    """Let no node have a container of a service; the manager says that its tasks run."""

    def edit(lab: RecordedLab) -> None:
        lab.asked_alone(service)
        lab.container_lists(lambda listed: [entry for entry in listed if _service_of(entry) != service])

    return edit


def one_image(service: str) -> Edit:
    """``docker tag OLD NEW``: every container, old and new, was made from the same image."""

    def change(listed: list[Json]) -> None:
        for entry in listed:
            if _service_of(entry) == service:
                entry["ImageID"] = "sha256:" + "0" * 64

    return lambda lab: lab.container_lists(change)


def _service_of(entry: Json) -> str:
    name: str = (entry.get("Labels") or {}).get("com.docker.swarm.service.name", "")
    return name


def surplus(service: str) -> Edit:
    """Give a service a port, labels, variables, a network and a constraint more than the exercise asks for."""

    def change(spec: Json) -> None:
        port = {"Protocol": "tcp", "TargetPort": 9999, "PublishedPort": 9999, "PublishMode": "ingress"}
        if spec["Endpoint"].get("Ports"):
            spec["Endpoint"]["Ports"].append(port)
            spec["Spec"]["EndpointSpec"]["Ports"].append(port)
        spec["Spec"]["Labels"] = {**spec["Spec"].get("Labels", {}), "team": "a"}
        container(spec).setdefault("Env", []).append("COLOUR=blue")
        template = spec["Spec"]["TaskTemplate"]
        template.setdefault("Networks", []).append({"Target": "another-network"})
        placement = template.setdefault("Placement", {})
        placement["Constraints"] = [*(placement.get("Constraints") or []), "node.platform.os==linux"]

    return lambda lab: lab.service(service, change)


def port(service: str, **changed: Any) -> Edit:
    """Change the one port that a service publishes: ``PublishedPort``, ``TargetPort``, ``PublishMode``."""

    def change(spec: Json) -> None:
        for where in (spec["Endpoint"], spec["Endpoint"]["Spec"], spec["Spec"]["EndpointSpec"]):
            where["Ports"][0].update(changed)

    return lambda lab: lab.service(service, change)


def info(node: str, change: Callable[[Json], Any]) -> Edit:
    """Change what the engine of a node said of itself (``GET /info``)."""

    def line(text: str) -> str:
        body, *rest = text.split("\n")
        value = json.loads(body)
        change(value)
        return "\n".join([json.dumps(value), *rest])

    return lambda lab: lab.facts(node, "info", line)


def members(change: Callable[[list[Json]], Any]) -> Edit:
    """Change the list of the swarm's nodes."""
    return lambda lab: lab.engine("/nodes", change)


def networks(change: Callable[[list[Json]], Any]) -> Edit:
    """Change the lists of networks that engines gave."""
    return lambda lab: lab.engine("/networks", change)


def pruned() -> Edit:
    """Let no node have a container that has ended."""
    return lambda lab: lab.containers(lambda record: None if record["state"]["Running"] else MISSING)


def member(name: str, change: Callable[[Json], Any]) -> Edit:
    """Change a node in the list of the swarm's nodes."""

    def edit(nodes: list[Json]) -> None:
        change(next(node for node in nodes if node["Description"]["Hostname"] == name))

    return members(edit)


def down(name: str) -> Edit:
    """Let the managers miss a node."""
    return member(name, lambda node: node["Status"].update(State="down"))


def listens(node: str, protocol: str, port: int, address: str) -> Edit:
    """Let what is open to all on a port of a node be open at an address: ``127.0.0.1``."""
    pattern = rf"(?m)^({protocol} .*)\*:{port}(?= )"
    return lambda lab: lab.facts(node, "sockets", lambda text: re.sub(pattern, rf"\g<1>{address}:{port}", text))


def unreached(source: str, address: str, *ports: int) -> Edit:
    """Let a node get no answer from an address: at TCP ports, or with no port through the overlay network."""
    ways = "|".join(f"tcp {address} {port}" for port in ports) or f"overlay {address} -"
    return lambda lab: lab.says(
        "ingress_sbox", lambda out: re.sub(rf"(?m)^({ways}) open$", r"\1 silent", out), node=source
    )


def unheard(node: str, *addresses: str) -> Edit:
    """Let the datagrams of the gossip from some addresses not arrive at a node."""
    sources = "|".join(map(re.escape, addresses))
    return lambda lab: lab.says("_COMM=dockerd", lambda out: re.sub(rf"(?m)^from=({sources})\n", "", out), node=node)


def in_no_swarm(node: str) -> Edit:
    """Let a node have left the swarm, as its engine says; the managers still list it."""
    inactive = {"NodeID": "", "NodeAddr": "", "LocalNodeState": "inactive", "ControlAvailable": False}

    def change(engine: Json) -> None:
        engine["Swarm"] = {**inactive, "Error": "", "RemoteManagers": None}

    def close(text: str) -> str:
        return re.sub(r"(?m)^(tcp|udp) .*:(7946|2377|4789) .*\n?", "", text)

    return all_of(info(node, change), lambda lab: lab.facts(node, "sockets", close))
