"""How machines are reached: what the Vagrantfile writes down, and what becomes of it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from labgen import config
from labgen.core.progress import Progress
from labgen.machines import connection_info, inventory, vagrant
from labgen.machines.lifecycle import Machines
from labgen.model.lab_folder import LabFolder, State
from labgen.providers.machine_data import MachineData

LAB = config.parse("{workers: 1, ports: [{guest: 8001, host: 9001}, {guest: 80, node: swarm-worker1}]}")
NAMES = [node.name for node in LAB.nodes]


def host(name: str, port: int) -> str:
    return f"Host {name}\n  HostName 127.0.0.1\n  User vagrant\n  Port {port}\n\n"


def wrote(folder: Path, name: str, port: int = 2222, provider: str = "virtualbox", **fields: Any) -> Path:
    """As the trigger does."""
    path = MachineData(folder, provider, name).connection
    path.parent.mkdir(parents=True, exist_ok=True)
    ports = [{"guest": 22, "host": port}, {"guest": 8001, "host": 2201}]
    content = {"version": 1, "ssh_config": host(name, port), "ports": ports, **fields}
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_connection_info_all_that_was_written_is_known(tmp_path: Path) -> None:
    for number, name in enumerate(NAMES):
        wrote(tmp_path, name, 2222 + number)
    information = connection_info.of_all(tmp_path, "virtualbox", NAMES)
    assert information is not None
    assert inventory.hosts(connection_info.ssh_config(information)) == set(NAMES)
    assert information["swarm-manager"].ports == {22: (2222,), 8001: (2201,)}


def test_connection_info_one_machine_that_is_not_known_is_reason_to_ask(tmp_path: Path) -> None:
    wrote(tmp_path, NAMES[0])
    assert connection_info.of_all(tmp_path, "virtualbox", NAMES) is None
    wrote(tmp_path, NAMES[1], provider="docker")
    assert connection_info.of_all(tmp_path, "virtualbox", NAMES) is None


@pytest.mark.parametrize("fields", [{"version": 2}, {"ports": [{"guest": 1}]}, {"ports": None}])
def test_connection_info_what_cannot_be_read_is_not_known(tmp_path: Path, fields: dict[str, Any]) -> None:
    wrote(tmp_path, NAMES[0], **fields)
    assert connection_info.of(tmp_path, "virtualbox", NAMES[0]) is None


@pytest.mark.parametrize("text", ["", "[]", '{"version": 1', "null"])
def test_half_a_file_is_none(tmp_path: Path, text: str) -> None:
    wrote(tmp_path, NAMES[0]).write_text(text)
    assert connection_info.of(tmp_path, "virtualbox", NAMES[0]) is None


def test_access_is_read_where_labgen_has_vagrant_keep_its_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrote(tmp_path, NAMES[0])
    monkeypatch.setenv("VAGRANT_DOTFILE_PATH", "another lab's")
    assert connection_info.of(tmp_path, "virtualbox", NAMES[0]) is not None
    assert vagrant.only(tmp_path)["VAGRANT_DOTFILE_PATH"] == str(tmp_path / ".vagrant")


def test_ports_of_the_lab_and_where_they_lead_from(tmp_path: Path) -> None:
    wrote(tmp_path, NAMES[0])
    first, second = LAB.ports
    assert connection_info.ports(tmp_path, LAB, "virtualbox") == [(first, 2201), (second, None)]
    assert connection_info.ports(tmp_path, LAB, "libvirt") == []
    assert connection_info.ports(tmp_path, LAB, "vmware_desktop") == []


@pytest.mark.parametrize(
    ("hosts", "answering"),
    [
        ([8080, 8081], [8080, 8081]),
        ([8081, 8080], [8080, 8081]),
        # One of the two was taken, and Vagrant has chosen another.
        ([8081, 2203], [2203, 8081]),
        ([2203, 8080], [8080, 2203]),
        ([2203, 2204], [2203, 2204]),
        # A machine that has been made before the second port was in lab.yml.
        ([8080], [8080, None]),
        ([], [None, None]),
    ],
)
def test_ports_two_of_this_computer_lead_to_one_of_a_node(
    tmp_path: Path, hosts: list[int], answering: list[int | None]
) -> None:
    lab = config.parse("ports: [{guest: 80, host: 8080}, {guest: 80, host: 8081}]")
    wrote(tmp_path, NAMES[0], ports=[{"guest": 80, "host": host} for host in hosts])
    assert [host for _, host in connection_info.ports(tmp_path, lab, "virtualbox")] == answering


class Asked:
    """Vagrant, which counts how often it is asked."""

    def __init__(self) -> None:
        self.times = 0

    def ssh_config(self) -> str:
        self.times += 1
        return "".join(host(name, 2222) for name in NAMES)


def test_up_asks_vagrant_only_where_nothing_is_written(tmp_path: Path) -> None:
    vagrant = Asked()
    machines = Machines(LabFolder.at(tmp_path), LAB, Progress())
    assert "Port 2222" in machines._ssh_config(vagrant, State("virtualbox"))  # type: ignore[arg-type]
    assert vagrant.times == 1
    for name in NAMES:
        wrote(tmp_path, name, 2299)
    assert "Port 2299" in machines._ssh_config(vagrant, State("virtualbox"))  # type: ignore[arg-type]
    assert vagrant.times == 1


@pytest.fixture
def up(tmp_path: Path) -> LabFolder:
    """A lab that is up, its machines all at port 2222."""
    folder = LabFolder.at(tmp_path)
    folder.lab_file.write_text("workers: 1\n", encoding="utf-8")
    folder.remember(State("virtualbox"))
    for name in NAMES:
        wrote(tmp_path, name)
    inventory.write_ssh_config(folder, "".join(host(name, 2222) for name in NAMES), proxy_command=None)
    return folder


def restarted(folder: LabFolder, name: str, port: int, seconds: float) -> None:
    since = folder.ssh_config.stat().st_mtime + seconds
    os.utime(wrote(folder.path, name, port), (since, since))


def test_connection_info_machine_started_again_is_followed_to_its_new_port(up: LabFolder) -> None:
    restarted(up, NAMES[1], 2244, seconds=1)
    inventory.discover(up.path)
    assert "Port 2244" in up.ssh_config.read_text()
    assert "ControlMaster" in up.ssh_config.read_text()


def test_connection_info_what_is_older_than_the_configuration_changes_nothing(up: LabFolder) -> None:
    restarted(up, NAMES[1], 2244, seconds=-1)
    before = up.ssh_config.stat()
    inventory.discover(up.path)
    assert up.ssh_config.stat().st_mtime_ns == before.st_mtime_ns


def test_connection_info_after_a_snapshot_the_vagrantfile_writes_it_down_anew(
    up: LabFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Vagrant starts machines without the Vagrantfile's hearing of it, and they may have other ports than before."""
    actions: list[str] = []

    class Restoring(Asked):
        def halt(self, names: list[str], *, force: bool, **_: Any) -> None:
            assert force
            actions.append(f"{' '.join(names)} off")

        def restore_snapshot(self, name: str, machine: str, **_: Any) -> None:
            assert connection_info.of_all(up.path, "virtualbox", NAMES) is None
            actions.append(f"{machine} {name}")

        def up(self, provider: str, **_: Any) -> None:
            assert provider == "virtualbox"
            for name in NAMES:
                wrote(up.path, name, 2288)
            actions.append("up")

    vagrant = Restoring()
    monkeypatch.setattr(Machines, "driver", lambda *_: vagrant)
    Machines(up, LAB, Progress()).restore(State("virtualbox"), "before")
    # No manager is at work while workers are not as they were.
    assert actions == ["swarm-manager off", "swarm-worker1 before", "swarm-manager before", "up"]
    assert vagrant.times == 0
    assert "Port 2288" in up.ssh_config.read_text()
    # Nor is it followed back to what was written before.
    inventory.discover(up.path)
    assert "Port 2288" in up.ssh_config.read_text()
