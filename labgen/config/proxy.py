"""``proxy`` in ``lab.yml``: its URLs, and the hosts that are reached without it."""

from __future__ import annotations

import re
from typing import Any

from labgen.config.server_url import ServerUrl, with_scheme
from labgen.config.wrong import Wrong
from labgen.core.i18n import _

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
    url = ServerUrl.parse(text)
    if url is None:
        raise _not_a_proxy(text)
    if not _USER.fullmatch(url.user):
        raise Wrong(
            _("has a character in the name or password that a URL cannot have."),
            _("Write it as % and two hexadecimal digits: %40 for @, %23 for #, %22 for a quotation mark."),
        )
    if "@" in text and ":" not in url.user:
        raise Wrong(
            _("has a name without a password."),
            _("Write both, as in http://NAME:PASSWORD@proxy.example:3128; or neither."),
        )
    if url.leads_to_the_node:
        raise Wrong(
            _("would lead each node to itself, not to this computer."),
            _(
                "Write an address that the nodes reach, as in %(scheme)s://192.168.0.10:%(value)s.",
                scheme=url.scheme,
                value=url.port or 3128,
            ),
        )
    return str(url)


def direct_host(text: str) -> str:
    """Read a host, a domain or a subnet that is reached without the proxy.

    :raises Wrong: it is none.
    """
    if not _DIRECT.fullmatch(text):
        raise Wrong(
            _("is not a host, a domain or a subnet."), _("Write it as in registry.example, .example or 192.168.0.0/24.")
        )
    return text.lower()


def in_full(value: Any) -> Any:
    """Write ``proxy: URL`` in full: the same for http and https addresses."""
    if not isinstance(value, str):
        return value
    url = proxy_url(value)
    return {"http": url, "https": url}


def _not_a_proxy(text: str) -> Wrong:
    if complete := with_scheme(text):
        return Wrong(_("is not the URL of a proxy: http:// is missing."), _("Write %(complete)s.", complete=complete))
    return Wrong(
        _("is not the URL of a proxy."),
        _(
            "Write http:// or https://, a host and its port: %(example)s; with name and password: http://NAME:PASSWORD@proxy.example:3128.",
            example=_EXAMPLE,
        ),
    )
