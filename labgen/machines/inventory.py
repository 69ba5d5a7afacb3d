"""How to reach the nodes: one OpenSSH configuration for everything.

``labgen up`` (or the first use of a lab that `vagrant up` has started) writes ``.labgen/ssh_config`` from what is
known of each machine (:mod:`labgen.machines.connection_info`), and again when a machine was restarted since.
ssh, Fabric and testinfra all read that file, so they agree on how a node is reached: through which port, with which
key, through which network namespace.
"""

from __future__ import annotations

import contextlib
import logging
import os
import platform
import shlex
import socket
import stat
import threading
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labgen import config as labfile
from labgen.core.atomic_files import read, write_whole
from labgen.core.errors import HostError, MachineError, NodeError, ProgramMissing, ProgramTimeout
from labgen.core.i18n import _
from labgen.core.polling import Patience
from labgen.core.process import Runner
from labgen.machines import connection_info, ssh_config
from labgen.model.capabilities import Lacks, of_kernel
from labgen.model.lab import Lab, Node
from labgen.model.lab_folder import LabFolder, State
from labgen.model.record import after_up
from labgen.providers import PROVIDERS

if TYPE_CHECKING:
    from fabric import Connection

EMULATED = Patience(8.0)
"""Measured on machines without KVM: a docker command takes about eight times as long as on real ones."""

_HEAD = "# Written by labgen from what `vagrant ssh-config` says; `labgen up` writes it again."

CONNECT_TIMEOUT = 30
"""Seconds for a TCP connection and the SSH banner; emulated nodes under load need a good part of it."""

KEEPALIVE = 15
"""Seconds between packets that keep a connection alive, or show that its node is gone."""


@dataclass(frozen=True)
class Inventory:
    """A lab that is up: its data, and how to reach its nodes."""

    folder: LabFolder
    lab: Lab
    state: State
    _connections: dict[str, Connection] = field(default_factory=dict, compare=False, repr=False)
    _locks: dict[str, threading.Lock] = field(default_factory=dict, compare=False, repr=False)

    @property
    def ssh_config(self) -> Path:
        """OpenSSH configuration with one Host per node."""
        return self.folder.ssh_config

    @cached_property
    def patience(self) -> Patience:
        """What every deadline is multiplied by."""
        if not self.state.accelerated:
            return EMULATED
        provider = PROVIDERS.get(self.state.provider)
        return Patience(provider.slower_on.get(platform.system(), 1.0) if provider else 1.0)

    @property
    def lacks(self) -> Lacks:
        """What the nodes cannot do here, and why."""
        return self.state.lacks

    def connection(self, node: Node) -> Connection:
        """Give a Fabric connection to a node: the same one each time, opened when first used."""
        if node.name not in self._connections:
            # 0.3 s, which only what really connects pays.
            from fabric import Config, Connection
            from paramiko import SSHConfig

            # What becomes of a connection is told once, by our own error; paramiko logs its stack traces, too.
            logging.getLogger("paramiko").addHandler(logging.NullHandler())
            # One Config per Connection: a shared one leaks the identity files of one node to the others.
            text = read(self.ssh_config) or ""
            config = Config(ssh_config=SSHConfig.from_text(ssh_config.without_keys(text)))
            self._connections[node.name] = Connection(
                node.name,
                config=config,
                connect_timeout=CONNECT_TIMEOUT,
                connect_kwargs={"key_filename": ssh_config.keys(text, node.name)},
            )
        return self._connections[node.name]

    def opened(self, node: Node) -> Connection:
        """Open the node's Fabric connection, unless it is open.

        It sends a packet now and then, because a node that vanishes is only noticed by who sends: a command
        would otherwise wait for its whole deadline.
        """
        with self._locks.setdefault(node.name, threading.Lock()):
            connection = self.connection(node)
            if not connection.is_connected:
                connection.open()
                connection.transport.set_keepalive(KEEPALIVE)
                _give_up_in_time(connection.transport.sock)
            return connection

    def forget(self, node: Node) -> None:
        """Close a node's connection; the next that asks for it gets a new one. For a node that restarts."""
        connection = self._connections.pop(node.name, None)
        if connection is not None:
            with contextlib.suppress(Exception):
                connection.close()

    def close(self) -> None:
        """Close every Fabric connection that was opened."""
        # A thread may still be connecting, and add to them.
        while self._connections:
            _name, connection = self._connections.popitem()
            with contextlib.suppress(Exception):
                connection.close()


def _give_up_in_time(sock: object) -> None:
    """Let a connection end when its packets are not acknowledged, where the system can (Linux).

    Through a ProxyCommand the connection is not ours; the lab's own network namespace has the same setting.
    """
    option = getattr(socket, "TCP_USER_TIMEOUT", None)
    if option is not None and isinstance(sock, socket.socket):
        sock.setsockopt(socket.IPPROTO_TCP, option, 4 * KEEPALIVE * 1000)


def load(path: Path | None = None) -> Inventory:
    """Read the lab in a folder, with the way to its machines, as both are written down.

    :param path: the lab folder; the working directory where ``None``.
    :raises MachineError: its machines have not been brought up.
    :raises LabFileError: its lab.yml says something that cannot be.
    """
    folder = LabFolder.at(path)
    lab = lab_of(folder.path)
    state = folder.state()
    refuse_moved(folder)
    if state is None or not folder.ssh_config.exists():
        raise MachineError(
            _("the lab is not up: it was halted, or its start was interrupted."),
            _("Bring it up with `labgen up`."),
        )
    configured = hosts(read(folder.ssh_config) or "")
    missing = [node.name for node in lab.nodes if node.name not in configured]
    if missing:
        raise MachineError(
            _("the lab has no machine yet for %(missing)s.", missing=", ".join(missing)),
            _("Bring it up with `labgen up` (it adds what is missing)."),
        )
    return Inventory(folder, lab, state)


def discover(path: Path | None = None) -> Inventory:
    """Bring what is written down of a lab's machines up to date, then load the lab.

    Vagrant is asked about a lab that was started with `vagrant up`, and machines that were started again are followed:
    ``state.json`` and ``ssh_config`` may be written.

    :param path: the lab folder; the working directory where ``None``.
    :raises MachineError: its machines do not run.
    :raises LabFileError: its lab.yml says something that cannot be.
    """
    folder = LabFolder.at(path)
    lab = lab_of(folder.path)
    state = folder.state()
    refuse_moved(folder)
    if state is None:
        _take_over(folder, lab)
    elif folder.ssh_config.exists():
        _renew(folder, lab, state)
    if os.name == "posix":
        sockets()  # others may have come to be able to write there since
    return load(path)


def discover_as_made(path: Path | None = None) -> Inventory:
    """Discover a lab as its machines are: with those that lab.yml does not name any more, without new ones.

    :raises MachineError: its machines have not been brought up.
    """
    folder = LabFolder.at(path)
    record, state = folder.record(), folder.state()
    if record is None or state is None or not folder.ssh_config.exists():
        return discover(path)
    refuse_moved(folder)
    reached = hosts(read(folder.ssh_config) or "")
    nodes = tuple(node for node in record.lab.nodes if node.name in reached)
    return Inventory(folder, replace(record.lab, nodes=nodes), state)


def refuse_moved(folder: LabFolder) -> None:
    """Refuse to go on in a folder that was moved: what is written down of its machines has the earlier path in it.

    :raises MachineError: it was moved, or is a copy.
    """
    earlier, original = folder.moved_from(), folder.copied_from()
    if earlier is None and original is None:
        return
    if original is not None:
        raise MachineError(
            _(
                "this folder is a copy of %(original)s, and the machines it knows are of the lab there.",
                original=original,
            ),
            _(
                "For that lab:\n"
                "labgen -C %(quote)s status\n"
                "To make a lab of its own here, remove what belongs to the other one first:\n"
                "rm -r %(quote2)s %(quote3)s",
                quote=shlex.quote(str(original)),
                quote2=shlex.quote(str(folder.own)),
                quote3=shlex.quote(str(folder.vagrant_data)),
            ),
        )
    raise MachineError(
        _("this folder was moved: its machines were made in %(earlier)s.", earlier=earlier),
        _("To go on with them here:\nlabgen up\nTo remove them:\nlabgen down"),
    )


def _renew(folder: LabFolder, lab: Lab, state: State) -> None:
    """Follow machines that were started again by `vagrant reload` or `vagrant up`: their ports may be others now."""
    if state.namespace:
        return  # only labgen goes in there
    accesses = connection_info.of_all(folder.path, state.provider, [node.name for node in lab.nodes])
    if accesses and any(machine.since > folder.ssh_config.stat().st_mtime_ns for machine in accesses.values()):
        write_ssh_config(folder, connection_info.ssh_config(accesses), proxy_command=None)


def lab_of(path: Path | None = None) -> Lab:
    """Read the lab that a folder describes, up or not.

    :raises LabFileError: its lab.yml says something that cannot be.
    """
    return labfile.of_folder(LabFolder.at(path).path)


def _take_over(folder: LabFolder, lab: Lab) -> None:
    """Ask Vagrant about a lab that was started with `vagrant up` by hand, and write the answer down."""
    from labgen.host.computer import Host
    from labgen.machines.vagrant import Vagrant

    if not folder.vagrantfile.exists():
        raise MachineError(
            _("The lab in %(path)s is not up.", path=folder.path),
            _("Start it with `labgen up`, or run this in the lab's folder."),
        )
    if any(name in PROVIDERS and not PROVIDERS[name].uses_vagrant for name in folder.machine_ids()):
        raise MachineError(_("the stored state of this lab is incomplete."), _("Bring it up with `labgen up`."))
    vagrant = Vagrant(folder.path, Runner(), folder.logs / "vagrant.log")
    machines = vagrant.status()
    down = [node.name for node in lab.nodes if node.name not in machines or not machines[node.name].running]
    if down:
        raise MachineError(
            _("not running: %(down)s.", down=", ".join(down)),
            _("Bring the lab up with `labgen up` (or `vagrant up`) first."),
        )
    provider = machines[lab.nodes[0].name].provider
    # What the Vagrantfile itself goes by when it chooses between the processor and emulation.
    accelerated = provider not in PROVIDERS or PROVIDERS[provider].checks().accelerated(Host())
    state = State(provider, accelerated)
    accesses = connection_info.of_all(folder.path, provider, [node.name for node in lab.nodes])
    vagrant_config = connection_info.ssh_config(accesses) if accesses else vagrant.ssh_config()
    write_ssh_config(folder, vagrant_config, proxy_command=None)
    state = replace(state, lacks=find_lacks(folder, lab, state))
    ids = folder.machine_ids().get(provider, {})
    path, mark = str(folder.path), folder.draw_mark()
    folder.remember(state, after_up(lab, None, folder=path, mark=mark, earlier={}, ids=ids))


def find_lacks(folder: LabFolder, lab: Lab, state: State) -> Lacks:
    """Find what the nodes of a running lab cannot do: the provider says, or the kernel under them.

    :raises NodeError: the first manager, which is asked, does not answer.
    """
    provider = PROVIDERS.get(state.provider)
    if provider is None:
        return {}  # one that someone has added to the Vagrantfile by hand
    if not provider.shares_kernel:
        return provider.lacks
    return {**provider.lacks, **of_kernel(lambda command: ask_once(folder, lab.first_manager, command))}


def ask_once(folder: LabFolder, node: Node, command: str, within: float = 60) -> str:
    """Run a command line as root on a node and give its output; by ssh, which is there sooner than Fabric.

    :param within: deadline in seconds.
    :raises NodeError: the node does not answer, or the command failed.
    """
    # One that stays open would hold on to the output, and this wait for its end.
    alone = ("-o", "ControlMaster=no", "-o", "ControlPath=none")
    try:
        result = Runner().run(
            ["ssh", *alone, "-F", folder.ssh_config, node.name, f"sudo -n {command}"],
            timeout=within,
            hint="Install an OpenSSH client (Windows has one).",
        )
    except ProgramTimeout:
        raise NodeError(
            _("%(node)s does not answer.", node=node.name), _("Run `labgen up` again: it carries on.")
        ) from None
    if not result.ok:
        raise NodeError(
            _(
                "%(node)s cannot be asked: %(value)s",
                node=node.name,
                value=result.err.strip() or f"ssh ended with status {result.status}",
            ),
            _("Check with `labgen status` whether the machine runs; start it with `labgen up`."),
        )
    return result.out


def hosts(config: str) -> frozenset[str]:
    """List the hosts in an OpenSSH configuration."""
    return frozenset(host.name for host in ssh_config.parse(config))


def write_ssh_config(folder: LabFolder, vagrant_config: str, *, proxy_command: str | None) -> None:
    """Turn what `vagrant ssh-config` says into the lab's own configuration, readable by its owner only.

    :param vagrant_config: Vagrant's text.
    :param proxy_command: OpenSSH's ``ProxyCommand`` for every node, where they live in a network namespace.
    """
    extra: dict[str, Any] = {
        "ConnectTimeout": CONNECT_TIMEOUT,
        "ServerAliveInterval": KEEPALIVE,
        "ServerAliveCountMax": 4,
        # Vagrant's FATAL would keep to itself why a node cannot be reached.
        "LogLevel": "ERROR",
    }
    if proxy_command:
        extra["ProxyCommand"] = proxy_command
    if os.name == "posix":
        # The folder's id keeps two labs apart whose nodes have the same addresses in namespaces of their own.
        extra |= {
            "ControlMaster": "auto",
            "ControlPersist": "120",
            "ControlPath": str(sockets() / f"{folder.id}-%C"),
        }
    text = ssh_config.compose(ssh_config.parse(vagrant_config), extra)
    write_whole(folder.ssh_config, f"{_HEAD}\n{text}", mode=0o600)


def sockets() -> Path:
    """Give the folder for the sockets of shared connections, made where it is missing.

    Whoever can write there can answer in a node's place: so it must be a folder, the user's own, and closed to others.

    :raises MachineError: it is not.
    """
    # /tmp, not the user's own temporary folder: a socket's path may have 104 characters on macOS.
    folder = Path("/tmp") / f"labgen-{os.getuid()}"  # noqa: S108 - looked at below
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        # Of a link itself, not of what it leads to.
        status = folder.lstat()
    except OSError as why:
        raise MachineError(
            _("%(folder)s cannot be made: %(value)s.", folder=folder, value=why.strerror or why),
            _("Remove %(folder)s.", folder=folder),
        ) from None
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise MachineError(
            _("%(folder)s is no folder, belongs to someone else, or is open to others.", folder=folder),
            _("Remove %(folder)s.", folder=folder),
        )
    return folder


def close_shared(folder: LabFolder, runner: Runner) -> None:
    """End the shared SSH connections of a lab that is going away."""
    if not folder.ssh_config.exists() or os.name != "posix":
        return
    # They end by themselves soon: that they cannot be ended keeps no lab from going.
    with contextlib.suppress(ProgramMissing, ProgramTimeout, HostError, OSError):
        for name in hosts(read(folder.ssh_config) or ""):
            runner.run(["ssh", "-F", folder.ssh_config, "-O", "exit", name], timeout=20)
