"""Domains and networks that libvirt still has of a lab."""

from __future__ import annotations

from collections.abc import Iterator

from labgen.core.process import Runner
from labgen.providers.leftovers import ANSWER_WITHIN, LabIdentity, Leftover, words

_VIRSH = ("virsh", "--connect", "qemu:///system")


def leftovers(runner: Runner, traces: LabIdentity) -> Iterator[Leftover]:
    """Find the lab's domains and networks by their ids."""
    domains = words(runner, *_VIRSH, "list", "--all", "--uuid")
    for node, identity in traces.ids.items():
        if identity in domains:
            # Its disk goes with it, and so do its snapshots.
            undefine = (*_VIRSH, "undefine", identity, "--remove-all-storage", "--snapshots-metadata")
            yield Leftover("machine", node, ((*_VIRSH, "destroy", identity), undefine), removable=False)
    for identity in sorted(traces.networks & words(runner, *_VIRSH, "net-list", "--all", "--uuid")):
        # One that another lab's machines are on goes with them.
        if " connections=" not in runner.run([*_VIRSH, "net-dumpxml", identity], timeout=ANSWER_WITHIN).out:
            commands = ((*_VIRSH, "net-destroy", identity), (*_VIRSH, "net-undefine", identity))
            yield Leftover("network", identity, commands, removable=True)
