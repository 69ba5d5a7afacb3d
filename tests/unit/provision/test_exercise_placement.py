"""Placement carried out: the commands, and what must be seen of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from scripted_shell import ScriptedShell, api
from test_provision_services import LAB, MANAGER, WORKER1, WORKER2, FakeRun, node_json, told

from labgen.core.errors import ExerciseError
from labgen.docker.swarm import Service
from labgen.exercise.services import differences, in_bytes
from labgen.exercises.placement import steps as placement
from labgen.exercises.placement.exercise import Parameters
from provision.exercise import rehearse

OFF_MANAGERS = Parameters().off_managers
SPREAD = Parameters().spread
TOO_BIG = Parameters().too_big


def test_placement_commands() -> None:
    texts: list[str] = []
    rehearse("placement", LAB, {}, say=texts.append)
    commands = [line.partition("]$ ")[2] for line in "\n".join(texts).splitlines() if "]$ " in line]
    assert commands == [
        "docker service create --name off-manager --constraint node.role!=manager --replicas 2 nginx",
        "docker service ps off-manager",
        "docker node update --label-add disk=ssd swarm-worker1",
        "docker service create --name on-ssd --constraint node.labels.disk==ssd --replicas 2 nginx",
        "docker service ps on-ssd",
        "docker service create --name spread --replicas 3 nginx",
        "docker service ps spread",
        "docker service create --name too-big --reserve-memory 1TB --detach nginx",
        "docker service ps --no-trunc too-big",
    ]


@pytest.mark.parametrize(
    ("written", "bytes_"),
    [("", 0), ("64", 64), ("1b", 1), ("512MB", 512 << 20), ("512m", 512 << 20), ("1.5g", 3 << 29), ("1TB", 1 << 40)],
)
def test_memory_as_docker_reads_it(written: str, bytes_: int) -> None:
    assert in_bytes(written) == bytes_


def test_another_reservation_is_a_difference() -> None:
    fields = json.loads(told(TOO_BIG))
    fields["Spec"]["TaskTemplate"]["Resources"] = {"Reservations": {"MemoryBytes": 1 << 30}}
    assert [str(text) for text in differences(TOO_BIG, Service.of(fields))] == [
        "its tasks reserve 1073741824 bytes of memory, not 1TB"
    ]
    assert differences(SPREAD, Service.of(json.loads(told(SPREAD)))) == []


NODES = api(json.dumps([node_json(node) for node in (MANAGER, WORKER1, WORKER2)]))


def tasks(*names: str, **more: Any) -> str:
    return json.dumps(
        [
            {"ID": name, "NodeID": f"id-{name}", "DesiredState": "running", "Status": {"State": "running"}, **more}
            for name in names
        ]
    )


def test_placement_task_against_its_constraint_is_an_error() -> None:
    service_answer = ("/services/off-manager", api(told(OFF_MANAGERS), tasks(MANAGER.name)))
    run = FakeRun("placement", ScriptedShell(MANAGER, [service_answer, ("/nodes", NODES)]))
    with pytest.raises(ExerciseError, match="tasks of off-manager run on swarm-manager, against its constraint"):
        placement._only_on(run, OFF_MANAGERS.name, {WORKER1.name, WORKER2.name})


def test_placement_task_that_is_not_pending_is_waited_for_in_vain() -> None:
    service_answer = ("/services/too-big", api(told(TOO_BIG), tasks(WORKER1.name)))
    with pytest.raises(ExerciseError, match="its task is not pending with a reason"):
        placement._pending(FakeRun("placement", ScriptedShell(MANAGER, [service_answer])))


def test_why_a_task_is_pending_is_told() -> None:
    why = "no suitable node (insufficient resources on 3 nodes)"
    pending = tasks("", NodeID="", Status={"State": "pending", "Err": why})
    run = FakeRun("placement", ScriptedShell(MANAGER, [("/services/too-big", api(told(TOO_BIG), pending))]))
    placement._pending(run)
    assert run.said == [f"  {why}"]


def test_placement_label_may_be_on_another_node() -> None:
    labelled = node_json(WORKER2)
    labelled["Spec"]["Labels"] = {"disk": "ssd"}
    run = FakeRun("placement", ScriptedShell(MANAGER, [("/nodes", api(json.dumps([node_json(MANAGER), labelled])))]))
    assert "swarm-worker2" in str(placement._labelled(run))
