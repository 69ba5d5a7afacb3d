"""testinfra over real ssh: how many connections are made, and what a node that is gone costs."""

from __future__ import annotations

import getpass
import os
import re
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from labgen.core.errors import NodeError
from labgen.core.polling import NotYet, Patience, wait_until
from labgen.core.process import Runner
from labgen.machines import ssh_config
from labgen.model.lab import Node
from verify.hosts import SshHosts

NODE = Node("node", "manager", IPv4Address("127.0.0.1"), 512, 1)
GONE = Node("gone", "worker", IPv4Address("127.0.0.1"), 512, 1)


@dataclass
class Server:
    """An sshd of the test's own on the loopback, and an inventory's worth of how to reach it."""

    ssh_config: Path
    log: Path
    patience: Patience = field(default_factory=Patience)
    shared_connections: bool = True

    @property
    def connections(self) -> int:
        """How often someone has logged in."""
        return self.log.read_text(encoding="utf-8", errors="replace").count("Accepted publickey")


@pytest.fixture
def server(require_tool: Callable[[str], str]) -> Iterator[Server]:
    """A running sshd with a key of its own."""
    runner = Runner()
    sshd = require_tool("sshd")
    # Not pytest's own folder: a socket's path may have no more than about a hundred characters.
    with TemporaryDirectory(prefix="lg") as folder, socket.socket() as closed:
        at = Path(folder)
        # A lab folder may have any name.
        user = at / """kim's "100%" %d lab~1 실습""" / "user"
        user.parent.mkdir()
        for key in (at / "host", user):
            runner.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key]).or_raise()
        (at / "user.pub").write_text(user.with_suffix(".pub").read_text())
        closed.bind(("127.0.0.1", 0))  # bound, but nobody listens
        port = _free()
        (at / "sshd_config").write_text(
            f"ListenAddress 127.0.0.1:{port}\nHostKey {at / 'host'}\nAuthorizedKeysFile {at / 'user.pub'}\n"
            f"StrictModes no\nUsePAM no\nPidFile {at / 'pid'}\nPermitRootLogin yes\n"
            f"SetEnv PATH={at}:{os.environ['PATH']} HOME={at}\n"
        )
        # Whoever runs the tests may lack sudo, or the right to use it; the nodes never do.
        (at / "sudo").write_text('#!/bin/sh\nexec "$@"\n')
        (at / "sudo").chmod(0o755)
        with suppress(OSError):
            Path("/run/sshd").mkdir(exist_ok=True)  # wanted by an sshd that root starts
        runner.run([sshd, "-f", at / "sshd_config", "-E", at / "log"]).or_raise()
        try:
            told = "".join(
                f"Host {name}\n  HostName 127.0.0.1\n  User {getpass.getuser()}\n  Port {number}\n"
                f'  IdentityFile "{user}"\n  IdentitiesOnly yes\n'
                "  UserKnownHostsFile /dev/null\n  StrictHostKeyChecking no\n  LogLevel FATAL\n"
                for name, number in (("node", port), ("gone", closed.getsockname()[1]))
            )
            shared = {
                "ControlMaster": "auto",
                "ControlPersist": "30",
                "ControlPath": str(at / "%n"),
                "LogLevel": "ERROR",
            }
            (at / "config").write_text(ssh_config.compose(ssh_config.parse(told), shared))
            wait_until("sshd to listen", lambda: _listening(port), within=20)
            yield Server(at / "config", at / "log")
            runner.run(["ssh", "-F", at / "config", "-O", "exit", "node"])
        finally:
            os.kill(int((at / "pid").read_text()), signal.SIGTERM)


@pytest.mark.parametrize("shared", [True, False], ids=["ControlMaster", "paramiko"])
def test_one_connection_however_much_is_asked(server: Server, shared: bool) -> None:
    server.shared_connections = shared
    hosts = SshHosts(server)  # type: ignore[arg-type]
    said = [hosts.run(NODE, "printf '%s' '한 $HOME \"q\"'") for _ in range(4)]
    # testinfra's own modules go the same way.
    assert hosts.host(NODE).file("/etc/hosts").exists
    hosts.close()
    assert said == ['한 $HOME "q"'] * 4
    assert server.connections == 1


@pytest.mark.parametrize("shared", [True, False], ids=["ControlMaster", "paramiko"])
def test_run_is_not_changed_by_what_a_login_prints_or_puts_into_the_path(server: Server, shared: bool) -> None:
    """A .bashrc that prints on both outputs, has an alias, and a folder of its own before the distribution's."""
    at = server.log.parent
    (at / "bin").mkdir()
    for name in ("date", "head"):
        (at / "bin" / name).write_text("#!/bin/sh\necho forged\n")
        (at / "bin" / name).chmod(0o755)
    (at / ".bashrc").write_text(
        f"echo Welcome; echo 'No \"mail\".' >&2; alias printf=false; export PATH={at}/bin:$PATH LC_ALL=ko_KR\n"
    )
    server.shared_connections = shared
    hosts = SshHosts(server)  # type: ignore[arg-type]
    said = hosts.run(NODE, "date +%Y; printf '%s' end")
    with pytest.raises(NodeError, match=r"status 3\): what went wrong\n"):
        hosts.run(NODE, "echo what went wrong >&2; exit 3")
    hosts.close()
    assert re.fullmatch(r"20\d\d\nend", said)


@pytest.mark.parametrize("shared", [True, False], ids=["ControlMaster", "paramiko"])
def test_a_node_that_is_gone_is_said_in_words(server: Server, shared: bool) -> None:
    server.shared_connections = shared
    hosts = SshHosts(server)  # type: ignore[arg-type]
    with pytest.raises(NodeError, match=r"gone cannot be reached: .*(Connection refused|Unable to connect to port)"):
        hosts.run(GONE, "true")
    hosts.close()


@pytest.mark.parametrize("shared", [True, False], ids=["ControlMaster", "paramiko"])
def test_a_node_that_stops_answering_does_not_hold_the_run_up(server: Server, shared: bool) -> None:
    server.shared_connections = shared
    hosts = SshHosts(server)  # type: ignore[arg-type]
    hosts.run(NODE, "true")
    with pytest.raises(NodeError, match="node cannot be reached"):
        hosts.run(NODE, "exec sleep 60", within=1)
    hosts.close()


def test_a_script_that_fails_says_so(server: Server) -> None:
    hosts = SshHosts(server)  # type: ignore[arg-type]
    with pytest.raises(NodeError, match=r"status 3\): no such thing"):
        hosts.run(NODE, "echo no such thing >&2; exit 3")


@pytest.mark.parametrize("shared", [True, False], ids=["ControlMaster", "paramiko"])
@pytest.mark.parametrize("output", ["", ">&2"], ids=["stdout", "stderr"])
def test_an_answer_without_end_is_cut_off_on_the_node(server: Server, shared: bool, output: str) -> None:
    server.shared_connections = shared
    hosts = SshHosts(server)  # type: ignore[arg-type]
    with pytest.raises(NodeError) as caught:
        hosts.run(NODE, f"yes 0123456789 {output}")
    hosts.close()
    assert ("more than 32 MiB" in caught.value.message) is (output == "")
    assert len(caught.value.message) < 500


def test_any_encoding_is_read(server: Server) -> None:
    hosts = SshHosts(server)  # type: ignore[arg-type]
    assert hosts.run(NODE, r"printf 'caf\351 \000 \355\225\234'") == "caf� \x00 한"


def _free() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def _listening(port: int) -> None:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError as why:
        raise NotYet(str(why)) from None
