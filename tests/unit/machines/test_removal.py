"""Removing what was made: by the record, whatever has become of lab.yml, the Vagrantfile and the folder's path."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from labgen import cli, config
from labgen.core.errors import MachineError
from labgen.core.process import Runner
from labgen.machines import inventory, leftovers, render
from labgen.machines.leftovers import LabIdentity, Leftover
from labgen.machines.lifecycle import Machines
from labgen.model.lab_folder import LabFolder, State
from labgen.model.record import after_up

MADE = config.parse("workers: 2")
IDS = {"swarm-manager": "a0", "swarm-worker1": "a1", "swarm-worker2": "a2"}


class FakeVagrant:
    """Destroys what its Vagrantfile names and is made."""

    def __init__(self, folder: LabFolder, file: Path, log: list[str]) -> None:
        self.folder, self.file, self.log = folder, file, log
        self.fails = ""

    def destroy(self, names: Iterable[str] = (), **_: Any) -> None:
        file = self.folder.path / self.file
        self.log.append(" ".join([f"destroy by {self.file}", *names]))
        if self.fails:
            raise MachineError(self.fails)
        text = file.read_text(encoding="utf-8")
        for provider, machines in self.folder.machine_ids().items():
            for name in machines:
                if f"name: '{name}'" in text and (not names or name in names):
                    (self.folder.vagrant_data / "machines" / name / provider / "id").unlink()

    def halt(self, names: Iterable[str] = (), **_: Any) -> None:
        self.log.append(" ".join([f"halt by {self.file}", *names]))


class World:
    """A lab that is up on VirtualBox, and what VirtualBox has of it."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = LabFolder.at(path)
        self.log: list[str] = []
        self.fails = ""
        self.removed_by_vagrant = True
        path.mkdir()
        self.folder.lab_file.write_text("workers: 2\n")
        self.folder.vagrantfile.write_text(render.render(MADE))
        for name, identity in IDS.items():
            machine = self.folder.vagrant_data / "machines" / name / "virtualbox"
            machine.mkdir(parents=True)
            (machine / "id").write_text(identity)
        mark = self.folder.draw_mark()
        lab_record = after_up(MADE, None, folder=str(self.folder.path), mark=mark, earlier={}, ids=IDS)
        self.folder.remember(State("virtualbox"), lab_record)
        monkeypatch.setattr(Machines, "_vagrant", lambda _machines, state, file: self._vagrant(state, file))
        monkeypatch.setattr(leftovers, "look", self._look)

    def _vagrant(self, _state: State, file: Path) -> FakeVagrant:
        vagrant = FakeVagrant(self.folder, file, self.log)
        vagrant.fails = self.fails
        return vagrant

    def _look(self, provider: str, _runner: Runner, traces: LabIdentity) -> list[Leftover]:
        identities = self.folder.machine_ids().get(provider, {}) if self.removed_by_vagrant else traces.ids
        return [
            Leftover("machine", name, (("VBoxManage", "unregistervm", identity, "--delete"),), False)
            for name, identity in identities.items()
            if traces.ids.get(name) == identity
        ]

    def down(self, *nodes: str) -> int:
        return cli.main(["-C", str(self.folder.path), "down", *nodes])


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(tmp_path / "lab", monkeypatch)


@pytest.mark.parametrize("lab", ["workers: 0\n", "name: another\n", "workers: [\n", "memory: 2GB\n"])
def test_down_removes_what_was_made_whatever_lab_yml_says_now(
    world: World, lab: str, capsys: pytest.CaptureFixture[str]
) -> None:
    world.folder.lab_file.write_text(lab)
    assert world.down() == 0
    assert "The lab is removed." in capsys.readouterr().out
    assert world.folder.machine_ids() == {}
    assert world.log == ["destroy by .labgen/Vagrantfile"]
    assert not (world.folder.path / ".labgen" / "Vagrantfile").exists()


def test_down_names_machines_that_lab_yml_does_not(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.folder.lab_file.write_text("workers: 1\n")
    assert world.down() == 0
    assert "swarm-worker2" in capsys.readouterr().err


def test_down_without_a_vagrantfile_goes_by_the_record(world: World) -> None:
    world.folder.vagrantfile.unlink()
    assert world.down() == 0
    assert world.folder.machine_ids() == {}


def test_down_with_a_persons_vagrantfile_uses_both(world: World) -> None:
    world.folder.vagrantfile.write_text("# something else altogether\n")
    assert world.down() == 0
    assert world.log == ["destroy by Vagrantfile", "destroy by .labgen/Vagrantfile"]
    assert world.folder.machine_ids() == {}


def test_down_that_leaves_something_says_what_and_how_to_remove_it(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.fails = "VBoxManage failed: the disk is in use"
    assert world.down() == 7
    printed = capsys.readouterr()
    assert "The lab is removed." not in printed.out
    assert "machine swarm-manager, machine swarm-worker1, machine swarm-worker2" in printed.err
    assert "the disk is in use" in printed.err
    assert "VBoxManage unregistervm a1 --delete" in printed.err
    # What is known of them is kept for the next time.
    assert world.folder.record() is not None
    world.fails = ""
    assert world.down() == 0


def test_down_does_not_believe_vagrant_alone(world: World) -> None:
    world.removed_by_vagrant = False
    assert world.down() == 7


def test_down_when_only_the_look_is_well_is_well(world: World) -> None:
    """Vagrant fails of machines that somebody has removed by hand: they are gone all the same."""
    shutil.rmtree(world.folder.vagrant_data / "machines")
    world.fails = "no such machine"
    assert world.down() == 0
    assert world.folder.state() is None


def test_down_of_a_machine_that_lab_yml_does_not_name(world: World) -> None:
    world.folder.lab_file.write_text("workers: 1\n")
    assert world.down("swarm-worker2") == 0
    record = world.folder.record()
    assert record is not None
    assert [node.name for node in record.lab.nodes] == ["swarm-manager", "swarm-worker1"]
    assert world.down("swarm-worker7") == 2


def test_copy_is_refused_by_every_command_that_acts(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "copy of it's lab"
    shutil.copytree(world.folder.path, copy)
    for command in (["up"], ["down"], ["halt"], ["down", "swarm-worker1"], ["grade"], ["ssh", "swarm-manager"]):
        assert cli.main(["-C", str(copy), *command]) == 7
        assert f"this folder is a copy of {world.folder.path}" in capsys.readouterr().err
    assert world.log == []
    # Once the first one is gone, its machines are this folder's: it was moved, in two steps.
    shutil.rmtree(world.folder.path)
    assert LabFolder.at(copy).copied_from() is None
    assert LabFolder.at(copy).moved_from() == world.folder.path


def test_load_of_a_moved_folder_says_how_to_go_on(world: World, tmp_path: Path) -> None:
    moved = world.folder.path.rename(tmp_path / "moved")
    with pytest.raises(MachineError, match="this folder was moved") as caught:
        inventory.discover(moved)
    assert "labgen up" in caught.value.hint
    assert "labgen down" in caught.value.hint


def test_mark_is_the_folders_and_not_its_paths(world: World, tmp_path: Path) -> None:
    mark = world.folder.mark()
    moved = LabFolder.at(world.folder.path.rename(tmp_path / "moved"))
    assert moved.mark() == mark
    # Vagrant's data was removed by hand: labgen's own copy of it counts.
    shutil.rmtree(moved.vagrant_data)
    assert moved.mark() == mark
    assert LabFolder.at(world.folder.path).draw_mark() != mark


def test_copy_of_vagrants_data_alone_is_refused_too(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in IDS:
        (world.folder.vagrant_data / "machines" / name / "virtualbox" / "vagrant_cwd").write_text(
            str(world.folder.path)
        )
    copy = tmp_path / "copy"
    copy.mkdir()
    shutil.copytree(world.folder.vagrant_data, copy / ".vagrant")
    assert cli.main(["-C", str(copy), "down"]) == 7
    assert f"this folder is a copy of {world.folder.path}" in capsys.readouterr().err
    assert world.log == []
    assert world.down() == 0


def test_down_looks_for_what_bears_the_mark_where_nothing_else_is_known(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(world.folder.own)
    shutil.rmtree(world.folder.vagrant_data / "machines")
    looks: list[tuple[str, LabIdentity]] = []
    monkeypatch.setattr(leftovers, "look", lambda provider, _runner, traces: looks.append((provider, traces)) or [])
    assert world.down() == 0
    ((provider, traces),) = looks
    assert (provider, bool(traces.mark), traces.ids) == ("docker", True, {})


@pytest.mark.parametrize("namespace", ["../../home", "x/../../etc", "", "labgen-/..", "another"])
def test_state_refuses_a_namespace_that_would_be_another_path(world: World, namespace: str) -> None:
    file = world.folder.own / "state.json"
    file.write_text(file.read_text().replace('"namespace": null', f'"namespace": "{namespace}"'))
    with pytest.raises(MachineError, match="cannot be read"):
        world.folder.state()


def test_halt_knows_machines_that_lab_yml_does_not_name(world: World) -> None:
    assert cli.main(["-C", str(world.folder.path), "halt"]) == 0
    world.folder.lab_file.write_text("workers: 1\n")
    assert cli.main(["-C", str(world.folder.path), "halt"]) == 0
    assert cli.main(["-C", str(world.folder.path), "halt", "swarm-worker2"]) == 0
    recorded = "halt by .labgen/Vagrantfile"
    assert world.log == ["halt by Vagrantfile", recorded, f"{recorded} swarm-worker2"]
