"""Faults in the services of the exercise on published ports."""

from __future__ import annotations

from typing import Any

from labgen.exercise import fault_acts as acts
from labgen.exercise import fault_edits as edits
from labgen.exercise.faults import (
    MANY_ANSWERS,
    NO_FAULT,
    QUICK,
    SAME_ANSWERS,
    WORKER1,
    WORKER2,
    Edit,
    Fault,
    LiveLab,
    RecordedLab,
)
from labgen.exercise.services import Publish
from labgen.model.capabilities import Capability

from .exercise import Parameters

_PARAMETERS = Parameters()

CHOSEN, AUTOMATIC, HOST = _PARAMETERS.chosen, _PARAMETERS.automatic, _PARAMETERS.host
_HOST_PORT = HOST.publish[0].published


def _crowded(lab: LiveLab) -> None:
    """The service in host mode as the exercise leaves it."""
    nodes = len(lab.nodes)
    acts.make(lab, _PARAMETERS.crowded(nodes), running=nodes)


def _faked(lab: LiveLab) -> None:
    """A task on each worker, and on the manager a container that only looks like one."""
    acts.make(lab, HOST.but(constraints=("node.role==worker",)))
    lab.manager(f"docker run --detach --name {HOST.name}.3.faked --publish {_HOST_PORT}:80 nginx")


def _unfaked(lab: LiveLab) -> None:
    lab.manager(f"docker rm --force {HOST.name}.3.faked")
    _crowded(lab)


_SILENT_W1 = "DOCKER-USER -p tcp --dport 80"
"""Packets pass this chain when they have the container's port already."""
_MESH_W2 = f"DOCKER-USER -p tcp --dport {CHOSEN.publish[0].published}"
_AUTOMATIC_W2 = f"DOCKER-USER -p tcp --dport {_PARAMETERS.first_automatic}:{_PARAMETERS.last_automatic}"
_MESH = (Capability.ROUTING_MESH,)


Service = dict[str, Any]
Tasks = list[dict[str, Any]]


def no_port(name: str) -> Edit:
    def change(service: Service) -> None:
        service["Endpoint"] = {"Spec": {}}
        service["Spec"]["EndpointSpec"] = {"Mode": "vip"}

    return lambda lab: lab.service(name, change)


def not_running(name: str) -> Edit:
    def change(tasks: Tasks) -> None:
        for task in tasks:
            task["Status"]["State"] = "failed"

    return lambda lab: lab.tasks(name, change)


def two_replicas(lab: RecordedLab) -> None:
    """As it was made: two nodes have a task, and answer; the third neither."""

    def change(tasks: Tasks) -> Tasks:
        return [task for task in tasks if task.get("NodeID")][:2]

    lab.service(HOST.name, lambda service: service["Spec"]["Mode"]["Replicated"].update(Replicas=2))
    lab.tasks(HOST.name, change)


def a_node_without_a_task(lab: RecordedLab) -> None:
    """One task too few; its node answers all the same."""
    lab.tasks(HOST.name, lambda tasks: [task for task in tasks if task.get("NodeID")][1:])


def waits_for_something_else(lab: RecordedLab) -> None:
    def change(tasks: Tasks) -> None:
        for task in tasks:
            if task["Status"]["State"] == "pending":
                task["Status"]["Err"] = "no suitable node (insufficient resources on 3 nodes)"

    lab.tasks(HOST.name, change)


def nothing_waits(lab: RecordedLab) -> None:
    lab.tasks(HOST.name, lambda tasks: [task for task in tasks if task["Status"]["State"] != "pending"])


_NEED_HOST = ("host_answers", "one_for_each_node")

FAULTS = (
    Fault(
        "another chosen port",
        fail=("chosen",),
        blocked=("chosen_everywhere",),
        on_nodes=acts.made(CHOSEN.but(publish=(Publish(8080, 80),))),
        mend=acts.made(CHOSEN),
        on_recording=edits.port(CHOSEN.name, PublishedPort=8080),
    ),
    Fault(
        "another port of the container",
        fail=("chosen",),
        blocked=("chosen_everywhere",),
        on_nodes=acts.made(CHOSEN.but(publish=(Publish(8003, 8080),))),
        mend=acts.made(CHOSEN),
        on_recording=edits.port(CHOSEN.name, TargetPort=8080),
    ),
    Fault(
        "chosen in host mode",
        fail=("chosen",),
        blocked=("chosen_everywhere",),
        on_nodes=acts.made(CHOSEN.but(publish=(Publish(8003, 80, "host"),))),
        mend=acts.made(CHOSEN),
        on_recording=edits.port(CHOSEN.name, PublishMode="host"),
    ),
    Fault(
        "automatic, but asked for",
        fail=("automatic",),
        blocked=("automatic_everywhere",),
        on_nodes=acts.made(AUTOMATIC.but(publish=(Publish(30080, 80),))),
        mend=acts.made(AUTOMATIC),
        on_recording=edits.port(AUTOMATIC.name, PublishedPort=30080),
    ),
    Fault(
        "nothing published",
        fail=("automatic",),
        blocked=("automatic_everywhere",),
        on_nodes=acts.made(AUTOMATIC.but(publish=())),
        mend=acts.made(AUTOMATIC),
        on_recording=no_port(AUTOMATIC.name),
    ),
    Fault(
        "host mode forgotten",
        fail=("host",),
        blocked=_NEED_HOST,
        on_nodes=acts.made(HOST.but(publish=(Publish(_HOST_PORT, 80),))),
        mend=_crowded,
        on_recording=edits.port(HOST.name, PublishMode="ingress"),
    ),
    Fault(
        "web-host never scaled",
        fail=("one_for_each_node",),
        on_nodes=acts.made(HOST),
        mend=_crowded,
        only=SAME_ANSWERS,
    ),
    Fault(
        "none waits",
        fail=("one_for_each_node",),
        on_nodes=acts.made(HOST.but(replicas=3)),
        mend=_crowded,
        on_recording=nothing_waits,
    ),
    Fault(
        "web-host global",
        fail=("one_for_each_node",),
        on_nodes=acts.made(HOST.but(replicas=None)),
        mend=_crowded,
        only=SAME_ANSWERS,
    ),
    Fault(
        "web-host on the workers only",
        fail=("one_for_each_node",),
        on_nodes=acts.made(HOST.but(replicas=4, constraints=("node.role==worker",)), running=2),
        mend=_crowded,
        only=SAME_ANSWERS,
    ),
    Fault(
        "a node without a task",
        fail=("host_answers", "one_for_each_node"),
        on_nodes=_faked,
        mend=_unfaked,
        on_recording=a_node_without_a_task,
    ),
    Fault(
        "a firewall before a task in host mode",
        fail=("host_answers",),
        on_nodes=acts.drops(WORKER1, _SILENT_W1),
        mend=acts.passes(WORKER1, _SILENT_W1),
        only=MANY_ANSWERS,
    ),
    Fault(
        "a firewall before the chosen port of a node",
        fail=("chosen_everywhere",),
        on_nodes=acts.drops(WORKER2, _MESH_W2),
        mend=acts.passes(WORKER2, _MESH_W2),
        only=SAME_ANSWERS,
        needs=_MESH,
    ),
    Fault(
        "a firewall before the automatic port of a node",
        fail=("automatic_everywhere",),
        on_nodes=acts.drops(WORKER2, _AUTOMATIC_W2),
        mend=acts.passes(WORKER2, _AUTOMATIC_W2),
        only=SAME_ANSWERS,
        needs=_MESH,
    ),
    Fault(
        "no chosen port",
        fail=("chosen",),
        on_recording=edits.gone(CHOSEN.name),
        only=QUICK,
    ),
    Fault(
        "chosen, from another image",
        fail=("chosen",),
        on_recording=edits.image(CHOSEN.name, "redis:6.0-alpine"),
        only=QUICK,
    ),
    Fault(
        "chosen, not running",
        fail=("chosen",),
        on_recording=not_running(CHOSEN.name),
        only=QUICK,
    ),
    Fault(
        "no automatic port",
        fail=("automatic",),
        on_recording=edits.gone(AUTOMATIC.name),
        only=QUICK,
    ),
    Fault(
        "no host mode",
        fail=("host",),
        blocked=_NEED_HOST,
        on_recording=edits.gone(HOST.name),
        only=QUICK,
    ),
    Fault(
        "another port in host mode",
        fail=("host",),
        blocked=_NEED_HOST,
        on_recording=edits.port(HOST.name, PublishedPort=8005),
        only=QUICK,
    ),
    Fault(
        "not one too many",
        fail=("host_answers", "one_for_each_node"),
        on_recording=two_replicas,
        only=QUICK,
    ),
    Fault(
        "one waits for something else",
        fail=("one_for_each_node",),
        on_recording=waits_for_something_else,
        only=QUICK,
    ),
    Fault(
        "no answer through the mesh",
        fail=("automatic_everywhere", "chosen_everywhere"),
        on_recording=lambda lab: lab.has(Capability.ROUTING_MESH),
        only=QUICK,
    ),
    Fault(
        edits.FLAPPING,
        fail=("chosen",),
        on_recording=edits.flapping(CHOSEN.name),
        only=QUICK,
    ),
    Fault(
        edits.NO_CONTAINERS,
        fail=("chosen",),
        on_recording=edits.no_containers(CHOSEN.name),
        only=QUICK,
    ),
    Fault(
        edits.ASLEEP,
        fail=("host",),
        blocked=_NEED_HOST,
        on_recording=edits.asleep(HOST.name),
        only=QUICK,
    ),
    Fault(
        edits.SURPLUS,
        on_recording=edits.surplus(CHOSEN.name),
        only=NO_FAULT,
    ),
)
