"""A container's failure: the commands, which container, and what is made of what was seen."""

from __future__ import annotations

import json
from typing import Any

import pytest
from scripted_shell import ScriptedShell, api
from test_provision_exercise import LAB, MANAGER, WORKER1, WORKER2, FakeRun

from labgen.core.errors import ExerciseError
from labgen.exercises.recovery import steps as recovery
from provision.exercise import rehearse

NODES = json.dumps([{"ID": node.name, "Description": {"Hostname": node.name}} for node in LAB.nodes])
SERVICE = json.dumps({"ID": "s", "Spec": {"Name": "web-alb", "Mode": {"Replicated": {"Replicas": 3}}}})


def task(slot: int, node: str, created: int = 0, **status: Any) -> dict[str, Any]:
    state = status.get("State", "running")
    return {
        "ID": f"t{slot}-{created}",
        "Slot": slot,
        "NodeID": node,
        "CreatedAt": f"2026-01-01T12:00:{created:02}Z",
        "DesiredState": "running" if state == "running" else "shutdown",
        "Status": {
            "State": "running",
            "Timestamp": f"2026-01-01T12:00:{created:02}Z",
            "ContainerStatus": {"ContainerID": f"c{slot}"},
            **status,
        },
    }


ALL = [task(1, MANAGER.name), task(2, WORKER2.name), task(3, WORKER1.name)]
KILLED = task(3, WORKER1.name, State="failed", Err="task: non-zero exit (137)", ContainerStatus={"ExitCode": 137})


def run_with(*tasks: dict[str, Any], rounds: int = 1) -> FakeRun:
    answers = [("/services/web-alb", api(SERVICE, json.dumps(tasks))), ("/nodes", api(NODES))]
    return FakeRun(ScriptedShell(MANAGER, answers * rounds))


def test_recovery_commands_are_the_documents() -> None:
    texts: list[str] = []
    rehearse("recovery", LAB, {}, say=texts.append)
    text = "\n".join(texts)
    commands = [
        "[swarm-manager]$ docker service create --name web-alb --replicas 3 --publish 8001:80 nginx",
        "[swarm-worker1]$ docker ps",
        "[swarm-worker1]$ docker rm -f CONTAINER",
        "[swarm-manager]$ docker service ps web-alb",
    ]
    places = [text.rindex(command) for command in commands]
    assert places == sorted(places)


def test_recovery_container_on_a_worker_is_removed_where_one_is() -> None:
    node, victim = recovery._victim(run_with(*ALL))
    assert (node, victim.container_id) == (WORKER1, "c3")
    node, victim = recovery._victim(run_with(ALL[0]))
    assert (node, victim.container_id) == (MANAGER, "c1")


def test_recovery_no_container_anywhere_is_an_error() -> None:
    with pytest.raises(ExerciseError, match="no task of web-alb runs on a node of the lab"):
        recovery._victim(run_with())


def test_recovery_replacement_is_told_with_the_time_that_it_took() -> None:
    run = run_with(*ALL[:2], KILLED, task(3, WORKER2.name, 6))
    recovery._replaced(run)
    (line,) = run.said
    assert line == (
        "  web-alb.3 failed (task: non-zero exit (137)); another task ran in its place 6.0 s later, on swarm-worker2"
    )


@pytest.mark.parametrize("tasks", [ALL, [*ALL[:2], KILLED]])
def test_recovery_replacement_that_does_not_come_is_an_error(tasks: list[dict[str, Any]]) -> None:
    with pytest.raises(ExerciseError, match=r"for a replacement to run; last seen: \d of 3 run"):
        recovery._replaced(run_with(*tasks))
