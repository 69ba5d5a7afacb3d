"""The nodes as testinfra hosts: one SSH connection for each, opened when it is first needed.

testinfra's own ``host`` fixture and ``--hosts`` are not used: they open a connection for every set of hosts that
modules name, and wait for an answer without end. Here a node has one host for the whole run. OpenSSH shares its
connection (ControlMaster, as the lab's ssh configuration says); where that does not exist, on Windows, paramiko
keeps one open.
"""

from __future__ import annotations

import secrets
import shlex
import threading
from functools import cached_property
from typing import Any

import testinfra.host
from testinfra.backend.base import BaseBackend, CommandResult
from testinfra.backend.ssh import SshBackend

from labgen.core import bounded
from labgen.core.errors import HostError, NodeError
from labgen.core.process import Runner
from labgen.docker import api
from labgen.machines import ssh_config
from labgen.machines.inventory import CONNECT_TIMEOUT, Inventory
from labgen.machines.unreachable import unreached
from labgen.model.lab import Node
from labgen.transport.protocol import LONGEST, Transport
from labgen.transport.remote import SYSTEM_PATH

_BESIDE = 65536
"""Bytes that a login may print besides."""

_LOST = 255
"""ssh's exit status where the connection, not the command, failed."""


class SshHosts(Transport):
    """The nodes of a lab that is up."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory
        self._hosts: dict[str, testinfra.host.Host] = {}
        # Not to be guessed by what prints before it.
        self._mark = f"@@{secrets.token_hex(8)}"

    def host(self, node: Node) -> testinfra.host.Host:
        """Give the testinfra host of a node: the same object each time."""
        if node.name not in self._hosts:
            kind = _Shared if self._inventory.shared_connections else _kept()
            backend: BaseBackend = kind(node.name, self._inventory)
            host = testinfra.host.Host(backend)
            backend.set_host(host)
            self._hosts[node.name] = host
        return self._hosts[node.name]

    def run(self, node: Node, script: str, *, within: float = 30.0) -> str:
        """Run a POSIX shell script as root and give what it printed.

        :param within: deadline in seconds on an ordinary machine.
        :raises NodeError: the node cannot be reached, does not answer in time, or the script failed.
        """
        host = self.host(node)
        host.backend.deadline.seconds = self._inventory.patience.seconds(within)
        try:
            result: CommandResult = host.run(_bounded(script, self._mark))
        except (RuntimeError, OSError, EOFError, HostError) as why:
            # RuntimeError is what testinfra raises where ssh itself ends with 255; paramiko's errors are
            # turned into OSError below.
            raise unreached(node.name, _reason(why)) from None
        except bounded.TooMuch:
            raise _too_much(node) from None
        try:
            out, error = (_after(self._mark, raw) for raw in (result.stdout_bytes, result.stderr_bytes))
        except ValueError:
            raise _too_much(node) from None
        if not result.succeeded:
            message = error.strip() or out.strip()
            raise NodeError(
                f"{node.name} did not answer as it should (status {result.rc}): {message[-300:]}",
                f"Look at it there: labgen ssh {node.name}",
            )
        return out

    def close(self) -> None:
        """Close the connections that are this process's own; the shared ones outlive it for a while."""
        for host in self._hosts.values():
            if "client" in vars(host.backend):
                host.backend.client.close()
        self._hosts.clear()


def _too_much(node: Node) -> NodeError:
    return NodeError(
        f"{node.name} answered with more than {LONGEST // 2**20} MiB, of which nothing is read.",
        "Something there prints without end: a page, a log, a container's output.",
    )


def _bounded(script: str, mark: str) -> str:
    """Put an end to what the script prints, whatever that is: what is cut off never leaves the node.

    Its status goes around the pipes that its two outputs go through. Programs are the distribution's own wherever it
    has them, whatever the PATH of a login is. A line with the mark comes first: what is printed before it was printed
    by what a login runs (``.bashrc``).

    :param mark: not to be guessed.
    """
    return f"""PATH={SYSTEM_PATH}; export PATH
printf '\\n%s\\n' {mark}; printf '\\n%s\\n' {mark} >&2
exec 3>&1 6>&2
status=$({{ {{ {{ ({script}
); echo $? >&4; }} 2>&1 >&5 5>&- | head -c 65536 >&6; }} 5>&1 | head -c {LONGEST + 1} >&3; }} 4>&1)
exit "${{status:-1}}"
"""


def _after(mark: str, raw: bytes) -> str:
    """Give what was printed after the line with the mark; all of it where that never came.

    :raises ValueError: it is too long.
    """
    line = f"\n{mark}\n".encode()
    at = raw.find(line)
    return api.text(raw if at < 0 else raw[at + len(line) :], LONGEST)


class _Deadline(threading.local):
    """How long an answer may take: each thread's own, since several may ask one node at the same time."""

    seconds = 60.0


class _Shared(SshBackend):  # type: ignore[misc]
    """testinfra's ssh, started by labgen's runner: never without a deadline, never asking for a password."""

    def __init__(self, name: str, inventory: Inventory) -> None:
        self.deadline = _Deadline()
        super().__init__(
            name,
            ssh_config=str(inventory.ssh_config),
            timeout=CONNECT_TIMEOUT,
            # 0: the ssh configuration already says how connections are shared, and where.
            controlpersist=0,
            ssh_extra_args="-o BatchMode=yes",
            sudo=True,
        )
        self._runner = Runner()

    def run_local(self, command: str, *args: str) -> CommandResult:
        result = self._runner.capture(
            shlex.split(self.quote(command, *args)), most=LONGEST + _BESIDE, timeout=self.deadline.seconds
        )
        # testinfra's modules decode bytes, and take anything else for text.
        return self.result(result.status, shlex.join(result.argv).encode(), bytes(result.out), bytes(result.err))


def _kept() -> type[Any]:
    # Imported only where it is needed: it costs half a second.
    import paramiko
    from testinfra.backend.paramiko import ParamikoBackend

    class Kept(ParamikoBackend):  # type: ignore[misc]
        """testinfra's paramiko with a deadline for every answer."""

        def __init__(self, name: str, inventory: Inventory) -> None:
            self.deadline = _Deadline()
            self._inventory = inventory
            super().__init__(name, timeout=CONNECT_TIMEOUT, sudo=True)

        @cached_property
        def client(self) -> paramiko.SSHClient:
            # testinfra would read the configuration in the code page of a Windows, and take no path for what it is.
            text = self._inventory.ssh_config.read_text(encoding="utf-8")
            client = paramiko.SSHClient()
            client.set_missing_host_key_policy(paramiko.RejectPolicy())
            options: dict[str, Any] = {"hostname": self.host.name, "timeout": CONNECT_TIMEOUT}
            config = paramiko.SSHConfig.from_text(ssh_config.without_keys(text))
            self._load_ssh_config(client, options, config)
            client.connect(**options, key_filename=ssh_config.keys(text, self.host.name))
            return client

        def _exec_command(self, command: bytes) -> tuple[int, bytes, bytes]:
            try:
                channel = self.client.get_transport().open_session(timeout=self.deadline.seconds)
                channel.settimeout(self.deadline.seconds)
                channel.exec_command(command)
                out = bounded.read(channel.makefile("rb"), LONGEST + _BESIDE)
                err = bounded.read(channel.makefile_stderr("rb"), LONGEST)
                return channel.recv_exit_status(), bytes(out), bytes(err)
            except bounded.TooMuch:
                channel.close()
                raise
            except paramiko.SSHException as why:
                raise OSError(str(why) or type(why).__name__) from None

    return Kept


def _reason(why: BaseException) -> str:
    result = why.args[0] if why.args else None
    if isinstance(result, CommandResult):
        lines = _text(result.stderr_bytes).strip().splitlines()
        return (lines[-1] if lines else f"ssh ended with {_LOST}").rstrip(".")
    if isinstance(why, HostError):
        return why.message.rpartition("` ")[2].rstrip(".")
    return str(why) or type(why).__name__


def _text(raw: bytes) -> str:
    # testinfra would ask the node for its encoding, with two commands more.
    return raw.decode("utf-8", "replace")
