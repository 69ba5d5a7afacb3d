"""Containers, networks and volumes that a Docker engine still has of a lab."""

from __future__ import annotations

from collections.abc import Iterator

from labgen.core.process import Runner
from labgen.providers.leftovers import LabIdentity, Leftover, rows

_MARKED = '{{.ID}}\t{{.Names}}\t{{.Label "labgen.folder"}}'


def leftovers(runner: Runner, traces: LabIdentity) -> Iterator[Leftover]:
    """Find what bears an id of the lab's nodes, or the mark of its folder."""
    for identity, name, mark in rows(runner, "docker", "ps", "--all", "--no-trunc", "--format", _MARKED):
        if identity in traces.ids.values() or (traces.mark and mark == traces.mark):
            yield Leftover("machine", name, (("docker", "rm", "--force", "--volumes", identity),), removable=True)
    if not traces.mark:
        return
    label = ("--filter", f"label=labgen.folder={traces.mark}", "--format")
    for identity, name in rows(runner, "docker", "network", "ls", "--no-trunc", *label, "{{.ID}}\t{{.Name}}"):
        yield Leftover("network", name, (("docker", "network", "rm", identity),), removable=True)
    for (name,) in rows(runner, "docker", "volume", "ls", *label, "{{.Name}}"):
        yield Leftover("volume", name, (("docker", "volume", "rm", name),), removable=True)
