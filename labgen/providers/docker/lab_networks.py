"""The two networks of a lab whose nodes are containers: one for each adapter that a virtual machine has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network

from labgen.core.errors import MachineError
from labgen.core.i18n import _
from labgen.model.lab import Lab
from labgen.providers.docker.client import Client
from labgen.providers.docker.engine import EngineNetwork, parse_networks

_OTHERWISE = "Otherwise give this lab another name (name: in lab.yml)."


def adapter1(lab: Lab) -> str:
    """Name the network of the first adapter.

    Docker takes the default route from the network whose name comes first in the alphabet: this one.
    """
    return f"{lab.slug}-adapter1"


def lab_network(lab: Lab) -> str:
    """Name the lab network, in which the nodes have their addresses."""
    return f"{lab.slug}-lab"


def ensure(client: Client, lab: Lab, labels: Mapping[str, str]) -> None:
    """Create the networks that do not exist.

    :param labels: what everything of this lab bears.
    :raises MachineError: one of the name is not this lab's, or another network has its addresses.
    """
    ids = [row[0] for row in client.rows("network", "ls", "--no-trunc", "--format", "{{.ID}}")]
    # Of those that another lab has removed meanwhile it says an error, beside the others.
    inspected = client.ask("network", "inspect", *ids).out
    try:
        networks = parse_networks(inspected)
    except ValueError as why:
        raise MachineError(
            _("the engine's list of networks cannot be read: %(why)s.", why=why), _("See: docker network ls")
        ) from None
    subnets = {adapter1(lab): lab.plan.adapter1, lab_network(lab): lab.plan.lab}
    missing = [name for name, subnet in subnets.items() if not _exists(name, subnet, networks, labels)]
    for name in missing:
        _refuse_overlap(subnets[name], networks)
    for name in missing:
        gateway = ["--gateway", str(lab.plan.gateway)] if name == lab_network(lab) else []
        client.run("network", "create", "--subnet", str(subnets[name]), *gateway, *label_options(labels), name)


def label_options(labels: Mapping[str, str]) -> list[str]:
    """Write labels as options of a command that creates something."""
    return [word for name, value in labels.items() for word in ("--label", f"{name}={value}")]


def _exists(name: str, subnet: IPv4Network, networks: Sequence[EngineNetwork], labels: Mapping[str, str]) -> bool:
    network = next((network for network in networks if network.name == name), None)
    if network is None:
        return False
    ours = network.labels.get("labgen.folder") == labels["labgen.folder"]
    if ours and network.subnets == (subnet,):
        return True
    what = "has other addresses than this lab" if ours else "is not this lab's"
    listed = ", ".join(map(str, network.subnets)) or "none"
    raise MachineError(
        _(
            "Docker already has a network named %(name)s with the subnet %(listed)s, which %(what)s.",
            name=name,
            listed=listed,
            what=what,
        ),
        _(
            "If nothing else needs it, remove it, then try again:\ndocker network rm %(name)s\n%(otherwise)s",
            name=name,
            otherwise=_OTHERWISE,
        ),
    )


def _refuse_overlap(subnet: IPv4Network, networks: Sequence[EngineNetwork]) -> None:
    for network in networks:
        overlapping = network.overlapping(subnet)
        if overlapping is not None:
            raise MachineError(
                _(
                    "Docker's network %(network)s already uses %(overlapping)s, which overlaps %(subnet)s of this lab.",
                    network=network.name,
                    overlapping=overlapping,
                    subnet=subnet,
                ),
                network.advice(
                    _("Give this lab other addresses in lab.yml (network:, or addresses: {adapter1: ...}).")
                ),
            )
