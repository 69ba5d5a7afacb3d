"""Published ports: the commands, a port that is taken, and what is made of what was seen."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from scripted_shell import ScriptedShell, all_used, api, ok
from test_exercise_recovery import NODES, task
from test_provision_exercise import LAB, MANAGER, WORKER1, WORKER2, FakeRun

from labgen.core.errors import ExerciseError
from labgen.exercises.ports import steps as ports
from provision.exercise import rehearse, services

HOST = json.dumps({"ID": "h", "Spec": {"Name": "web-host", "Mode": {"Replicated": {"Replicas": 4}}}})
RUNNING = [task(1, WORKER1.name), task(2, WORKER2.name)]
WAITS = task(4, "", State="pending", Err="no suitable node (host-mode port already in use on 3 nodes)") | {
    "DesiredState": "running"
}


def test_ports_commands_are_the_briefs() -> None:
    texts: list[str] = []
    rehearse("ports", LAB, {}, say=texts.append)
    text = "\n".join(texts)
    commands = [
        "docker service create --name web-chosen --publish 8003:80 nginx",
        "curl -s 10.0.2.102:8003",
        "docker service create --name web-auto --publish 80 nginx",
        "curl -s 10.0.2.103:PUBLISHED-PORT",
        "docker service create --name web-host --replicas 2 --publish mode=host,published=8004,target=80 nginx",
        "curl -s 10.0.2.103:8004",
        "docker service scale --detach web-host=4",
    ]
    places = [text.index(command) for command in commands]
    assert places == sorted(places)


def listening(*lines: str) -> list[ScriptedShell]:
    """Nodes on which this is seen to listen."""
    return [ScriptedShell(node, [("netstat", ok(line))]) for node, line in zip(LAB.nodes, lines, strict=True)]


def test_ports_port_that_docker_has_is_free_for_docker() -> None:
    line = "tcp6  0  0 :::8003  :::*  LISTEN  71/dockerd\n"
    shells = listening("", line, line.replace("71/dockerd", "98/docker-proxy"))
    services.ports_free(FakeRun(*shells), [8003])
    assert all_used(shells)


def test_ports_port_that_a_program_has_is_told_with_the_node_and_the_program() -> None:
    line = "tcp  0  0 0.0.0.0:8004  0.0.0.0:*  LISTEN  5461/python3\n"
    with pytest.raises(ExerciseError, match="port 8004 of swarm-worker1 is taken by another program: 5461/python3"):
        services.ports_free(FakeRun(*listening("", line, "")), [8003, 8004])


def test_ports_no_port_nobody_is_asked() -> None:
    services.ports_free(FakeRun(), [])


def test_ports_one_too_many_waits_for_the_port() -> None:
    three = [*RUNNING, task(3, MANAGER.name)]
    run = FakeRun(ScriptedShell(MANAGER, [("/services/web-host", api(HOST, json.dumps([*three, WAITS])))]))
    ports._one_waits(run, 3)
    assert run.said == [
        "  one task runs on each of 3 nodes; the last is pending: "
        "no suitable node (host-mode port already in use on 3 nodes)"
    ]


@pytest.mark.parametrize(
    ("tasks", "message"),
    [
        ([*RUNNING, WAITS], "2 of 3 run"),
        (
            [*RUNNING, task(3, MANAGER.name), {**WAITS, "Status": {"State": "pending", "Err": "no suitable node"}}],
            "waits, but not for the port: no suitable node",
        ),
    ],
)
def test_ports_what_else_may_be_is_an_error(tasks: list[dict[str, Any]], message: str) -> None:
    run = FakeRun(ScriptedShell(MANAGER, [("/services/web-host", api(HOST, json.dumps(tasks)))]))
    with pytest.raises(ExerciseError, match=message):
        ports._one_waits(run, 3)


class Asking(ScriptedShell):
    """The manager, to which some addresses answer."""

    def __init__(self, *answer: str) -> None:
        answers = [("/services/web-host", api(HOST, json.dumps(RUNNING))), ("/nodes", api(NODES))]
        super().__init__(MANAGER, answers)
        self.answer = answer

    def attempt(self, script: str, **_: Any) -> Any:
        marks = re.findall(r"labgen-[0-9a-f]{16}", script)
        if not marks:
            return super().attempt(script)
        lines = []
        for node in LAB.nodes:
            status = "200 1" if node.name in self.answer else "000 0"
            lines += [f"{marks[0]} address {node.address}", "x", f"{marks[0]} {status}", ""]
        return ok("\n".join(lines) + "\n")


def test_nodes_with_a_task_answer_in_host_mode() -> None:
    run = FakeRun(Asking(WORKER1.name, WORKER2.name))
    ports._answer_with_a_task(run)
    assert run.said == [
        "  nodes that answer at port 8004: swarm-worker1, swarm-worker2; "
        "nodes without a task, which do not: swarm-manager"
    ]


@pytest.mark.parametrize("answer", [(), (WORKER1.name,), (WORKER1.name, WORKER2.name, MANAGER.name)])
def test_any_other_answer_is_an_error(answer: tuple[str, ...]) -> None:
    with pytest.raises(ExerciseError, match="nodes with a task: swarm-worker1, swarm-worker2"):
        ports._answer_with_a_task(FakeRun(Asking(*answer)))


def automatic(*published: int) -> FakeRun:
    fields = {
        "ID": "a",
        "Spec": {"Name": "web-auto"},
        "Endpoint": {"Ports": [{"PublishedPort": at} for at in published]},
    }
    return FakeRun(ScriptedShell(MANAGER, [("/services/web-auto", api(json.dumps(fields), "[]"))]))


def test_ports_port_that_the_swarm_has_chosen_is_told() -> None:
    run = automatic(30001)
    ports._chosen(run)
    assert run.said == ["  the swarm has chosen port 30001"]


@pytest.mark.parametrize("published", [(), (8080,), (30001, 30002)])
def test_another_port_than_the_swarms_is_an_error(published: tuple[int, ...]) -> None:
    with pytest.raises(ExerciseError, match="web-auto has these published ports"):
        ports._chosen(automatic(*published))
