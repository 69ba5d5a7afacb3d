"""How nodes are reached: Vagrant's SSH configuration, and what labgen adds to it."""

from __future__ import annotations

import os
import platform
import stat
from pathlib import Path

import pytest

from labgen import config
from labgen.core.errors import LabFileError, MachineError
from labgen.core.process import Runner
from labgen.machines import inventory, ssh_config
from labgen.model.lab_folder import LabFolder, State
from tests import needs

# As `vagrant ssh-config` printed it (Vagrant 2.3.4, vagrant-libvirt 0.11.2).
TOLD = """\
[fog][WARNING] Unrecognized arguments: libvirt_ip_command
Host swarm-manager
  HostName 192.168.221.17
  User vagrant
  Port 22
  UserKnownHostsFile /dev/null
  StrictHostKeyChecking no
  PasswordAuthentication no
  IdentityFile "/home/kim/my lab/.vagrant/machines/swarm-manager/libvirt/private_key"
  IdentitiesOnly yes
  LogLevel FATAL

Host swarm-worker1
  HostName 192.168.221.161
  User vagrant
  Port 22
"""


def folder(tmp_path: Path) -> LabFolder:
    return LabFolder.at(tmp_path)


def test_inventory_every_host_gets_what_is_added() -> None:
    text = ssh_config.compose(ssh_config.parse(TOLD), {"ProxyCommand": "nsenter --net=/run/netns/x nc %h %p"})
    assert text.count("  ProxyCommand nsenter") == 2
    assert "WARNING" not in text
    assert inventory.hosts(text) == {"swarm-manager", "swarm-worker1"}


def test_configuration_is_the_owners_alone(tmp_path: Path) -> None:
    inventory.write_ssh_config(folder(tmp_path), TOLD, proxy_command=None)
    path = folder(tmp_path).ssh_config
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "ProxyCommand" not in path.read_text()
    assert "ControlMaster auto" in path.read_text()


def test_paramiko_and_openssh_read_the_same(tmp_path: Path) -> None:
    import paramiko

    inventory.write_ssh_config(folder(tmp_path), TOLD, proxy_command="nsenter --net=/run/netns/x nc %h %p")
    text = folder(tmp_path).ssh_config.read_text()
    options = paramiko.SSHConfig.from_text(text).lookup("swarm-manager")
    assert options["hostname"] == "192.168.221.17"
    assert options["loglevel"] == "ERROR"  # FATAL would keep to itself why a node cannot be reached
    assert ssh_config.keys(text, "swarm-manager") == [
        "/home/kim/my lab/.vagrant/machines/swarm-manager/libvirt/private_key"
    ]
    assert options["proxycommand"] == "nsenter --net=/run/netns/x nc 192.168.221.17 22"


def up(tmp_path: Path, vagrants_config: str = TOLD, lab: str = "workers: 1") -> None:
    (tmp_path / "lab.yml").write_text(lab)
    inventory.write_ssh_config(folder(tmp_path), vagrants_config, proxy_command=None)
    folder(tmp_path).remember(State("libvirt", accelerated=False, namespace="labgen-x"))


def test_inventory_lab_that_is_up_is_found(tmp_path: Path) -> None:
    up(tmp_path)
    lab = inventory.discover(tmp_path)
    assert lab.state == State("libvirt", accelerated=False, namespace="labgen-x")
    assert lab.patience.seconds(10) == 80
    manager = lab.lab.first_manager
    first = lab.connection(manager)
    assert lab.connection(manager) is first
    lab.forget(manager)
    lab.forget(manager)
    assert lab.connection(manager) is not first


def test_inventory_node_added_since_is_named(tmp_path: Path) -> None:
    up(tmp_path, lab="workers: 2")
    with pytest.raises(MachineError, match="no machine yet for swarm-worker2") as caught:
        inventory.discover(tmp_path)
    assert "labgen up" in caught.value.hint


def test_inventory_no_lab_at_all(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="is not up"):
        inventory.discover(tmp_path)


def test_mistakes_in_the_lab_file_come_first(tmp_path: Path) -> None:
    up(tmp_path, lab="workers: many")
    with pytest.raises(LabFileError):
        inventory.discover(tmp_path)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        *((text, "damaged") for text in ("", "{", "[]", "null", '"x"', '{"version": 1}', "[" * 100_000)),
        ('{"version": 99}', "of another version of labgen"),
    ],
)
def test_inventory_damaged_state_is_one_message(tmp_path: Path, text: str, why: str) -> None:
    up(tmp_path)
    (tmp_path / ".labgen" / "state.json").write_text(text)
    with pytest.raises(MachineError, match=rf"state\.json cannot be read: it is {why}\.\n"):
        inventory.discover(tmp_path)


def test_state_comes_back_as_it_was_written(tmp_path: Path) -> None:
    state = State("virtualbox", accelerated=True, namespace=None)
    folder(tmp_path).remember(state)
    assert folder(tmp_path).state() == state
    folder(tmp_path).forget()
    assert folder(tmp_path).state() is None


@pytest.fixture
def sockets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for sockets, in a /tmp of the test's own."""
    needs.posix("users and permission bits")
    place = tmp_path / "tmp"
    place.mkdir()
    monkeypatch.setattr(inventory, "Path", lambda path: place if str(path) == "/tmp" else Path(path))
    return place / f"labgen-{os.getuid()}"


def test_sockets_are_closed_to_others(sockets: Path) -> None:
    assert inventory.sockets() == sockets
    assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
    assert inventory.sockets() == sockets


@pytest.mark.parametrize("mode", [0o750, 0o705, 0o770, 0o777, 0o1777])
def test_sockets_open_to_others_are_refused(sockets: Path, mode: int) -> None:
    sockets.mkdir()
    sockets.chmod(mode)
    with pytest.raises(MachineError, match="open to others") as refused:
        inventory.sockets()
    assert refused.value.hint == f"Remove {sockets}."


def test_sockets_of_someone_else_are_refused(sockets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sockets.mkdir(mode=0o700)
    owner = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: owner + 1)
    sockets.rename(sockets.with_name(f"labgen-{owner + 1}"))
    with pytest.raises(MachineError, match="belongs to someone else"):
        inventory.sockets()


def test_sockets_in_the_place_of_which_a_link_stands_are_refused(sockets: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir(mode=0o700)
    sockets.symlink_to(tmp_path / "mine")
    with pytest.raises(MachineError, match="no folder"):
        inventory.sockets()


def test_sockets_are_looked_at_each_time_a_lab_is_used(tmp_path: Path, sockets: Path) -> None:
    up(tmp_path)
    sockets.chmod(0o777)
    with pytest.raises(MachineError, match="open to others"):
        inventory.discover(tmp_path)


def test_shared_connections_are_no_reason_to_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    up(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    inventory.close_shared(folder(tmp_path), Runner())


@pytest.mark.parametrize(
    ("provider", "system", "seconds"),
    [("virtualbox", "Windows", 30), ("virtualbox", "Linux", 10), ("docker", "Windows", 10), ("unknown", "Windows", 10)],
)
def test_patience_is_longer_for_machines_on_top_of_hyper_v(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, provider: str, system: str, seconds: float
) -> None:
    monkeypatch.setattr(platform, "system", lambda: system)
    lab = inventory.Inventory(folder(tmp_path), config.parse(""), State(provider))
    assert lab.patience.seconds(10) == seconds
