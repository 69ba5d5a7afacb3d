"""The address of a registry, as every node will use it."""

from __future__ import annotations

import re
import socket
from ipaddress import IPv4Address, IPv4Network
from urllib.parse import urlsplit

from labgen.config.hostname import is_loopback
from labgen.config.wrong import Wrong

_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
_EXAMPLE = "http://192.168.0.10:5000"
_OF_THE_NODE_ITSELF = (IPv4Network("127.0.0.0/8"), IPv4Network("0.0.0.0/8"))


def registry_url(text: str) -> str:
    """The URL of a registry in its usual form: scheme and host in lower case, no slash at the end.

    >>> registry_url("HTTP://Mirror:5000/")
    'http://mirror:5000'

    :raises Wrong: it is no such URL, or one that leads each node to itself.
    """
    if not text.isprintable() or any(character.isspace() for character in text):
        # urlsplit drops tabs and line ends; the engine, which is given the text as it stands, refuses it.
        raise Wrong("holds a space or a character that cannot be printed.", f"Remove it: {_EXAMPLE}.")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _not_an_address(text) from None
    authority = host if port is None else f"{host}:{port}"
    if (
        parts.scheme not in ("http", "https")
        or not _HOST.fullmatch(host)
        or port == 0
        or parts.netloc.lower() != authority
        or (parts.path, parts.query, parts.fragment) not in (("", "", ""), ("/", "", ""))
    ):
        raise _not_an_address(text)
    if is_loopback(host.rstrip(".")) or _leads_to_the_node(host):
        raise Wrong(
            "would lead each node to itself, not to this computer.",
            f"Write this computer's address in your network, as in {parts.scheme}://192.168.0.10:{port or 5000}.",
        )
    return f"{parts.scheme}://{authority}"


def _not_an_address(text: str) -> Wrong:
    bare = text.strip().lower().removeprefix("//")
    if "://" not in bare and re.fullmatch(rf"{_HOST.pattern}(:[0-9]{{1,5}})?/?", bare):
        return Wrong("is not the address of a registry: http:// is missing.", f"Write http://{bare.rstrip('/')}.")
    return Wrong(
        "is not the address of a registry.",
        f"Write http:// or https://, a host and, if it is not the usual one, a port: {_EXAMPLE}.",
    )


def _leads_to_the_node(host: str) -> bool:
    try:
        # Also the short forms that programs take for an address: 127.1, 2130706433.
        address = IPv4Address(socket.inet_aton(host))
    except OSError:
        return False
    return any(address in network for network in _OF_THE_NODE_ITSELF)
