"""What a node may be unable to do, whatever anyone does on it: a matter of where it runs.

A provider declares what its nodes lack (:mod:`labgen.providers`), the kernel under them is asked for
the rest, and ``labgen up`` writes both down. Steps and checks name what they need; where that is
lacking they are not applicable, and say why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum

from labgen.core.i18n import _


class Capability(StrEnum):
    """Something that a step or a check may need of a node."""

    NETPLAN = "netplan"
    """The node sets the address of its adapter 2 by itself."""
    ROUTING_MESH = _("routing mesh").msgid
    """A published port answers on every node: the kernel has IPVS."""
    OWN_MACHINE = _("restart of a machine").msgid
    """A node can be restarted as a whole, and comes back by itself: it has a machine of its own."""


Lacks = Mapping[Capability, str]
"""What nodes lack, and why: the end of a sentence, "the kernel has no IPVS (…)"."""

NO_IPVS = _("the kernel under the nodes has no IPVS (ip_vs), with which swarm spreads requests over replicas").msgid

UNKNOWN_KERNEL = _("it is not known whether the kernel has IPVS").msgid
"""Said of a kernel that could not be asked yet."""

ASK_IPVS = "genl ctrl get name IPVS"
"""Asks the kernel for its IPVS interface. The question alone makes the kernel load the module, where it
has one (Linux, ``net/netlink/genetlink.c``), so a kernel that could have it is never taken for one that
has not."""


def of_kernel(ask: Callable[[str], str]) -> Lacks:
    """Say what the kernel under a node lacks.

    :param ask: runs a command line as root on the node and gives what it printed.
    """
    answer = ask(f"sh -c '{ASK_IPVS} 2>&1 || true'")
    return {} if "Name: IPVS" in answer else {Capability.ROUTING_MESH: NO_IPVS}
