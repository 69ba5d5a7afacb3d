"""Every exercise, interrupted at each of its steps and run again: what the first run has left makes way."""

from __future__ import annotations

import itertools
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from scripted_shell import ok

from labgen import config
from labgen.core.polling import Patience
from labgen.docker.question import Question
from labgen.exercise.catalogue import exercise_names, exercises
from labgen.machines.inventory import Inventory
from labgen.model.lab import Lab, Node
from labgen.model.lab_folder import LabFolder, State
from labgen.transport.output import Output
from provision import exercise as carrying
from provision.exercise import leftovers, run, steps
from provision.exercise.steps import Chosen, Step

LAB = config.parse("managers: 3\nworkers: 2")
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC).timestamp()


class FakeSwarm:
    """A swarm whose nodes are ready, and that knows of its services what they are called and when they were made.

    :ivar services: by name, when each was made, in seconds by the managers' clock.
    :ivar clock: what the nodes' clocks say.
    """

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.services: dict[str, float] = {}
        self.clock = NOON

    def make(self, name: str) -> None:
        """Make a service, in a way that no exercise does."""
        self.services.setdefault(name, self.clock)

    def answer(self, script: str) -> Output:
        """What a node answers."""
        if script.startswith("date "):
            return ok(f"{self.clock}\n")
        if removed := re.match(r"docker service rm (.*)", script):
            for name in removed[1].split():
                del self.services[name]
            return ok()
        if script.startswith(("docker ps ", "systemctl is-active")):
            return ok()
        paths = re.findall(r"http://engine(\S+?)'?(?:\s|$)", script)
        assert paths, f"not expected: {script}"
        return ok("".join(f"{json.dumps(self._told(path))}\n200\n" for path in paths))

    def _told(self, path: str) -> Any:
        if path == "/services":
            return [self._service(name, created_at) for name, created_at in self.services.items()]
        if path == "/nodes":
            return [self._node(node) for node in self.lab.nodes]
        assert path == "/info", path
        return {"Swarm": {"LocalNodeState": "active", "ControlAvailable": True}}

    @staticmethod
    def _service(name: str, created_at: float) -> dict[str, Any]:
        created = datetime.fromtimestamp(created_at, UTC).isoformat()
        spec = {"Name": name, "Mode": {"Replicated": {"Replicas": 77}}}
        return {"ID": name, "CreatedAt": created, "Spec": spec}

    @staticmethod
    def _node(node: Node) -> dict[str, Any]:
        manager = {"ManagerStatus": {"Reachability": "reachable", "Leader": node.name == "swarm-manager1"}}
        return {
            "ID": node.name,
            "Spec": {"Role": node.role, "Availability": "active"},
            "Description": {"Hostname": node.name},
            "Status": {"State": "ready"},
        } | (manager if node.role == "manager" else {})


class FakeShell:
    """Root's shell on a node of it."""

    def __init__(self, swarm: FakeSwarm) -> None:
        self.swarm = swarm

    def attempt(self, script: str, *, within: float = 60, secret: str | None = None) -> Output:
        del within, secret
        return self.swarm.answer(script)

    def run(self, script: str, *, within: float = 60, secret: str | None = None, what: str = "") -> str:
        del what
        return self.attempt(script, within=within, secret=secret).out

    def ask(self, question: Question, *, within: float = 30) -> str:
        return self.run(question.script, within=within)


class Interrupted:
    """Carries steps out in name only, up to one that is interrupted; services of the exercise are made on the way."""

    def __init__(self, swarm: FakeSwarm, at: int | None, names: tuple[str, ...]) -> None:
        self.swarm, self.at, self.names = swarm, at, names
        self.carried = 0
        self.services_at_start: list[str] | None = None

    def __call__(self, _run: Any, _step: Step) -> bool:
        if self.services_at_start is None:
            self.services_at_start = sorted(self.swarm.services)
        self.swarm.clock += 1
        if self.carried < len(self.names):
            self.swarm.make(self.names[self.carried])
        if self.carried == self.at:
            raise KeyboardInterrupt
        self.carried += 1
        return True


STEPS = [(name, at) for name in exercise_names() for at in range(len(Chosen(carrying._script(name, LAB), {}).steps))]


@pytest.fixture
def swarm(monkeypatch: pytest.MonkeyPatch) -> FakeSwarm:
    fake = FakeSwarm(LAB)
    monkeypatch.setattr(run, "Shell", lambda _inventory, _node: FakeShell(fake))
    # Each step notes how far it is; that it is safely on the disk is not what is tested here.
    monkeypatch.setattr("os.fsync", lambda _file: None)
    # The clock of this computer stands for that of the nodes: what passes there has passed here.
    monkeypatch.setattr(leftovers.time, "monotonic", lambda: fake.clock)
    return fake


def carried_out(
    folder: Path, swarm: FakeSwarm, name: str, at: int | None, monkeypatch: pytest.MonkeyPatch
) -> tuple[Interrupted, list[str]]:
    """Carry an exercise out, up to a step where one is given; gives what was carried out, and what was said."""
    inventory = Inventory(LabFolder.at(folder), LAB, State("docker"))
    inventory.__dict__["patience"] = Patience(0.05)
    names = tuple(spec.name for spec in exercises()[name].services)
    player = Interrupted(swarm, at, names)
    monkeypatch.setattr(steps, "_play_step", player)
    lines: list[str] = []
    try:
        carrying.carry_out(name, inventory, say=lines.append)
    except KeyboardInterrupt:
        assert at is not None
    else:
        assert at is None
    return player, lines


@pytest.mark.parametrize(("name", "at"), STEPS)
def test_interrupted_exercise_that_was_interrupted_begins_with_nothing_of_its_own(
    tmp_path: Path, swarm: FakeSwarm, monkeypatch: pytest.MonkeyPatch, name: str, at: int
) -> None:
    first, _ = carried_out(tmp_path, swarm, name, at, monkeypatch)
    remaining = sorted(swarm.services)
    assert remaining == sorted(first.names[: at + 1])
    assert set(leftovers.unfinished(LabFolder.at(tmp_path))) == {name}
    swarm.clock += 600
    second, lines = carried_out(tmp_path, swarm, name, None, monkeypatch)
    assert second.services_at_start == []
    assert any("was interrupted. Its services are removed first" in line for line in lines) == bool(remaining)
    # It has come to its end: from now on what is there is the learner's to change.
    assert leftovers.unfinished(LabFolder.at(tmp_path)) == {}
    if at == 0:
        third, lines = carried_out(tmp_path, swarm, name, None, monkeypatch)
        assert third.services_at_start == sorted(first.names[: second.carried])
        assert not any("Its services are removed" in line for line in lines)


@pytest.mark.parametrize(("name", "when"), list(itertools.product(exercise_names(), ("before", "since"))))
def test_interrupted_learners_own_service_outlives_an_exercise_that_was_interrupted(
    tmp_path: Path, swarm: FakeSwarm, monkeypatch: pytest.MonkeyPatch, name: str, when: str
) -> None:
    own = [spec.name for spec in exercises()[name].services]
    if when == "before":
        for service in own:
            swarm.make(service)
    swarm.clock += 60
    monkeypatch.setattr(swarm, "make", lambda _name: None)
    carried_out(tmp_path, swarm, name, 0, monkeypatch)
    swarm.clock += 600
    if when == "since":
        swarm.services |= dict.fromkeys(own, swarm.clock)
    second, lines = carried_out(tmp_path, swarm, name, None, monkeypatch)
    assert second.services_at_start == sorted(own)
    assert not any("Its services are removed" in line for line in lines)
