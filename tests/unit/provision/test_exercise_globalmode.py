"""Global mode carried out: who leaves, what is removed, and that no token is shown."""

from __future__ import annotations

import json
import shlex
from typing import Any

from scripted_shell import ScriptedShell, all_used, api, ok
from test_provision_services import LAB, MANAGER, WORKER2, FakeRun, node_json, told

from labgen.exercises.globalmode import steps as globalmode
from labgen.exercises.globalmode.exercise import Parameters
from labgen.exercises.loadbalance import exercise as loadbalance
from provision.exercise import rehearse
from provision.exercise.steps import Command, Step, play

SERVICE = Parameters().service

TOKEN = "SWMTKN-1-abc-def"


def test_globalmode_commands_are_the_documents() -> None:
    texts: list[str] = []
    rehearse("globalmode", LAB, {}, say=texts.append)
    commands = [line for line in "\n".join(texts).splitlines() if "]$ " in line]
    assert commands == [
        "[swarm-manager]$ docker service create --name global_nginx --mode global nginx",
        "[swarm-manager]$ docker service ps global_nginx",
        "[swarm-worker2]$ docker swarm leave",
        "[swarm-manager]$ docker node rm --force swarm-worker2",
        "[swarm-worker2]$ docker swarm join --token SWMTKN-1-… --advertise-addr 10.0.2.103 10.0.2.101:2377",
        "[swarm-manager]$ docker node update --label-add KEY=VALUE swarm-worker2",
        "[swarm-manager]$ docker service ls",
        "[swarm-manager]$ docker node ls",
        "[swarm-manager]$ docker service ps global_nginx",
    ]


def known(joined: str) -> Any:
    return api(json.dumps([node_json(MANAGER), {**node_json(WORKER2), "CreatedAt": joined}]))


def made(moment: str) -> Any:
    return api(json.dumps({**json.loads(told(SERVICE)), "CreatedAt": moment}), "[]")


def later(joined: str, state: str = "active") -> str | None:
    shell = ScriptedShell(
        MANAGER, [("/nodes", known(joined)), ("/services/global_nginx", made("2026-01-02T00:00:00Z"))]
    )
    worker = ScriptedShell(WORKER2, [("engine/info", api(json.dumps({"Swarm": {"LocalNodeState": state}})))])
    return globalmode._joined_later(FakeRun("globalmode", shell, worker), WORKER2)


def test_globalmode_node_that_joined_after_the_service_was_made_need_not_leave() -> None:
    assert "nothing to do" in str(later("2026-01-03T00:00:00Z"))
    assert later("2026-01-01T00:00:00Z") is None


def test_globalmode_node_that_has_left_is_not_taken_for_one_that_joined() -> None:
    # The managers take it for Ready for some time.
    assert later("2026-01-03T00:00:00Z", "inactive") is None


def test_globalmode_token_reaches_the_node_and_nobody_else() -> None:
    manager = ScriptedShell(MANAGER, [("join-token -q worker", ok(f"{TOKEN}\n"))])
    worker = ScriptedShell(WORKER2, [("docker swarm join", ok(f"joined with {TOKEN}\n"))])
    run = FakeRun("globalmode", manager, worker)
    command = globalmode._join(run, WORKER2)
    assert TOKEN not in repr(command)
    play(run, [Step(WORKER2, "Join.", command)])
    assert worker.secrets == [TOKEN]
    assert TOKEN not in "".join((*worker.log, *run.said))
    assert "  joined with (secret)" in run.said


def test_globalmode_what_the_node_had_is_put_back() -> None:
    labelled = node_json(WORKER2)
    labelled["Spec"]["Labels"] = {"disk": "ssd", "a b": "c'd"}
    balanced = {**json.loads(told(loadbalance.Parameters().service.but(replicas=1))), "ID": "b"}
    task = {"ServiceID": "b", "NodeID": "id-swarm-worker2", "DesiredState": "running", "Status": {"State": "running"}}
    nodes = ("/nodes'?$", api(json.dumps([labelled])))
    everything = api(json.dumps([labelled]), "[]", json.dumps([balanced]), json.dumps([task]))
    run = FakeRun("globalmode", ScriptedShell(MANAGER, [nodes, ("/services", everything), nodes]))
    before = globalmode._NodeBefore()
    assert str(before.others(run)) == "no other service had a task there."
    before.remember(run, WORKER2)
    assert before.services == ["web-alb"]
    command = before.label(run, WORKER2)
    assert isinstance(command, Command)
    assert shlex.split(command.script or "")[3:] == ["--label-add=disk=ssd", "--label-add=a b=c'd", "id-swarm-worker2"]
    assert isinstance(before.others(run), Command)


def test_globalmode_every_membership_of_a_name_is_removed() -> None:
    twice = [node_json(MANAGER), {**node_json(WORKER2), "ID": "one"}, {**node_json(WORKER2, "down"), "ID": "two"}]
    shell = ScriptedShell(MANAGER, [("/nodes", api(json.dumps(twice)))])
    command = globalmode._forget(FakeRun("globalmode", shell), WORKER2)
    assert isinstance(command, Command)
    assert command.shown == "docker node rm --force swarm-worker2"
    assert "docker node rm --force one two " in (command.script or "")
    shell = ScriptedShell(MANAGER, [("/nodes", api(json.dumps([node_json(MANAGER)])))])
    assert (
        str(globalmode._forget(FakeRun("globalmode", shell), WORKER2))
        == "the swarm does not list swarm-worker2 any more."
    )
    assert all_used([shell])
