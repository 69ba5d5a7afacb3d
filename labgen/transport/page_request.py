"""A page that a node gets: the SSH server on it connects, and HTTP is spoken on this side."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from labgen.core.bounded import TooMuch
from labgen.docker.question import Page

if TYPE_CHECKING:
    from http.client import HTTPResponse

    from paramiko import Channel
    from paramiko import Transport as Connection

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
    try:
        channel.settimeout(left(deadline))
        response = request(channel, f"{address}:{port}", "/", {"Connection": "close", "Accept": "*/*"})
        body = read(response, most, lambda: channel.settimeout(left(deadline)))
        return Page(response.status, bytes(body).decode("utf-8", "replace"))
    except TimeoutError:
        return late
    except TooMuch:
        return Page(response.status, "", endless=True)
    except (OSError, EOFError, HTTPException) as why:
        return Page(0, str(why) or type(why).__name__)
    finally:
        channel.close()


def request(channel: Channel, host: str, path: str, headers: Mapping[str, str]) -> HTTPResponse:
    """Send a GET request over a channel and return the answer, whose body is still to be read.

    :raises HTTPException: what answers speaks no HTTP.
    """
    from http.client import HTTPConnection, HTTPResponse

    http = HTTPConnection(host)
    # A channel has what HTTPConnection uses of a socket. The answer is read without it: it closes its socket before the
    # body of a last answer. A socket lives on until its files are closed; a channel ends, and the body is lost.
    http.sock = channel
    http.request("GET", path, headers=headers)
    response = HTTPResponse(channel, method="GET")
    response.begin()
    return response


def read(response: HTTPResponse, most: int, before_each: Callable[[], None]) -> bytearray:
    """Read an answer to its end.

    :param before_each: is called before each part of it.
    :raises TooMuch: it has more bytes than may be.
    """
    body = bytearray()
    before_each()
    while part := response.read(1 << 16):
        body += part
        if len(body) > most:
            raise TooMuch
        before_each()
    return body


def left(deadline: float) -> float:
    """Return the seconds until a deadline, by :func:`time.monotonic`; some where it has passed."""
    return max(deadline - time.monotonic(), 0.01)
