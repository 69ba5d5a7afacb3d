"""Machines and NAT networks that VirtualBox still has of a lab."""

from __future__ import annotations

from collections.abc import Iterator

from labgen.core.process import Runner
from labgen.host.computer import Host, find_vboxmanage
from labgen.providers.leftovers import ANSWER_WITHIN, LabIdentity, Leftover


def leftovers(runner: Runner, traces: LabIdentity) -> Iterator[Leftover]:
    """Find the lab's machines by their ids, and its networks by their names."""
    program = find_vboxmanage(Host(runner)) or "VBoxManage"
    machines = runner.run([program, "list", "vms"], timeout=ANSWER_WITHIN).or_raise().out
    for node, identity in traces.ids.items():
        if f"{{{identity}}}" in machines:
            unregister = ("VBoxManage", "unregistervm", identity, "--delete")
            yield Leftover("machine", node, (unregister,), removable=False)
    if not traces.networks:
        return
    listed = runner.run([program, "list", "natnets"], timeout=ANSWER_WITHIN).or_raise().out
    names = {
        line.partition(":")[2].strip() for line in listed.splitlines() if line.startswith(("Name:", "NetworkName:"))
    }
    for name in sorted(traces.networks & names):
        remove = ("VBoxManage", "natnetwork", "remove", "--netname", name)
        yield Leftover("network", name, (remove,), removable=True)
