"""The engine's socket on a node, through a channel of the SSH connection.

A program of ours connects the channel with the socket, as root; HTTP is spoken on this side. None of the node's own
clients (docker, curl) takes part. An SSH server can open a socket by itself (``direct-streamlocal@openssh.com``), but
only as the user that logs in, who may not use the engine yet, and paramiko has no public call for it.
"""

from __future__ import annotations

import contextlib
import secrets
import shlex
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from labgen.core import bounded
from labgen.docker.api import SOCKET
from labgen.docker.question import Reply
from labgen.transport.deadline import seconds_until
from labgen.transport.page_request import request
from labgen.transport.protocol import LONGEST
from labgen.transport.remote import root_command

if TYPE_CHECKING:
    from paramiko import Channel
    from paramiko import Transport as Connection

# Perl is on every Debian and Ubuntu (perl-base is essential), Python on others. Each prints the mark once it is
# connected, then copies both ways.
_PERL = """\
use Socket; socket(S, PF_UNIX, SOCK_STREAM, 0) && connect(S, sockaddr_un($ARGV[0])) || die "$!\\n";
$| = 1; print "\\n$ARGV[1]\\n";
sub copy { while (sysread $_[0], $b, 65536) { for ($n = 0; $n < length $b; $n += $w) {
  $w = syswrite $_[1], $b, length($b) - $n, $n; defined $w or exit } } }
if (my $child = fork) { copy(S, STDOUT); kill 15, $child } else { copy(STDIN, S); kill 15, getppid }
"""
_PYTHON = """\
import os, socket, sys, threading
s = socket.socket(socket.AF_UNIX)
try: s.connect(sys.argv[1])
except OSError as error: sys.exit(error.strerror)
os.write(1, b"\\n%s\\n" % sys.argv[2].encode())
def forward():
    while data := os.read(0, 65536): s.sendall(data)
    os._exit(0)
threading.Thread(target=forward, daemon=True).start()
while data := s.recv(65536):
    while data: data = data[os.write(1, data):]
"""

_LOGIN = 65536
"""Bytes that a login may print before the program begins."""


_MOST_OF_A_REPLY = 1 << 20
"""Bytes that are read of a reply: what a program in a container prints may have no end."""


class EngineSilent(Exception):
    """The engine's socket cannot be used; the message says why."""


@contextlib.contextmanager
def _no_http() -> Iterator[None]:
    """Raise EngineSilent where what answers closes the connection, or speaks no HTTP."""
    # 20 ms, which only what asks an engine pays.
    from http.client import HTTPException

    try:
        yield
    except TimeoutError:
        raise
    except (OSError, EOFError, ValueError, HTTPException) as why:
        raise EngineSilent(str(why) or type(why).__name__) from None


class EngineSocket:
    """One open connection to the engine of a node, for one request after the other.

    :param connection: the SSH connection it goes through.
    :param deadline: of opening, by :func:`time.monotonic`.
    :raises EngineSilent: nobody listens on the socket, or no program connects to it.
    """

    def __init__(self, connection: Connection, deadline: float) -> None:
        self._channel: Channel = connection.open_session(timeout=seconds_until(deadline))
        mark = f"@@{secrets.token_hex(8)}"
        arguments = f"{SOCKET} {mark}"
        script = (
            f"if command -v perl >/dev/null; then exec perl -e {shlex.quote(_PERL)} {arguments}; "
            f"else exec python3 -I -S -c {shlex.quote(_PYTHON)} {arguments}; fi"
        )
        self._channel.exec_command(root_command(script))
        self._await(f"\n{mark}\n".encode(), deadline)

    def get(self, paths: Sequence[str], deadline: float) -> str:
        """Ask for paths of the Engine API, and return a line for the body of each answer and one for its HTTP status.

        :raises EngineSilent: the engine closed the connection, or speaks no HTTP.
        :raises TimeoutError: it did not answer in time.
        :raises TooMuch: its answers are longer than may be.
        """
        lines: list[str] = []
        size = 0
        for path in paths:
            with _no_http():
                response = request(self._channel, "docker", path, {}, deadline, LONGEST - size)
                body = bounded.text(bounded.read(response, LONGEST - size), LONGEST)
            size += len(body)
            lines += [body.rstrip("\n"), str(response.status)]
        return "\n".join([*lines, ""])

    def send(self, method: str, path: str, content: bytes, deadline: float) -> Reply:
        """Have the engine do something, and return its reply; the connection is of no use afterwards.

        What a program in a container prints comes until the engine closes the connection.

        :raises EngineSilent: as :meth:`get`; also TimeoutError.
        """
        headers = {"Content-Type": "application/x-tar" if method == "PUT" else "application/json"}
        with _no_http():
            response = request(
                self._channel, "docker", path, headers, deadline, _MOST_OF_A_REPLY, method, content or None
            )
            return Reply(response.status, response.read(_MOST_OF_A_REPLY))

    def close(self) -> None:
        """Close the connection."""
        self._channel.close()

    def _await(self, mark: bytes, deadline: float) -> None:
        """Read until the mark: what comes before it was printed by the login (.bashrc)."""
        printed = b""
        while not printed.endswith(mark):
            self._channel.settimeout(seconds_until(deadline))
            part = self._channel.recv(1 << 12)
            if not part or len(printed) > _LOGIN:
                raise EngineSilent(self._complaint(deadline) or "nothing connects to the engine's socket")
            printed += part

    def _complaint(self, deadline: float) -> str:
        self._channel.settimeout(seconds_until(deadline))
        lines = self._channel.recv_stderr(1 << 12).decode("utf-8", "replace").strip().splitlines()
        return lines[-1].rstrip(".") if lines else ""
