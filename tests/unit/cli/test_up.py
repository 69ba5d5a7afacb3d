"""`labgen up` as a command: what is written down, and when; no Vagrant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from labgen import cli
from labgen.cli import up as up_command
from labgen.core.errors import HostError
from labgen.machines import leftovers
from labgen.machines.lifecycle import Machines
from labgen.model.lab_folder import LabFolder, State
from labgen.providers.base import Machine
from labgen.providers.doctor import Choice


class Bench:
    """A lab folder, and a Vagrant that makes what the Vagrantfile names."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = LabFolder.at(path)
        self.log: list[str] = []
        self.interrupted = False
        self.ids = {"swarm-manager": "a0", "swarm-worker1": "a1", "swarm-worker2": "a2"}
        path.mkdir()
        monkeypatch.setattr(Machines, "driver", lambda *_: self)
        monkeypatch.setattr(Machines, "_box", lambda *_: None)
        monkeypatch.setattr(Machines, "reached", lambda *_: None)
        monkeypatch.setattr(Machines, "_lacks", lambda _machines, state: state)
        monkeypatch.setattr(up_command, "fab", self._fab)
        monkeypatch.setattr(up_command, "_choice", lambda *_: Choice("virtualbox", "", True, False))
        monkeypatch.setattr(leftovers, "look", lambda *_: [])

    def _fab(self, _folder: LabFolder, task: str, *options: str) -> int:
        self.log.append(" ".join([task, *options]))
        return 0

    def up(self, _provider: str, **_: Any) -> None:
        # Before anything is made, it is written down that it will be.
        record = self.folder.record()
        assert record is not None
        assert self.folder.state() == State("virtualbox")
        text = self.folder.vagrantfile.read_text(encoding="utf-8")
        for number, (name, identity) in enumerate(self.ids.items()):
            if self.interrupted and number == 1:
                raise KeyboardInterrupt
            if f"name: '{name}'" in text:
                machine = self.folder.vagrant_data / "machines" / name / "virtualbox"
                machine.mkdir(parents=True, exist_ok=True)
                (machine / "id").write_text(identity)
        self.log.append("up")

    def destroy(self, names: list[str], **_: Any) -> None:
        self.log.append(f"destroy {' '.join(names)}")
        for name in names:
            (self.folder.vagrant_data / "machines" / name / "virtualbox" / "id").unlink()

    def status(self) -> dict[str, Machine]:
        return {name: Machine(name, "running", "virtualbox") for name in self.folder.machine_names()}

    def type(self, *words: str, lab: str = "") -> int:
        """Type `labgen up`."""
        self.folder.lab_file.write_text(lab, encoding="utf-8")
        return cli.main(["-C", str(self.folder.path), "up", *words])

    def files(self) -> dict[str, bytes]:
        """Everything in the folder but for the lock."""
        return {
            str(file): file.read_bytes()
            for file in self.folder.path.rglob("*")
            if file.is_file() and file.name not in ("lock", "lab.yml")
        }


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(tmp_path / "lab", monkeypatch)


def test_up_writes_the_lab_down_as_it_makes_it(bench: Bench) -> None:
    assert bench.type(lab="memory: 768") == 0
    record = bench.folder.record()
    assert record is not None
    assert record.folder == str(bench.folder.path)
    assert record.mark == bench.folder.mark()
    assert record.ids == bench.ids
    assert {node.memory for node in record.lab.nodes} == {768}
    assert bench.log == ["up", "bootstrap"]


def test_up_that_was_interrupted_remembers_what_it_made(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    bench.interrupted = True
    assert bench.type(lab="memory: 768") == 130
    bench.interrupted = False
    capsys.readouterr()
    # The first machine has what it was made with, the others what lab.yml says by then.
    assert bench.type(lab="memory: 1024") == 0
    printed = capsys.readouterr().out
    assert "~ swarm-manager: memory 768 MiB -> 1024 MiB" in printed
    assert "+ swarm-worker1: new (worker, 10.0.2.102, 1024 MiB, 1 CPU)" in printed
    assert "swarm-manager: lab.yml has other settings. To apply them:  labgen up --reload" in printed
    record = bench.folder.record()
    assert record is not None
    assert [node.memory for node in record.lab.nodes] == [768, 1024, 1024]


def test_up_second_time_prints_no_difference(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    bench.type()
    capsys.readouterr()
    assert bench.type() == 0
    assert capsys.readouterr().out == "The lab is up. Next:  labgen run --list   and   labgen grade\n"


@pytest.mark.parametrize(
    ("lab", "words"),
    [
        ("workers: 1", []),
        ("workers: 1", ["--reload"]),
        ("network: 10.9.8.0/24", ["--prune", "--reload"]),
        ("{workers: 1, name: other}", ["--prune"]),
        ("nodes: [{name: m, role: manager}]", ["--prune"]),
    ],
)
def test_up_that_is_refused_does_nothing(
    bench: Bench, capsys: pytest.CaptureFixture[str], lab: str, words: list[str]
) -> None:
    bench.type()
    before, log = bench.files(), list(bench.log)
    assert bench.type(*words, lab=lab) == 7
    assert "Nothing was done." in capsys.readouterr().err
    assert (bench.files(), bench.log) == (before, log)


@pytest.mark.parametrize("lab", ["", "workers: 1", "memory: 2048", "network: 10.9.8.0/24"])
def test_up_dry_run_changes_nothing_and_prints_the_plan(
    bench: Bench, capsys: pytest.CaptureFixture[str], lab: str
) -> None:
    bench.type()
    before, log = bench.files(), list(bench.log)
    capsys.readouterr()
    assert bench.type("--dry-run", "--prune", lab=lab) == 0
    printed = capsys.readouterr().out
    assert (bench.files(), bench.log) == (before, log)
    assert ("labgen up would refuse this" in printed) == ("network" in lab)
    assert ("1. drain and take out of the swarm: swarm-worker2" in printed) == (lab == "workers: 1")


def test_up_prune_takes_out_and_removes_what_it_printed(bench: Bench) -> None:
    bench.type()
    bench.folder.ssh_config.write_text("Host swarm-manager\n")
    bench.log.clear()
    assert bench.type("--prune", lab="workers: 1") == 0
    assert bench.log == ["bootstrap.retire swarm-worker2", "destroy swarm-worker2", "up", "bootstrap"]
    assert set(bench.folder.machine_ids()["virtualbox"]) == {"swarm-manager", "swarm-worker1"}


@pytest.mark.parametrize("provider", ["", "nosuch", "virtualbox\n"])
def test_up_refuses_an_unknown_provider_before_anything_else(
    bench: Bench, provider: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["-C", str(bench.folder.path), "up", "--provider", provider]) == 2
    assert f"error: {provider!r} is not a provider.\n  Choose one of: " in capsys.readouterr().err
    assert not bench.folder.own.exists()


def test_up_with_a_damaged_state_sets_it_aside(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.folder.own.mkdir()
    (bench.folder.own / "state.json").write_text("{")
    monkeypatch.undo()

    def refuse(*_: object) -> None:
        raise HostError("nothing can be used here.")

    monkeypatch.setattr(up_command.doctor, "examine", refuse)
    assert cli.main(["-C", str(bench.folder.path), "up"]) == 5
    assert "labgen does not use that file." in capsys.readouterr().err
    assert (bench.folder.own / "state.json.damaged").read_text() == "{"
