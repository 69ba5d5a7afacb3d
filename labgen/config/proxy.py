"""``proxy`` in ``lab.yml``: its URLs, and the hosts that are reached without it."""

from __future__ import annotations

import re
import socket
from ipaddress import IPv4Address
from typing import Any
from urllib.parse import urlsplit

from labgen.config.hostname import is_loopback
from labgen.config.wrong import Wrong

_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
# What RFC 3986 allows there, but for quotes; it stands in quotes in files of apt and systemd.
_USER = re.compile(r"[A-Za-z0-9._~!$&()*+,;=:%-]*")
_DIRECT = re.compile(r"(\*?\.)?[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5}|/[0-9]{1,2})?")
_EXAMPLE = "http://proxy.example:3128"


def proxy_url(text: str) -> str:
    """Read the URL of a proxy: scheme and host in lower case, no slash at the end.

    >>> proxy_url("HTTP://Proxy:3128/")
    'http://proxy:3128'

    :raises Wrong: it is no such URL, or one that leads each node to itself.
    """
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _not_a_proxy(text) from None
    user, at, _ = parts.netloc.rpartition("@")
    authority = host if port is None else f"{host}:{port}"
    if (
        not text.isprintable()
        or any(character.isspace() for character in text)
        or parts.scheme not in ("http", "https")
        or not _HOST.fullmatch(host)
        or port == 0
        or parts.netloc.removeprefix(f"{user}{at}").lower() != authority
        or (parts.path, parts.query, parts.fragment) not in (("", "", ""), ("/", "", ""))
    ):
        raise _not_a_proxy(text)
    if not _USER.fullmatch(user):
        raise Wrong(
            "has a character in the name or password that a URL cannot have.",
            "Write it as % and two hexadecimal digits: %40 for @, %23 for #, %22 for a quotation mark.",
        )
    if at and ":" not in user:
        raise Wrong(
            "has a name without a password.", "Write both, as in http://NAME:PASSWORD@proxy.example:3128; or neither."
        )
    if is_loopback(host.rstrip(".")) or _is_loopback_address(host):
        raise Wrong(
            "would lead each node to itself, not to this computer.",
            f"Write an address that the nodes reach, as in {parts.scheme}://192.168.0.10:{port or 3128}.",
        )
    return f"{parts.scheme}://{user}{at}{authority}"


def direct_host(text: str) -> str:
    """Read a host, a domain or a subnet that is reached without the proxy.

    :raises Wrong: it is none.
    """
    if not _DIRECT.fullmatch(text):
        raise Wrong(
            "is not a host, a domain or a subnet.", "Write it as in registry.example, .example or 192.168.0.0/24."
        )
    return text.lower()


def in_full(value: Any) -> Any:
    """Write ``proxy: URL`` in full: the same for http and https addresses."""
    if not isinstance(value, str):
        return value
    url = proxy_url(value)
    return {"http": url, "https": url}


def _not_a_proxy(text: str) -> Wrong:
    bare = text.strip().removeprefix("//")
    if "://" not in bare and "@" not in bare and re.fullmatch(rf"{_HOST.pattern}(:[0-9]{{1,5}})?/?", bare.lower()):
        return Wrong("is not the URL of a proxy: http:// is missing.", f"Write http://{bare.lower().rstrip('/')}.")
    return Wrong(
        "is not the URL of a proxy.",
        f"Write http:// or https://, a host and its port: {_EXAMPLE}; with name and password: "
        "http://NAME:PASSWORD@proxy.example:3128.",
    )


def _is_loopback_address(host: str) -> bool:
    try:
        # Also the short forms that programs take for an address: 127.1, 2130706433.
        address = IPv4Address(socket.inet_aton(host))
    except OSError:
        return False
    return address.is_loopback or address.packed[0] == 0
