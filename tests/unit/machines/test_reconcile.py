"""The steps of a plan, carried out: what is asked of Vagrant, of Docker and of the nodes, in which order."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from labgen import config
from labgen.core.errors import MachineError
from labgen.core.process import Result
from labgen.core.progress import Progress
from labgen.docker.swarm import SwarmNode
from labgen.machines import inventory, leftovers, reconcile
from labgen.machines.lifecycle import Machines
from labgen.machines.plan import compare
from labgen.machines.reconcile import Reconciler
from labgen.model.lab_folder import LabFolder, State
from labgen.model.record import after_up
from labgen.providers.base import Machine
from labgen.providers.doctor import Choice

MADE = config.parse("workers: 2")


def member(name: str, availability: str = "active", state: str = "ready") -> SwarmNode:
    role = "manager" if "manager" in name else "worker"
    return SwarmNode(name, name, role, availability, state, role == "manager", "", "20.10")


class Bench:
    """A lab that is up, and a log of everything that is asked."""

    def __init__(self, path: Path, provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = LabFolder.at(path)
        self.provider = provider
        self.log: list[str] = []
        self.statuses: dict[str, int] = {}
        self.members = [member(node.name) for node in MADE.nodes]
        self.stopped: set[str] = set()
        self.update = Result(("docker",), 0, "", "")
        ids = {node.name: f"id-{node.name}" for node in MADE.nodes}
        for name, identity in ids.items():
            machine = path / ".vagrant" / "machines" / name / provider
            machine.mkdir(parents=True)
            (machine / "id").write_text(identity)
        self.folder.vagrantfile.write_text("")
        lab_record = after_up(
            MADE, None, folder=str(self.folder.path), mark=self.folder.draw_mark(), earlier={}, ids=ids
        )
        self.folder.remember(State(provider), lab_record)
        self.folder.ssh_config.write_text("".join(f"Host {name}\n  HostName 127.0.0.1\n" for name in ids))
        monkeypatch.setattr(Machines, "driver", lambda *_: self)
        monkeypatch.setattr(Machines, "reached", lambda *_: self.log.append("reached"))
        monkeypatch.setattr(Machines, "up", self._up)
        monkeypatch.setattr(Machines, "runner", lambda *_: self)
        monkeypatch.setattr(inventory, "close_shared", lambda *_: None)
        monkeypatch.setattr(leftovers, "look", lambda *_: [])

    def _up(self, _choice: Choice, *, renewed: Sequence[str] = ()) -> None:
        self.log.append(" ".join(["up", *renewed]))

    def reload(self, name: str, **_: Any) -> None:
        self.log.append(f"reload {name}")

    def destroy(self, names: Sequence[str], **_: Any) -> None:
        self.log.append(f"destroy {' '.join(names)}")

    def status(self) -> dict[str, Machine]:
        return {
            node.name: Machine(node.name, "poweroff" if node.name in self.stopped else "running", self.provider)
            for node in MADE.nodes
        }

    def run(self, argv: Sequence[str], **_: Any) -> Result:
        self.log.append(" ".join(argv))
        return self.update

    def fab(self, _folder: LabFolder, task: str, *options: str) -> int:
        self.log.append(" ".join([task.removeprefix("bootstrap."), *options]))
        return self.statuses.get(task, 0)

    def carry_out(self, lab: str, **flags: bool) -> int:
        description = config.parse(lab)
        machines = Machines(self.folder, description, Progress())
        plan = reconcile.plan(self.folder, description, self.provider, machines)
        choice = Choice(self.provider, "", True, False)
        options = {"prune": False, "reload": False, "bootstrap": True, **flags}
        return Reconciler(machines, choice, plan, self.fab, lambda _folder: self.members).run(**options)

    def differs(self, lab: str) -> list[str]:
        """What is different from the record."""
        ids = self.folder.machine_ids()[self.provider]
        return compare(config.parse(lab), self.folder.record(), self.provider, ids).lines()


@pytest.fixture
def virtualbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(tmp_path, "virtualbox", monkeypatch)


@pytest.fixture
def containers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(tmp_path, "docker", monkeypatch)


def test_reconcile_restarts_machines_one_by_one_each_drained(virtualbox: Bench) -> None:
    assert virtualbox.carry_out("memory: 2048", reload=True) == 0
    assert virtualbox.log == [
        "up",
        *("drain swarm-worker1", "reload swarm-worker1", "reached", "activate swarm-worker1"),
        *("drain swarm-worker2", "reload swarm-worker2", "reached", "activate swarm-worker2"),
        *("drain swarm-manager", "reload swarm-manager", "reached", "activate swarm-manager"),
        "bootstrap",
    ]
    assert virtualbox.differs("memory: 2048") == []


def test_reconcile_without_reload_leaves_them_as_they_are(virtualbox: Bench) -> None:
    assert virtualbox.carry_out("memory: 2048") == 0
    assert virtualbox.log == ["up", "bootstrap"]
    assert len(virtualbox.differs("memory: 2048")) == 3


def test_reconcile_leaves_a_node_drained_that_was_so_before(virtualbox: Bench) -> None:
    virtualbox.members[1] = member("swarm-worker1", "drain")
    virtualbox.carry_out(
        "nodes: [{name: swarm-manager, role: manager}, {name: swarm-worker1, role: worker, cpus: 2},"
        "{name: swarm-worker2, role: worker}]",
        reload=True,
    )
    assert virtualbox.log == ["up", "reload swarm-worker1", "reached", "bootstrap"]


def test_reconcile_does_not_drain_the_only_node(virtualbox: Bench) -> None:
    virtualbox.members = [member("swarm-manager"), member("swarm-worker1", state="down")]
    virtualbox.carry_out("memory: 2048", reload=True)
    assert not [line for line in virtualbox.log if line.startswith("drain")]


def test_reconcile_restart_that_was_interrupted_is_made_good_by_the_next_up(virtualbox: Bench) -> None:
    virtualbox.statuses["bootstrap.activate"] = 9
    assert virtualbox.carry_out("memory: 2048", reload=True) == 9
    record = virtualbox.folder.record()
    assert record is not None
    assert record.drained == ("swarm-worker1",)
    virtualbox.statuses.clear()
    virtualbox.log.clear()
    assert virtualbox.carry_out("memory: 2048") == 0
    assert virtualbox.log == ["up", "bootstrap", "activate swarm-worker1"]
    assert virtualbox.folder.record() != record


def test_reconcile_stopped_machines_get_it_when_they_start(virtualbox: Bench) -> None:
    virtualbox.stopped = {"swarm-worker1", "swarm-worker2", "swarm-manager"}
    assert virtualbox.carry_out("memory: 2048") == 0
    assert virtualbox.log == ["up swarm-worker1 swarm-worker2 swarm-manager", "bootstrap"]


def test_reconcile_changes_containers_in_place(containers: Bench) -> None:
    assert containers.carry_out("{memory: 900, cpus: 2}", reload=True) == 0
    update = "docker update --memory 900m --memory-swap 1800m --cpus 2 id-"
    names = ("swarm-worker1", "swarm-worker2", "swarm-manager")
    assert containers.log == ["up", *(update + name for name in names), "bootstrap"]
    assert containers.differs("{memory: 900, cpus: 2}") == []


def test_reconcile_container_that_cannot_be_changed_is_one_message(containers: Bench) -> None:
    containers.update = Result(("docker", "update"), 1, "", "Minimum memory limit allowed is 6MB")
    with pytest.raises(MachineError, match="swarm-worker1 cannot be changed: Minimum memory limit"):
        containers.carry_out("memory: 900", reload=True)
    assert len(containers.differs("memory: 900")) == 3


def test_reconcile_prunes_before_anything_new_is_made(containers: Bench) -> None:
    assert containers.carry_out("workers: 1", prune=True) == 0
    assert containers.log == ["retire swarm-worker2", "destroy swarm-worker2", "up", "bootstrap"]
    record = containers.folder.record()
    assert record is not None
    assert set(record.ids) == {"swarm-manager", "swarm-worker1"}


def test_reconcile_that_cannot_retire_removes_nothing(containers: Bench) -> None:
    containers.statuses["bootstrap.retire"] = 9
    assert containers.carry_out("workers: 1", prune=True) == 9
    assert containers.log == ["retire swarm-worker2"]
