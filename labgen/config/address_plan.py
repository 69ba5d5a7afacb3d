"""The address plan: five subnets that do not overlap.

Left to themselves they do overlap for the lab network 10.0.2.0/24: VirtualBox gives adapter 1
exactly 10.0.2.0/24, and the third overlay network of a swarm is 10.0.2.0/24 again (default
pool 10.0.0.0/8 cut into /24: moby ``libnetwork/ipamutils``). So each is chosen here: what the
user set stands, everything else takes the first candidate that is still free.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Network

from labgen.core.errors import Problem
from labgen.core.i18n import Text, _, listed, sentences, untranslated
from labgen.model.lab import AddressPlan

OVERLAY_MASK = 24
WIDEST = 8
"""Shortest mask of any subnet: wider ones hold addresses that are not private."""
NARROWEST: Mapping[str, int] = {
    "network": 28,
    "adapter1": 27,  # VirtualBox's NAT gives its machine the .15
    "overlay_pool": 29,
    "docker0": 28,
    "docker_gwbridge": 28,
}
"""Longest mask of each subnet; the lab network has room for ten nodes beside the reserved addresses."""
RESERVED = 3
"""Addresses at the start of the lab network that no node may have: .1 gateway, .2 VirtualBox's way
to the host's loopback, .3 its DHCP server (VirtualBox manual, 6.4 "Network Address Translation Service")."""

# The first candidate of docker0 and docker_gwbridge is what an engine takes by itself, so that an
# ordinary lab needs no engine configuration and no restart of the engine.
CANDIDATES: Mapping[str, tuple[str, ...]] = {
    "adapter1": ("192.168.221.0/24", "172.30.221.0/24", "10.221.221.0/24"),
    "overlay_pool": ("10.20.0.0/16", "10.120.0.0/16", "172.28.0.0/16", "10.220.0.0/16"),
    "docker0": ("172.17.0.0/16", "172.27.0.0/16", "10.217.0.0/16", "192.168.64.0/20"),
    "docker_gwbridge": ("172.18.0.0/16", "172.26.0.0/16", "10.218.0.0/16", "192.168.80.0/20"),
}
"""Subnets to choose from. They come from all three private ranges, so that no single lab network or
setting, however wide, can rule out every one of them."""

LABELS: Mapping[str, Text] = {
    "network": _("the lab network"),
    "adapter1": _("adapter 1"),
    "overlay_pool": _("the overlay pool"),
    "docker0": untranslated("docker0"),
    "docker_gwbridge": untranslated("docker_gwbridge"),
}

UNUSABLE = (
    (IPv4Network("0.0.0.0/8"), _("it means 'this network'")),
    (IPv4Network("127.0.0.0/8"), _("it is the loopback")),
    (IPv4Network("169.254.0.0/16"), _("it is for link-local addresses")),
    (IPv4Network("224.0.0.0/3"), _("it is for multicast and reserved")),
)


def plan(
    network: IPv4Network, chosen: Mapping[str, IPv4Network], overlay_mask: int = OVERLAY_MASK
) -> AddressPlan | list[Problem]:
    """Choose every subnet, or say what is wrong with the ones that were set.

    :param network: the lab network.
    :param chosen: subnets set by the user, by key of :data:`CANDIDATES`.
    :param overlay_mask: length of the mask of each overlay network.
    """
    fixed = {"network": network, **chosen}
    problems = [
        problem
        for key, subnet in fixed.items()
        for problem in (_size(key, subnet), _unusable(key, subnet), _overlap(key, subnet, fixed))
        if problem
    ]
    pool = chosen.get("overlay_pool")
    if pool is not None and pool.prefixlen > overlay_mask:
        problems.append(_small_pool(pool, overlay_mask))
    if problems:
        return problems
    occupied = dict(fixed)
    for key, candidates in CANDIDATES.items():
        if key in occupied:
            continue
        free = [
            subnet
            for subnet in map(IPv4Network, candidates)
            if not any(subnet.overlaps(used) for used in occupied.values())
        ]
        if not free:
            return [
                Problem(
                    _place(key),
                    "",
                    _(
                        "no subnet is left for %(subnet)s beside %(others)s.",
                        subnet=LABELS[key],
                        others=_listed(occupied),
                    ),
                    _("Set %(key)s to a private subnet that overlaps none of them.", key=_place(key)),
                )
            ]
        occupied[key] = free[0]
    return AddressPlan(
        lab=network,
        gateway=network[1],
        adapter1=occupied["adapter1"],
        overlay_pool=occupied["overlay_pool"],
        overlay_mask=overlay_mask,
        docker0=occupied["docker0"],
        docker_gwbridge=occupied["docker_gwbridge"],
    )


def _small_pool(pool: IPv4Network, overlay_mask: int) -> Problem:
    """Say that a pool does not hold one overlay network."""
    return Problem(
        "addresses.overlay_pool",
        str(pool),
        _("the pool is smaller than one overlay network (/%(overlay_mask)s).", overlay_mask=overlay_mask),
        _(
            "Give a pool of /%(value)s or wider, or a longer addresses.overlay_mask.",
            value=max(overlay_mask - 4, WIDEST),
        ),
    )


def _place(key: str) -> str:
    return key if key == "network" else f"addresses.{key}"


def _listed(subnets: Mapping[str, IPv4Network]) -> Text:
    return listed(sentences(LABELS[key], untranslated(str(subnet))) for key, subnet in subnets.items())


def fits(network: IPv4Network) -> bool:
    """Say whether a subnet has a size that the lab network may have."""
    return WIDEST <= network.prefixlen <= NARROWEST["network"]


def _size(key: str, subnet: IPv4Network) -> Problem | None:
    narrowest = NARROWEST[key]
    if WIDEST <= subnet.prefixlen <= narrowest:
        return None
    if subnet.prefixlen < WIDEST:
        reason = _("%(subnet)s is too wide.", subnet=LABELS[key])
    else:
        reason = _("%(subnet)s has too few addresses.", subnet=LABELS[key])
    return Problem(
        _place(key),
        str(subnet),
        reason,
        _(
            "Choose a mask from /%(widest)s to /%(narrowest)s, as in %(value)s.",
            widest=WIDEST,
            narrowest=narrowest,
            value=CANDIDATES.get(key, ("10.0.2.0/24",))[0],
        ),
    )


def _unusable(key: str, subnet: IPv4Network) -> Problem | None:
    for wrong, why in UNUSABLE:
        if subnet.overlaps(wrong):
            return Problem(
                _place(key),
                str(subnet),
                _("%(subnet)s cannot lie in %(wrong)s: %(why)s.", subnet=LABELS[key], wrong=wrong, why=why),
                _("Choose a private subnet: 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16."),
            )
    return None


def _overlap(key: str, subnet: IPv4Network, fixed: Mapping[str, IPv4Network]) -> Problem | None:
    # Each pair once: the later key of the two is the one to move, the lab network stands first.
    for earlier_key, earlier in fixed.items():
        if earlier_key == key:
            return None
        if subnet.overlaps(earlier):
            return Problem(
                _place(key),
                str(subnet),
                _(
                    "%(subnet)s overlaps %(other)s (%(range)s): an address of one would be taken for a neighbour on "
                    "the other, and packets would go the wrong way.",
                    subnet=LABELS[key],
                    other=LABELS[earlier_key],
                    range=earlier,
                ),
                _(
                    "Leave %(key)s out (labgen then chooses one that is free), or choose another subnet.",
                    key=_place(key),
                ),
            )
    return None
