"""URLs of servers in ``lab.yml``: scheme, host and port, with no path behind them."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from urllib.parse import urlsplit

from labgen.config.hostname import is_loopback

_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
_OF_THE_NODE_ITSELF = (IPv4Network("127.0.0.0/8"), IPv4Network("0.0.0.0/8"))


@dataclass(frozen=True)
class ServerUrl:
    """A server's URL in its usual form.

    :param scheme: ``http`` or ``https``.
    :param user: name and password as they were written; empty where there are none.
    :param host: in lower case.
    """

    scheme: str
    user: str
    host: str
    port: int | None

    @classmethod
    def parse(cls, text: str) -> ServerUrl | None:
        """Read a URL; ``None`` where it is none, or more than a server's.

        >>> str(ServerUrl.parse("HTTP://Kim:Secret@Server:3128/"))
        'http://Kim:Secret@server:3128'
        >>> ServerUrl.parse("http://server/path")
        """
        try:
            parts = urlsplit(text)
            user, _, authority = parts.netloc.rpartition("@")
            url = cls(parts.scheme, user, parts.hostname or "", parts.port)
        except ValueError:
            return None
        if (
            # urlsplit drops tabs and line ends.
            not is_plain(text)
            or url.scheme not in ("http", "https")
            or not _HOST.fullmatch(url.host)
            or url.port == 0
            or authority.lower() != url.authority
            or (parts.path, parts.query, parts.fragment) not in (("", "", ""), ("/", "", ""))
        ):
            return None
        return url

    @property
    def authority(self) -> str:
        """Host and port: ``server:3128``."""
        return self.host if self.port is None else f"{self.host}:{self.port}"

    @property
    def leads_to_the_node(self) -> bool:
        """Whether a node that is told this URL would ask itself."""
        if is_loopback(self.host.rstrip(".")):
            return True
        try:
            # Also the short forms that programs take for an address: 127.1, 2130706433.
            address = IPv4Address(socket.inet_aton(self.host))
        except OSError:
            return False
        return any(address in network for network in _OF_THE_NODE_ITSELF)

    def __str__(self) -> str:
        user = f"{self.user}@" if self.user else ""
        return f"{self.scheme}://{user}{self.authority}"


def is_plain(text: str) -> bool:
    """Tell whether a text has neither spaces nor characters that cannot be printed."""
    return text.isprintable() and not any(character.isspace() for character in text)


def with_scheme(text: str) -> str:
    """Put ``http://`` in front of a host and port that lack it; empty where the text is something else.

    >>> with_scheme("Server:3128/")
    'http://server:3128'
    """
    bare = text.strip().lower().removeprefix("//")
    lacks_scheme = "://" not in bare and re.fullmatch(rf"{_HOST.pattern}(:[0-9]{{1,5}})?/?", bare)
    return f"http://{bare.rstrip('/')}" if lacks_scheme else ""
