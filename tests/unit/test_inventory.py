"""How nodes are reached: Vagrant's SSH configuration, and what labgen adds to it."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from labgen import inventory
from labgen.errors import LabFileError, MachineError
from labgen.folder import LabFolder, State

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


def test_every_host_gets_what_is_added() -> None:
    text = inventory.compose_ssh_config(TOLD, {"ProxyCommand": "nsenter --net=/run/netns/x nc %h %p"})
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
    told = paramiko.SSHConfig.from_path(str(folder(tmp_path).ssh_config)).lookup("swarm-manager")
    assert told["hostname"] == "192.168.221.17"
    assert told["identityfile"] == ["/home/kim/my lab/.vagrant/machines/swarm-manager/libvirt/private_key"]
    assert told["proxycommand"] == "nsenter --net=/run/netns/x nc 192.168.221.17 22"


def up(tmp_path: Path, told: str = TOLD, lab: str = "workers: 1") -> None:
    (tmp_path / "lab.yml").write_text(lab)
    inventory.write_ssh_config(folder(tmp_path), told, proxy_command=None)
    folder(tmp_path).remember(State("libvirt", accelerated=False, namespace="labgen-x"))


def test_a_lab_that_is_up_is_found(tmp_path: Path) -> None:
    up(tmp_path)
    lab = inventory.load(tmp_path)
    assert lab.state == State("libvirt", accelerated=False, namespace="labgen-x")
    assert lab.patience.seconds(10) == 80
    manager = lab.lab.first_manager
    first = lab.connection(manager)
    assert lab.connection(manager) is first
    lab.forget(manager)
    lab.forget(manager)
    assert lab.connection(manager) is not first


def test_a_node_added_since_is_named(tmp_path: Path) -> None:
    up(tmp_path, lab="workers: 2")
    with pytest.raises(MachineError, match="no machine yet for swarm-worker2") as caught:
        inventory.load(tmp_path)
    assert "labgen up" in caught.value.hint


def test_no_lab_at_all(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="there is no lab in"):
        inventory.load(tmp_path)


def test_mistakes_in_the_lab_file_come_first(tmp_path: Path) -> None:
    up(tmp_path, lab="workers: many")
    with pytest.raises(LabFileError):
        inventory.load(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 99}', '{"version": 1}', '"x"'])
def test_a_damaged_state_is_one_message(tmp_path: Path, text: str) -> None:
    up(tmp_path)
    (tmp_path / ".labgen" / "state.json").write_text(text)
    with pytest.raises(MachineError, match=r"state\.json cannot be read"):
        inventory.load(tmp_path)


def test_state_comes_back_as_it_was_written(tmp_path: Path) -> None:
    state = State("virtualbox", accelerated=True, namespace=None)
    folder(tmp_path).remember(state)
    assert folder(tmp_path).state() == state
    folder(tmp_path).forget()
    assert folder(tmp_path).state() is None
