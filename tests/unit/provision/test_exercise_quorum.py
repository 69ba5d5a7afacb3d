"""Three managers: the commands in order, who is asked, and that every engine is started again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from scripted_shell import ScriptedShell, all_used, api, ok, refused

from labgen import config
from labgen.core.errors import ExerciseError, NodeError
from labgen.core.polling import NotYet, Patience
from labgen.docker.availability import Probed, Stretch
from labgen.exercise.catalogue import find
from labgen.exercises.quorum import steps as quorum
from labgen.exercises.quorum.exercise import EXERCISE, Parameters
from labgen.machines.inventory import Inventory
from labgen.model.lab import Node
from labgen.model.lab_folder import LabFolder, State
from provision.exercise import rehearse
from provision.exercise.run import Run

SERVICE = Parameters().service
START = Parameters().start
STOP = Parameters().stop

LAB = config.parse("managers: 3\nworkers: 2\n")
ONE, TWO, THREE = LAB.managers


class FakeRun(Run):
    """A run on three managers that answer from scripts, and whose deadlines have passed already."""

    def __init__(self, *shells: ScriptedShell) -> None:
        self.said: list[str] = []
        inventory = Inventory(LabFolder.at(Path()), LAB, State("libvirt"))
        inventory.__dict__["patience"] = Patience(0.0)
        super().__init__(inventory, EXERCISE, self.said.append)
        self.shells = {shell.node.name: shell for shell in shells}

    def shell(self, node: Node) -> Any:
        return self.shells[node.name]

    def another_shell(self, node: Node) -> Any:
        return self.shells[node.name]


def nodes(leader: Node | None, *down: Node) -> Any:
    entries = [
        {
            "Description": {"Hostname": node.name},
            "Spec": {"Role": node.role},
            "Status": {"State": "ready"},
            "ManagerStatus": {
                "Leader": node == leader,
                "Reachability": "unreachable" if node in down else "reachable",
                "Addr": f"{node.address}:2377",
            }
            if node.role == "manager"
            else None,
        }
        for node in LAB.nodes
    ]
    return ("/nodes", api(json.dumps(entries)))


def test_quorum_commands_are_the_briefs() -> None:
    texts: list[str] = []
    rehearse("quorum", LAB, {}, say=texts.append)
    text = "\n".join(texts)
    brief = find("quorum").brief()
    places = [text.index(words) for words in ("docker node ls", SERVICE.create, STOP, "force-new-cluster", START)]
    assert places == sorted(places)
    assert (text.count(STOP), text.count(START)) == (2, 2)
    assert all(words in brief for words in (SERVICE.create, STOP, START, "docker node ls", "curl -s localhost:8089"))


def test_quorum_lab_with_one_manager_is_too_small() -> None:
    with pytest.raises(ExerciseError, match="quorum needs 3 managers, and the lab has 1 manager"):
        rehearse("quorum", config.parse(""), {}, say=print)


def test_quorum_one_that_leads_is_stopped_and_another_is_asked_then() -> None:
    shells = [
        ScriptedShell(ONE, [nodes(TWO), nodes(THREE, TWO)]),
        ScriptedShell(TWO, []),
        ScriptedShell(THREE, []),
    ]
    run, progress = FakeRun(*shells), quorum._Progress()
    command = quorum._stop_leader(run, progress)
    assert (command.shown, command.node) == (STOP, TWO)
    quorum._wait_for_another_leader(run, progress)
    assert "swarm-manager3 leads, 0 s after the engine of swarm-manager2 was stopped" in run.said[-1]
    assert all_used(shells)


def test_quorum_manager_that_cannot_say_is_passed_over() -> None:
    shells = [
        ScriptedShell(ONE, [("/nodes", NodeError("no answer"))]),
        ScriptedShell(TWO, [nodes(THREE)]),
        ScriptedShell(THREE, []),
    ]
    assert quorum._find_leader(FakeRun(*shells), quorum._Progress()) == THREE


def test_quorum_old_leader_is_none() -> None:
    progress = quorum._Progress()
    progress.stopped.append(ONE)
    with pytest.raises(NotYet, match="still name as their leader: swarm-manager1"):
        quorum._find_leader(FakeRun(ScriptedShell(TWO, [nodes(ONE)])), progress)


def test_quorum_manager_that_still_lists_nodes_has_not_lost_its_majority() -> None:
    progress = quorum._Progress()
    progress.stopped = [ONE, TWO]
    with pytest.raises(ExerciseError, match="swarm-manager3 still lists the nodes"):
        quorum._wait_for_no_leader(FakeRun(ScriptedShell(THREE, [("docker node ls", ok("ID\n"))])), progress)
    lost = refused("Error response from daemon: rpc error: The swarm does not have a leader. It's possible that …")
    quorum._wait_for_no_leader(FakeRun(ScriptedShell(THREE, [("docker node ls", lost)])), progress)


def test_quorum_whatever_happens_every_engine_is_started_again() -> None:
    start = "systemctl start docker"
    shells = [
        ScriptedShell(ONE, [(start, ok("started\n")), nodes(TWO)]),
        # Its connection has ended with Ctrl-C; the second attempt is over a new one.
        ScriptedShell(TWO, [(start, NodeError("stopped answering")), (start, ok("started\n"))]),
        ScriptedShell(THREE, [(start, ok())]),
    ]
    run = FakeRun(*shells)
    quorum.restore(run)
    assert run.said[0] == "# Started again: the engines of swarm-manager1, swarm-manager2."
    assert all_used(shells)


def test_quorum_one_that_cannot_be_started_is_said() -> None:
    gone = ("systemctl start docker", NodeError("swarm-manager2 cannot be reached"))
    start = ("systemctl start docker", ok())
    run = FakeRun(ScriptedShell(ONE, [start]), ScriptedShell(TWO, [gone, gone]), ScriptedShell(THREE, [start]))
    quorum.restore(run)
    assert "engine of swarm-manager2 could not be started again" in run.said[0]
    assert START in run.said[1]


def test_requests_lost_are_an_error() -> None:
    quorum._check_none_lost(FakeRun(), Probed((Stretch("10.0.2.104", 200, 9, 0.0, 1.0, 0.1),)))
    with pytest.raises(ExerciseError, match="requests to the workers were lost"):
        quorum._check_none_lost(FakeRun(), Probed((Stretch("10.0.2.104", 0, 9, 0.0, 1.0, 0.1),)))
