"""Subnets of the lab against this computer's routes, and forwarded ports against those in use."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from labgen.config import address_plan
from labgen.core.i18n import _
from labgen.host import resources
from labgen.host.computer import Host
from labgen.host.daemon_status import DaemonStatus
from labgen.host.findings import Finding
from labgen.model.lab import Lab
from labgen.model.provider import ProviderFacts

_QUIET = (IPv4Network("127.0.0.0/8"), IPv4Network("169.254.0.0/16"), IPv4Network("224.0.0.0/3"))
CONTAINERS = re.compile(r"docker|br-[0-9a-f]{12}$|cni|podman|lxc|lxd")
"""Bridges of container engines: they lead nowhere but to this computer's own containers."""
_WINDOWS = re.compile(r"^\s*([\d.]+)\s+([\d.]+)\s+\S.*?\s+[\d.]+\s+\d+\s*$")
_SUBNETS = {
    "lab network": _("lab network"),
    "adapter 1": _("adapter 1"),
    "overlay pool": _("overlay pool"),
}
KEYS = {"lab network": "network", "adapter 1": "addresses.adapter1", "overlay pool": "addresses.overlay_pool"}
_OTHER_NETWORKS = (
    *(f"10.{second}.2.0/24" for second in (30, 40, 50, 60, 130, 140, 150)),
    "192.168.210.0/24",
    "172.29.2.0/24",
)


@dataclass(frozen=True)
class Route:
    """A way this computer knows.

    :param device: the interface it leads through; empty where the system does not name it.
    """

    to: IPv4Network
    device: str = ""

    def __str__(self) -> str:
        return f"{self.to} on {self.device}" if self.device else str(self.to)


def routes(host: Host) -> list[Route] | None:
    """List this computer's routes but for the default one, loopback and multicast; ``None`` if it does not tell."""
    system = host.system()
    if system == "Linux":
        result = host.run("ip", "-j", "route")
        table = linux_routes(result.out) if result.ok else None
    elif system == "Darwin":
        result = host.run("netstat", "-rn")
        table = macos_routes(result.out) if result.ok else None
    else:
        result = host.run("route", "print", "-4")
        table = windows_routes(result.out) if result.ok else None
    if table is None:
        return None
    # A VPN may spell the default route as two halves (0/1 and 128/1).
    return [
        route for route in table if route.to.prefixlen > 1 and not any(route.to.subnet_of(quiet) for quiet in _QUIET)
    ]


def linux_routes(text: str) -> list[Route] | None:
    """Parse the output of ``ip -j route``."""
    try:
        listed = json.loads(text)
        return [
            Route(IPv4Network(entry["dst"]), entry.get("dev", entry.get("type", "")))
            for entry in listed
            if entry["dst"] != "default"
        ]
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def macos_routes(text: str) -> list[Route] | None:
    """Parse the output of ``netstat -rn``, which cuts trailing zeros off: ``10/8``, ``192.168.1``."""
    table = []
    inside = False
    for line in text.splitlines():
        if line.startswith("Internet"):
            inside = line.startswith("Internet:")
            continue
        words = line.split()
        if not inside or len(words) < 4 or words[0] in ("Destination", "default"):
            continue
        to = _macos_network(words[0])
        # A neighbour's entry in the ARP table is no route (flag L).
        if to is not None and "L" not in words[2]:
            name = next((word for word in words[3:] if re.fullmatch(r"[a-z]+\d+", word)), "")
            table.append(Route(to, name))
    return table if "Internet:" in text else None


def _macos_network(text: str) -> IPv4Network | None:
    address, _, mask = text.partition("/")
    parts = address.split(".")
    if not all(part.isdecimal() for part in parts) or len(parts) > 4:
        return None
    try:
        return IPv4Network((".".join(parts + ["0"] * (4 - len(parts))), int(mask or 8 * len(parts))), strict=False)
    except ValueError:
        return None


def windows_routes(text: str) -> list[Route] | None:
    """Parse the output of ``route print -4``, in whatever language Windows speaks."""
    table = []
    for line in text.splitlines():
        if (row := _WINDOWS.match(line)) is None:
            continue
        try:
            table.append(Route(IPv4Network((row[1], row[2]), strict=False)))
        except ValueError:
            continue
    return table or None


def clashes(
    lab: Lab,
    host: Host,
    provider: ProviderFacts,
    bridged: Sequence[str] = (),
    own_bridges: Callable[[Lab, Host, Sequence[Route]], set[str]] = lambda _lab, _host, _routes: set(),
) -> Iterator[Finding]:
    """Check the lab's subnets against this computer's routes.

    :param bridged: subnets of the lab that become bridges of this computer: "lab network", "adapter 1".
    :param own_bridges: finds, among the routes, bridges of this very lab.
    """
    table = routes(host)
    name = f"{provider.name}.network"
    if table is None:
        yield Finding(
            name,
            "warning",
            _("network"),
            _("this computer's routes cannot be read."),
            _("Check that none of your networks overlaps %(lab)s.", lab=lab.plan.lab),
            provider.name,
        )
        return
    own = own_bridges(lab, host, table) if bridged else set()
    clash = False
    for what, subnet in lab.plan.named_subnets():
        for route in table:
            if not subnet.overlaps(route.to) or route.device in own:
                continue
            if what not in bridged and CONTAINERS.match(route.device):
                continue
            clash = True
            yield _clash(lab, provider.name, what, subnet, route, table, taken_over=what in bridged)
    if not clash:
        message = _("%(lab)s and the lab's other subnets are free.", lab=lab.plan.lab)
        yield Finding(name, "ok", _("network"), message, provider=provider.name)


def _clash(
    lab: Lab,
    provider: str,
    what: str,
    subnet: IPv4Network,
    route: Route,
    table: Sequence[Route],
    *,
    taken_over: bool,
) -> Finding:
    key = KEYS.get(what, f"addresses.{what}")
    free = free_subnet(lab, key, table)
    fix = (
        _("In lab.yml: %(as_yaml)s", as_yaml=as_yaml(key, free))
        if free
        else _("Set %(key)s in lab.yml to a subnet that is free here.", key=key)
    )
    name = f"{provider}.network"
    message = _(
        "the %(what)s %(subnet)s overlaps this computer's route to %(route)s",
        what=_SUBNETS.get(what, what),
        subnet=subnet,
        route=route,
    )
    if taken_over and route.to.prefixlen >= subnet.prefixlen and _hits(lab, what, subnet, route):
        # libvirt refuses an equal one; a narrower one it lets pass, and packets go the wrong way.
        return Finding(
            name,
            "error",
            _("network"),
            _("%(message)s: machines would not be reached.", message=message),
            _("%(fix)s (or disconnect it).", fix=fix),
            provider,
        )
    return Finding(
        name,
        "warning",
        _("network"),
        _("%(message)s: from the machines, and while they run, what is there may not be reached.", message=message),
        fix,
        provider,
    )


def _hits(lab: Lab, what: str, subnet: IPv4Network, route: Route) -> bool:
    if route.to == subnet or what != "lab network":
        return True
    used: list[IPv4Address] = [lab.plan.gateway, *(node.address for node in lab.nodes)]
    return any(address in route.to for address in used)


def free_subnet(lab: Lab, key: str, table: Sequence[Route]) -> IPv4Network | None:
    candidates = _OTHER_NETWORKS if key == "network" else address_plan.CANDIDATES[key.removeprefix("addresses.")]
    used = [route.to for route in table] + [subnet for _, subnet in lab.plan.named_subnets()]
    return next(
        (subnet for subnet in map(IPv4Network, candidates) if not any(subnet.overlaps(network) for network in used)),
        None,
    )


def as_yaml(key: str, subnet: IPv4Network) -> str:
    section, _, inner = key.partition(".")
    return f"{section}: {{{inner}: {subnet}}}" if inner else f"{section}: {subnet}"


def ports(
    lab: Lab, host: Host, provider: ProviderFacts, daemon: Callable[[Host], DaemonStatus] | None = None
) -> Iterator[Finding]:
    """Check the forwarded ports, which Vagrant or Docker binds on 127.0.0.1."""
    if not lab.ports or resources.existing(lab, host) == provider.name:
        return  # the lab's own machines hold them
    if daemon is not None and daemon(host).state == "own":
        return  # bound in the lab's own network namespace, where nothing else is
    name = f"{provider.name}.ports"
    clash = False
    for port in lab.ports:
        state = host.port(port.host)
        if state == "free":
            continue
        clash = True
        free_port = next(
            (number for number in range(18000 + port.guest % 1000, 18999) if host.port(number) == "free"), 0
        )
        take = _(
            "ports: [{guest: %(guest)s, host: %(value)s, node: %(node)s}]",
            guest=port.guest,
            value=free_port or 18080,
            node=port.node,
        )
        if state == "taken":
            yield Finding(
                name,
                "warning",
                _("ports"),
                _("port %(host)s of 127.0.0.1 is taken; `labgen up` forwards another and says which.", host=port.host),
                _("End what uses it (%(who)s), or in lab.yml: %(take)s", who=_who(host, port.host), take=take),
                provider.name,
            )
        else:
            yield Finding(
                name,
                "error",
                _("ports"),
                _("port %(host)s of 127.0.0.1 may not be bound by this user.", host=port.host),
                _("Ports below 1024 are root's. In lab.yml: %(take)s", take=take),
                provider.name,
            )
    if not clash:
        listed = ", ".join(str(port.host) for port in lab.ports)
        yield Finding(name, "ok", _("ports"), _("free: %(listed)s.", listed=listed), provider=provider.name)


def _who(host: Host, port: int) -> str:
    return {
        "Windows": f"netstat -ano | findstr :{port}",
        "Darwin": f"lsof -nP -iTCP:{port} -sTCP:LISTEN",
    }.get(host.system(), f"ss -ltnp sport = :{port}")
