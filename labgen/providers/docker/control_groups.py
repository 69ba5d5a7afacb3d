"""The version of the kernel's control groups, against what systemd of a node can do with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from labgen.core.i18n import _, untranslated
from labgen.host.computer import Host
from labgen.host.debian import CONTROL_GROUPS_V1
from labgen.host.findings import Finding
from labgen.model.lab import Lab
from labgen.providers.docker import engine

_VERSION_2 = Path("/sys/fs/cgroup/cgroup.controllers")
"""Is there where the tree is of version 2."""


def check(lab: Lab, host: Host) -> Iterator[Finding]:
    """Check that systemd of the lab's nodes starts here; without version 2 a newer one ends without a word."""
    suite = lab.engine.suite
    if suite in CONTROL_GROUPS_V1 or _version(host) != "1":
        return
    yield Finding(
        "docker.control-groups",
        "error",
        untranslated("Docker"),
        _("the kernel's control groups are of version 1, and nodes of Debian %(suite)s need version 2.", suite=suite),
        _(
            "Choose an older release in lab.yml: engine: {suite: trixie}\n"
            "Or start Linux with version 2: systemd.unified_cgroup_hierarchy=1 on the kernel's command line."
        ),
        "docker",
    )


def _version(host: Host) -> str:
    """Ask the engine, or look at this computer where the lab starts an engine; empty if it is not known."""
    status = engine.daemon(host)
    if status.state == "own":
        return "2" if host.exists(_VERSION_2) else "1"
    details = engine.engine(host)
    return details.cgroups if details is not None else ""
