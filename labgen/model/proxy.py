"""The proxy by which nodes reach package servers and registries."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Proxy:
    """A proxy of ``lab.yml``; without addresses there is none.

    :param http: its URL for ``http`` addresses, with name and password if it wants them.
    :param https: the same for ``https`` addresses.
    :param no_proxy: hosts, domains and subnets that are reached without it, beside the lab's own.
    """

    http: str = field(default="", repr=False)
    https: str = field(default="", repr=False)
    no_proxy: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.http or self.https)

    @property
    def has_password(self) -> bool:
        """Whether a URL has a user's name or password in it."""
        return any("@" in url for url in (self.http, self.https))

    @property
    def shown(self) -> str:
        """The addresses for people: without name and password, each once."""
        return ", ".join(dict.fromkeys(without_password(url) for url in (self.http, self.https) if url))

    @property
    def authorities(self) -> tuple[str, ...]:
        """Host and port of each address: ``proxy.example:3128``."""
        return tuple(dict.fromkeys(urlsplit(url).netloc.rpartition("@")[2] for url in (self.http, self.https) if url))


def without_password(text: str) -> str:
    """Cut names and passwords out of the URLs in a text."""
    return re.sub(r"(?<=://)[^/\s]*@", "", text)
