"""The address of a registry, as every node will use it."""

from __future__ import annotations

from labgen.config.server_url import ServerUrl, is_plain, with_scheme
from labgen.config.wrong import Wrong
from labgen.core.i18n import _

_EXAMPLE = "http://192.168.0.10:5000"


def registry_url(text: str) -> str:
    """Read the URL of a registry, and return its usual form: scheme and host in lower case, no slash at the end.

    >>> registry_url("HTTP://Mirror:5000/")
    'http://mirror:5000'

    :raises Wrong: it is no such URL, or one that leads each node to itself.
    """
    if not is_plain(text):
        # The engine is given the text as it stands, and refuses it.
        raise Wrong(
            _("holds a space or a character that cannot be printed."), _("Remove it: %(example)s.", example=_EXAMPLE)
        )
    url = ServerUrl.parse(text)
    if url is None or url.user or "@" in text:
        raise _not_an_address(text)
    if url.leads_to_the_node:
        raise Wrong(
            _("would lead each node to itself, not to this computer."),
            _(
                "Write this computer's address in your network, as in %(scheme)s://192.168.0.10:%(value)s.",
                scheme=url.scheme,
                value=url.port or 5000,
            ),
        )
    return str(url)


def _not_an_address(text: str) -> Wrong:
    if complete := with_scheme(text):
        return Wrong(
            _("is not the address of a registry: http:// is missing."), _("Write %(complete)s.", complete=complete)
        )
    return Wrong(
        _("is not the address of a registry."),
        _("Write http:// or https://, a host and, if it is not the usual one, a port: %(example)s.", example=_EXAMPLE),
    )
