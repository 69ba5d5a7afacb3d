"""A node that cannot be reached: what that is most likely to be of, and the way out."""

from __future__ import annotations

import re

from labgen.core.errors import NodeError
from labgen.core.i18n import NOTHING, Text, _, sentences

_REFUSED = re.compile(r"(?i)permission denied|authentication failed|no authentication methods|not a valid .*key")
"""What OpenSSH and paramiko say where a node answers and does not take the key."""

_MISLEADING = re.compile(r"encountered \w+ key, expected \w+ key")
"""What paramiko says after the same: it has tried to read the key in every other format then."""

_NO_SERVER = re.compile(r"(?i)connection (?:closed|reset|refused)|unable to connect to port|protocol banner")
"""What they say where the machine may run, and no ssh server answers there."""

_START = _("Check with `labgen status` whether the machine runs; start it with `labgen up`.")


def unreached(name: str, reason: str, after: Text = NOTHING, *, remote: bool = False) -> NodeError:
    """Make the error for a node that cannot be reached.

    :param reason: what ssh said, without a full stop.
    :param after: what to do once it can be reached again, as a sentence.
    :param remote: whether it is reached by an ssh configuration of someone's: no command here starts it.

    >>> print(unreached("swarm-worker1", "Connection timed out"))
    swarm-worker1 cannot be reached: Connection timed out.
      Check with `labgen status` whether the machine runs; start it with `labgen up`.
    """
    if _MISLEADING.search(reason):
        reason = "Permission denied (publickey)"
    return NodeError(
        _("%(name)s cannot be reached: %(reason)s.", name=name, reason=reason),
        sentences(_way_out_remote(reason) if remote else _way_out(name, reason), after),
    )


def _way_out(name: str, reason: str) -> Text:
    if _REFUSED.search(reason):
        return _(
            "It does not take this lab's key: its user's ~/.ssh/authorized_keys was changed, or "
            "another machine has its address. Put the key back at the machine's own screen, or "
            "make the machine again: labgen down %(name)s, then labgen up.",
            name=name,
        )
    if _NO_SERVER.search(reason):
        return _(
            "%(start)s If it runs, its ssh server does not: labgen halt --force %(name)s, then labgen up.",
            start=_START,
            name=name,
        )
    return _START


def _way_out_remote(reason: str) -> Text:
    if _REFUSED.search(reason):
        return _("It does not take the key: name its User and the right IdentityFile in the ssh configuration.")
    return _("Check whether the machine runs, and whether the ssh configuration has its HostName and Port.")
