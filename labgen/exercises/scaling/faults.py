"""Faults in what the exercise on scaling leaves."""

from __future__ import annotations

import json
from typing import Any

from labgen.docker.availability import Stretch
from labgen.exercise import fault_acts as acts
from labgen.exercise import fault_edits as edits
from labgen.exercise.faults import (
    BY_CHANCE,
    MANAGER,
    NO_FAULT,
    QUICK,
    SAME_ANSWERS,
    Act,
    Edit,
    Fault,
    LiveLab,
    RecordedLab,
)
from labgen.exercise.services import Publish, ServiceSpec
from labgen.model.capabilities import Capability

from .exercise import Parameters

_PARAMETERS = Parameters()

SERVICE, FEW, MANY = _PARAMETERS.service, _PARAMETERS.few, _PARAMETERS.many
WEB = SERVICE.name


def _scaled(spec: ServiceSpec, *numbers: int) -> Act:
    """Made and scaled, up and down as the exercise has it where nothing else is said."""

    def act(lab: LiveLab) -> None:
        acts.make(lab, spec)
        acts.scale(lab, WEB, *(numbers or (MANY, FEW)))

    return act


def _create_again(lab: LiveLab) -> None:
    """It was scaled, and afterwards removed and made again: of this one nobody has seen it."""
    _scaled(SERVICE)(lab)
    acts.make(lab, SERVICE)


def _no_room(lab: LiveLab) -> None:
    """Scaled up in vain, as each node takes one: the third replica stays pending."""
    acts.make(lab, SERVICE.but(options=("--replicas-max-per-node 1",)))
    lab.manager(f"docker service scale --detach {WEB}={MANY}")
    lab.wait("a task that no node takes", lambda swarm: any(task.stuck for task in swarm.services[WEB].tasks))
    acts.scale(lab, WEB, FEW)


_SILENT = SERVICE.but(
    options=("--env 'SLOT={{.Task.Slot}}'", "--stop-grace-period 1s"),
    command="""sh -c 'test "$SLOT" != 2 || exec sleep 86400; exec nginx -g "daemon off;"'""",
)
"""Where replica 2 should answer, nothing listens."""


Tasks = list[dict[str, Any]]


def changed_before(replicas: int | None) -> Edit:
    """Before it was last changed the service had so many replicas; ``None`` where it never was changed."""

    def change(service: dict[str, Any]) -> None:
        if replicas is None:
            service.pop("PreviousSpec")
        else:
            service["PreviousSpec"]["Mode"]["Replicated"]["Replicas"] = replicas

    return lambda lab: lab.service(WEB, change)


FORGOTTEN = edits.printed("docker events", "")
"""The engine has started again since, and remembers no events."""


def another_service_scaled(lab: RecordedLab) -> None:
    """Of the same name, before: it was removed and created again."""

    def change(out: str) -> str:
        events = [json.loads(line) for line in out.splitlines()]
        for event in events:
            event["Actor"]["ID"] = "another"
        return "\n".join(map(json.dumps, events))

    lab.says("docker events", change)


def on_a_manager(lab: RecordedLab) -> None:
    def change(nodes: list[dict[str, Any]]) -> None:
        for node in nodes:
            node["Spec"]["Role"] = "manager"

    lab.engine("/nodes", change)


def restarted(lab: RecordedLab) -> None:
    """When one more runs, all are new."""
    running_counts: list[int] = []

    def change(tasks: Tasks) -> None:
        running = [task for task in tasks if task["Status"]["State"] == "running"]
        running_counts.append(len(running))
        if len(running) == 3:
            for number, task in enumerate(running):
                task["ID"] = f"new{number}"

    lab.tasks(WEB, change)


def stuck(lab: RecordedLab) -> None:
    """The third task never runs."""

    def change(tasks: Tasks) -> None:
        for task in tasks:
            if task["Slot"] == 3:
                task["Status"]["State"] = "pending"

    lab.tasks(WEB, change)


def answers(*losses: Stretch) -> Edit:
    """The nodes had the routing mesh; of a thousand requests these were lost."""
    answered = [Stretch(f"10.0.2.10{at}", 200, 333, 1000.0, 1010.0, 0.02) for at in (1, 2, 3)]
    return lambda lab: lab.meshed(8001, *answered, *losses)


def never_scaled_up(lab: RecordedLab) -> None:
    """Created with three replicas and scaled down; the engine remembers the service from its beginning."""
    ids: list[str] = []
    lab.service(WEB, lambda service: ids.append(service["ID"]))

    def change(_: str) -> str:
        scaled = {"name": WEB, "replicas.new": "2", "replicas.old": "3"}
        events = [
            {"Type": "service", "Action": "create", "Actor": {"ID": ids[0], "Attributes": {"name": WEB}}},
            {"Type": "service", "Action": "update", "Actor": {"ID": ids[0], "Attributes": scaled}},
        ]
        return "\n".join(map(json.dumps, events))

    lab.says("docker events", change)
    changed_before(3)(lab)


_NEED_SCALED_UP = ("answers_meanwhile", "same_service", "scaled_down", "scales")
_NEED_SCALED_DOWN = ("answers_meanwhile", "scales")
_NEED_SCALED_UP_ = ("same_service", "scaled_down", "scales")

FAULTS = (
    Fault(
        "no service",
        fail=("scaled_up",),
        blocked=_NEED_SCALED_UP,
        on_nodes=lambda lab: lab.remove(WEB),
        on_recording=edits.gone(WEB),
    ),
    Fault(
        "never changed",
        fail=("scaled_up",),
        blocked=_NEED_SCALED_UP,
        on_nodes=acts.made(SERVICE),
        on_recording=edits.all_of(FORGOTTEN, changed_before(None)),
    ),
    Fault(
        "made with three",
        fail=("scaled_up",),
        blocked=_NEED_SCALED_UP,
        on_nodes=acts.made(_PARAMETERS.scaled),
        on_recording=edits.all_of(FORGOTTEN, changed_before(None), edits.replicas(WEB, 3)),
    ),
    Fault(
        "another service was scaled",
        fail=("scaled_up",),
        blocked=_NEED_SCALED_UP,
        on_nodes=_create_again,
        on_recording=edits.all_of(another_service_scaled, changed_before(None)),
    ),
    Fault(
        "not scaled down",
        fail=("scaled_down",),
        blocked=_NEED_SCALED_DOWN,
        on_nodes=_scaled(SERVICE, MANY),
        on_recording=edits.all_of(edits.replicas(WEB, 3), changed_before(2)),
    ),
    Fault(
        "scaled down too far",
        fail=("scaled_down",),
        blocked=_NEED_SCALED_DOWN,
        on_nodes=_scaled(SERVICE, MANY, FEW - 1),
        only=SAME_ANSWERS,
    ),
    Fault(
        "not kept to workers",
        fail=("same_service",),
        blocked=_NEED_SCALED_DOWN,
        on_nodes=_scaled(SERVICE.but(constraints=(f"node.hostname!={MANAGER}",))),
        on_recording=lambda lab: lab.service(WEB, lambda service: service["Spec"]["TaskTemplate"].update(Placement={})),
    ),
    Fault(
        "another port",
        fail=("same_service",),
        blocked=_NEED_SCALED_DOWN,
        on_nodes=_scaled(SERVICE.but(publish=(Publish(8080, 80),))),
        on_recording=edits.port(WEB, PublishedPort=8002),
    ),
    Fault(
        "the third never runs",
        fail=("scales",),
        blocked=("answers_meanwhile",),
        on_nodes=_no_room,
        on_recording=stuck,
    ),
    Fault(
        "requests are lost all the while",
        fail=("answers_meanwhile",),
        on_nodes=_scaled(_SILENT),
        on_recording=answers(*(Stretch("10.0.2.101", 0, 1, 1001.0 + at, 1002.0 + at, 1.0) for at in range(0, 8, 2))),
        needs=(Capability.ROUTING_MESH,),
    ),
    Fault(
        "created with three, and scaled down",
        fail=("scaled_up",),
        blocked=_NEED_SCALED_UP_,
        on_recording=never_scaled_up,
        only=QUICK,
    ),
    Fault(
        "changed, but never scaled",
        fail=("scaled_up",),
        blocked=_NEED_SCALED_UP_,
        on_recording=edits.all_of(FORGOTTEN, changed_before(2)),
        only=QUICK,
    ),
    Fault(
        "no fault: changed again since, and the engine remembers",
        on_recording=changed_before(2),
        only=NO_FAULT,
    ),
    Fault(
        "no fault: the engine has forgotten, and the service remembers",
        on_recording=FORGOTTEN,
        only=NO_FAULT,
    ),
    Fault(
        "on a manager",
        fail=("cluster.node_role[swarm-worker1]", "cluster.node_role[swarm-worker2]", "scaled_down"),
        blocked=("scales",),
        on_recording=on_a_manager,
        only=BY_CHANCE,
    ),
    Fault(
        "scaling restarts all",
        fail=("scales",),
        on_recording=restarted,
        only=QUICK,
    ),
    Fault(
        "no fault: the mesh loses some for a moment",
        on_recording=answers(
            Stretch("10.0.2.102", 0, 3, 1003.0, 1003.4, 0.01), Stretch("10.0.2.101", 0, 1, 1003.1, 1003.2, 0.01)
        ),
        only=NO_FAULT,
    ),
    Fault(
        "some are lost all the while, on a machine that is quick about it",
        fail=("answers_meanwhile",),
        on_recording=lambda lab: lab.meshed(
            8001, Stretch("10.0.2.101", 200, 90, 1000.0, 1003.0, 0.1), Stretch("10.0.2.102", 0, 30, 1000.2, 1002.9, 0.1)
        ),
        only=QUICK,
    ),
    Fault(
        edits.FLAPPING,
        fail=("scaled_down",),
        blocked=("scales",),
        on_recording=edits.flapping(WEB),
        only=QUICK,
    ),
    Fault(
        edits.NO_CONTAINERS,
        fail=("scaled_down",),
        blocked=("scales",),
        on_recording=edits.no_containers(WEB),
        only=QUICK,
    ),
    Fault(
        edits.ASLEEP,
        fail=("same_service",),
        blocked=("scales",),
        on_recording=edits.asleep(WEB),
        only=QUICK,
    ),
    Fault(
        edits.SURPLUS,
        on_recording=edits.surplus(WEB),
        only=NO_FAULT,
    ),
)
