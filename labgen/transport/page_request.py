"""A page that a node gets: the SSH server on it connects, and HTTP is spoken on this side."""

from __future__ import annotations

import io
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from labgen.core import bounded
from labgen.core.bounded import TooMuch
from labgen.docker.question import Page
from labgen.transport.deadline import seconds_until

if TYPE_CHECKING:
    from http.client import HTTPResponse

    from paramiko import Channel
    from paramiko import Transport as Connection

_FRAME = 1 << 16
"""Bytes that the status line, the headers and the sizes of chunks may have."""

_PROHIBITED = 1
"""Why a channel was not opened, in SSH's numbers: the server opens none for anybody (RFC 4254, 5.1)."""


class Prohibited(Exception):
    """The SSH server opens no connections for who logs in."""


def get(connection: Connection, address: str, port: int, within: float, most: int) -> Page:
    """Request the page ``/`` over a connection of its own.

    :param connection: to the node that asks.
    :param within: deadline in seconds.
    :param most: bytes that are read of it.
    :raises Prohibited: the node's SSH server opens no connections.
    """
    from http.client import HTTPException

    from paramiko import ChannelException, SSHException

    deadline = time.monotonic() + within
    late = Page(0, f"no answer within {within:.0f} s")
    try:
        channel = connection.open_channel("direct-tcpip", (address, port), ("127.0.0.1", 0), timeout=within)
    except ChannelException as why:
        if why.code == _PROHIBITED:
            raise Prohibited from None
        return Page(0, f"could not connect to {address} port {port}")
    except SSHException:
        if not connection.is_active():
            raise
        return late
    status = 0
    try:
        headers = {"Connection": "close", "Accept": "*/*"}
        response = request(channel, f"{address}:{port}", "/", headers, deadline, most)
        status = response.status
        return Page(status, bounded.read(response, most).decode("utf-8", "replace"))
    except TimeoutError:
        return late
    except TooMuch:
        return Page(status, "", endless=True) if status else Page(0, "headers without end")
    except (OSError, EOFError, ValueError, HTTPException) as why:
        return Page(0, str(why) or type(why).__name__)
    finally:
        channel.close()


class _Received(io.RawIOBase):
    """What a channel receives until a deadline; HTTPResponse takes it for a socket.

    :param most: bytes that may come, a status line and headers among them.
    """

    def __init__(self, channel: Channel, deadline: float, most: int) -> None:
        self._channel, self._deadline, self._rest = channel, deadline, most

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self, 1 << 16)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._channel.settimeout(seconds_until(self._deadline))
        part = self._channel.recv(len(buffer))
        self._rest -= len(part)
        if self._rest < 0:
            raise TooMuch
        buffer[: len(part)] = part
        return len(part)


def request(
    channel: Channel,
    host: str,
    path: str,
    headers: Mapping[str, str],
    deadline: float,
    most: int,
    method: str = "GET",
    content: bytes | None = None,
) -> HTTPResponse:
    """Send a request over a channel and return the answer, whose body is still to be read.

    :param content: the body of the request.
    :param deadline: of the whole answer: reading its body ends then, too.
    :param most: bytes that its body may have.
    :raises TimeoutError: it did not come in time.
    :raises TooMuch: more comes than may.
    :raises HTTPException: what answers speaks no HTTP.
    """
    from http.client import HTTPConnection, HTTPResponse

    http = HTTPConnection(host)
    # A channel has what HTTPConnection uses of a socket. The answer is read without it: it closes its socket before the
    # body of a last answer. A socket lives on until its files are closed; a channel ends, and the body is lost.
    http.sock = channel
    channel.settimeout(seconds_until(deadline))
    http.request(method, path, content, headers)
    response = HTTPResponse(_Received(channel, deadline, most + _FRAME), method=method)  # type: ignore[arg-type]
    response.begin()
    return response
