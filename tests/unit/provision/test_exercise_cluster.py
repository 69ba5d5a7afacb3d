"""The cluster carried out: the document's commands, and that a token is looked at and never shown."""

from __future__ import annotations

import json

import pytest
from scripted_shell import ScriptedShell, all_used, api, ok
from test_provision_services import LAB, MANAGER, WORKER1, FakeRun, node_json

from labgen import config
from labgen.core.errors import ExerciseError
from labgen.exercises.cluster import steps as cluster
from provision.exercise import rehearse
from provision.exercise.steps import play

OLD, NEW = "SWMTKN-1-aaa-bbb", "SWMTKN-1-ccc-ddd"


def test_cluster_commands_are_the_documents() -> None:
    texts: list[str] = []
    rehearse("cluster", LAB, {}, say=texts.append)
    commands = list(dict.fromkeys(line.partition("]$ ")[2] for line in "\n".join(texts).splitlines() if "]$ " in line))
    assert commands == [
        "docker info | grep Swarm",
        "sudo netstat -nlp | grep dockerd",
        "docker swarm join-token worker",
        "docker swarm join-token --rotate worker",
        "docker node ls",
        "docker node promote swarm-worker1",
        "docker node demote swarm-worker1",
        "docker network ls",
    ]


def test_cluster_lab_of_managers_alone_promotes_nobody() -> None:
    steps = cluster.script(config.parse("managers: 3\nworkers: 0\n"), parameters=cluster.Parameters())
    assert not any("promote" in getattr(step.command, "shown", "") for step in steps)


def rotated(after: str) -> tuple[FakeRun, ScriptedShell]:
    shell = ScriptedShell(
        MANAGER,
        [
            ("join-token -q worker", ok(OLD)),
            ("join-token --rotate worker", ok(f"    docker swarm join --token {after} 10.0.2.101:2377")),
            ("join-token -q worker", ok(after)),
        ],
    )
    run = FakeRun("cluster", shell)
    play(run, [cluster._rotation(MANAGER)])
    return run, shell


def test_cluster_token_is_rotated_and_not_shown() -> None:
    run, shell = rotated(NEW)
    assert all_used([shell])
    text = "\n".join(run.said)
    assert "docker swarm join --token (secret) 10.0.2.101:2377" in text
    assert OLD not in text
    assert NEW not in text


def test_cluster_token_that_stays_the_same_is_an_error_that_does_not_show_it() -> None:
    with pytest.raises(ExerciseError, match="same as before") as caught:
        rotated(OLD)
    assert OLD not in str(caught.value)


def test_cluster_port_that_is_shut_is_said() -> None:
    shell = ScriptedShell(MANAGER, [("ss -Hlnt", ok("LISTEN 0 4096 *:7946 *:*\n"))])
    with pytest.raises(ExerciseError, match="port 2377 of swarm-manager is not open"):
        cluster._check_ports(FakeRun("cluster", shell), MANAGER)


def test_cluster_node_without_its_bridge_is_said() -> None:
    ingress = {"Name": "ingress", "Driver": "overlay", "Scope": "swarm", "Ingress": True}
    shell = ScriptedShell(WORKER1, [("/networks", api(json.dumps([ingress])))])
    with pytest.raises(ExerciseError, match="swarm-worker1 lacks the network docker_gwbridge"):
        cluster._check_networks(FakeRun("cluster", shell), WORKER1)


def test_managers_that_choose_a_leader_are_waited_for() -> None:
    shell = ScriptedShell(MANAGER, [("/nodes", ok('{"message": "The swarm does not have a leader"}\n503\n'))])
    with pytest.raises(ExerciseError, match=r"last seen: .*has no leader"):
        cluster._wait_for_demotion(FakeRun("cluster", shell), WORKER1)


def test_cluster_promotion_that_the_node_does_not_know_of_is_waited_for() -> None:
    promoted = {**node_json(WORKER1), "ManagerStatus": {"Reachability": "reachable"}}
    promoted["Spec"] = {"Role": "manager"}
    manager = ScriptedShell(MANAGER, [("/nodes", api(json.dumps([promoted])))])
    worker = ScriptedShell(WORKER1, [("/info", api(json.dumps({"Swarm": {"ControlAvailable": False}})))])
    with pytest.raises(ExerciseError, match="has not become a manager yet"):
        cluster._wait_for_promotion(FakeRun("cluster", manager, worker), WORKER1)
