"""Daemons that a provider needs: one that runs here, or one of the lab's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from labgen.host.computer import Host

NAMESPACE_TOOLS = ("ip", "nsenter", "unshare")
"""Programs with which labgen puts a daemon of the lab's own into a network namespace."""


@dataclass(frozen=True)
class DaemonStatus:
    """How a daemon can be had.

    :param state: ``system``: one runs here and may be used. ``own``: none does, and labgen can start
        its own. ``denied``: one runs that this user may not use. ``none``: none runs, and labgen
        cannot start one. ``confined``: root, but not allowed to make network namespaces.
        ``unknown``: its client says something else.
    :param output: what its client said.
    """

    state: Literal["system", "own", "denied", "none", "confined", "unknown"]
    output: str = ""


def startable(host: Host, program: str, output: str) -> DaemonStatus:
    """Tell whether labgen can start a daemon of the lab's own, where none runs.

    :param program: the daemon's.
    :param output: what the client said when it found none.
    """
    if not host.is_root() or lacking(host, program):
        return DaemonStatus("none", output)
    # Root of an unprivileged container may not.
    if not host.run("unshare", "--net", "--mount", "true").ok:
        return DaemonStatus("confined", output)
    return DaemonStatus("own", output)


def lacking(host: Host, program: str) -> Sequence[str]:
    """List the programs for a daemon of the lab's own that are not there."""
    return [name for name in (program, *NAMESPACE_TOOLS) if host.which(name) is None]


def systemd(host: Host) -> bool:
    """Tell whether systemd runs this computer, and would start a daemon."""
    return (host.read(Path("/proc/1/comm")) or "").strip() == "systemd"
