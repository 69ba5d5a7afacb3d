"""Networks of the lab against those of the Docker engine, and against this computer's routes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from labgen.core.i18n import _
from labgen.host.computer import Host
from labgen.host.findings import Finding
from labgen.host.lab_folder import mark
from labgen.host.network import CONTAINERS, KEYS, Route, as_yaml, clashes, free_subnet, routes
from labgen.host.network import ports as ports_of_this_computer
from labgen.model.lab import Lab
from labgen.model.provider import ProviderFacts
from labgen.providers.docker import engine


def check_routes(lab: Lab, host: Host, provider: ProviderFacts) -> Iterator[Finding]:
    """Check for clashes with the engine's networks (it refuses two that overlap) and with this computer's routes."""
    state = engine.daemon(host).state
    if state == "own":
        yield Finding(
            "docker.network", "ok", _("network"), _("the lab has a network namespace to itself."), provider="docker"
        )
        return
    if state == "system":
        conflicts = list(_docker_networks(lab, host))
        yield from conflicts
        if conflicts:
            return
    # The engine's bridges are this computer's, unless it is in a virtual machine.
    bridged = ("lab network", "adapter 1") if local_engine(host) else ()
    yield from clashes(lab, host, provider, bridged, _bridges)


def ports(lab: Lab, host: Host, provider: ProviderFacts) -> Iterator[Finding]:
    """Check the forwarded ports, unless those of another computer are meant."""
    if engine.other_computer(host) is None:
        yield from ports_of_this_computer(lab, host, provider, engine.daemon)


def _bridges(lab: Lab, host: Host, table: Sequence[Route]) -> set[str]:
    """Give all bridges of container engines: the engine's networks have been asked themselves."""
    del lab, host
    return {route.device for route in table if CONTAINERS.match(route.device)}


def _docker_networks(lab: Lab, host: Host) -> Iterator[Finding]:
    listed = engine.networks(host)
    if listed is None:
        yield Finding(
            "docker.network",
            "warning",
            _("network"),
            _("the engine does not list its networks."),
            _(
                "Check with `docker network ls` and `docker network inspect` that no network overlaps %(lab)s.",
                lab=lab.plan.lab,
            ),
            "docker",
        )
        return
    routes_there = [Route(subnet, network.name) for network in listed for subnet in network.subnets]
    table = [*routes_there, *(routes(host) or [])]
    own = mark(lab, host)
    others = [network for network in listed if own is None or network.labels.get("labgen.folder") != own]
    for network in others:
        if network.name in (f"{lab.slug}-adapter1", f"{lab.slug}-lab"):
            yield Finding(
                "docker.network",
                "error",
                _("network"),
                _(
                    "Docker already has a network %(network)s. "
                    "It belongs to another lab, or to a lab folder that was deleted.",
                    network=network.name,
                ),
                network.advice(_("Give this lab another name in lab.yml (name:).")),
                "docker",
            )
    for what, subnet in lab.plan.named_subnets()[:2]:
        for network in others:
            if network.name in (f"{lab.slug}-adapter1", f"{lab.slug}-lab"):
                continue  # told above
            overlapping = network.overlapping(subnet)
            if overlapping is None:
                continue
            key = KEYS[what]
            free = free_subnet(lab, key, table)
            yield Finding(
                "docker.network",
                "error",
                _("network"),
                _(
                    "the %(what)s %(subnet)s overlaps Docker's network %(network)s (%(overlapping)s).",
                    what=what,
                    subnet=subnet,
                    network=network.name,
                    overlapping=overlapping,
                ),
                network.advice(
                    _("Write in lab.yml: %(setting)s", setting=as_yaml(key, free))
                    if free
                    else _("Set %(key)s in lab.yml to a free subnet.", key=key)
                ),
                "docker",
            )


def local_engine(host: Host) -> bool:
    """Tell whether the engine in use runs on this computer itself, and not in a virtual machine."""
    details = engine.engine(host)
    virtual = details is not None and details.desktop
    return host.system() == "Linux" and not virtual and engine.other_computer(host) is None
