"""Subnets of the lab against this computer's routes, and forwarded ports against those in use."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from labgen.config import address_plan
from labgen.host import resources
from labgen.host.computer import Host
from labgen.host.findings import Finding
from labgen.model.lab import Lab
from labgen.providers.docker import engine
from labgen.providers.libvirt import doctor
from labgen.providers.virtualbox import conflicts

_QUIET = (IPv4Network("127.0.0.0/8"), IPv4Network("169.254.0.0/16"), IPv4Network("224.0.0.0/3"))
_CONTAINERS = re.compile(r"docker|br-[0-9a-f]{12}$|cni|podman|lxc|lxd")
"""Bridges of container engines: they lead nowhere but to this computer's own containers."""
_WINDOWS = re.compile(r"^\s*([\d.]+)\s+([\d.]+)\s+\S.*?\s+[\d.]+\s+\d+\s*$")
_KEYS = {"lab network": "network", "adapter 1": "addresses.adapter1", "overlay pool": "addresses.overlay_pool"}
_OTHER_NETWORKS = (
    *(f"10.{second}.2.0/24" for second in (30, 40, 50, 60, 130, 140, 150)),
    "192.168.210.0/24",
    "172.29.2.0/24",
)
_NFTABLES_SINCE = (10, 4)
"""The libvirt that began to make its rules with nftables, where Docker's do not hear of them."""
_NETWORK_CONF = Path("/etc/libvirt/network.conf")


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
    """Routes of this computer but for the default one, loopback and multicast; ``None`` if it does not tell."""
    system = host.system()
    if system == "Linux":
        said = host.run("ip", "-j", "route")
        found = linux_routes(said.out) if said.ok else None
    elif system == "Darwin":
        said = host.run("netstat", "-rn")
        found = macos_routes(said.out) if said.ok else None
    else:
        said = host.run("route", "print", "-4")
        found = windows_routes(said.out) if said.ok else None
    if found is None:
        return None
    # A VPN may spell the default route as two halves (0/1 and 128/1).
    return [
        route for route in found if route.to.prefixlen > 1 and not any(route.to.subnet_of(quiet) for quiet in _QUIET)
    ]


def linux_routes(text: str) -> list[Route] | None:
    """Routes in the output of ``ip -j route``."""
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
    """Routes in the output of ``netstat -rn``, which cuts trailing zeros off: ``10/8``, ``192.168.1``."""
    found = []
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
            found.append(Route(to, name))
    return found if "Internet:" in text else None


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
    """Routes in the output of ``route print -4``, in whatever language Windows speaks."""
    found = []
    for line in text.splitlines():
        if (row := _WINDOWS.match(line)) is None:
            continue
        try:
            found.append(Route(IPv4Network((row[1], row[2]), strict=False)))
        except ValueError:
            continue
    return found or None


def libvirt_routes(lab: Lab, host: Host) -> Iterator[Finding]:
    """Clashes where the lab's networks are bridges of this computer."""
    if doctor.daemon(host).state == "own":
        yield Finding(
            "libvirt.network", "ok", "network", "the lab has a network namespace to itself.", provider="libvirt"
        )
        return
    yield from _clashes(lab, host, "libvirt", bridged=("lab network", "adapter 1"))


def libvirt_firewall(lab: Lab, host: Host) -> Iterator[Finding]:
    """Docker's firewall beside that of libvirt, which then lets packets through in vain (moby/moby#52612)."""
    del lab
    found = doctor.daemon(host)
    version = re.search(r"(?m)^Running against daemon: (\d+)\.(\d+)", found.said) or re.search(
        r"(?m)^Using library: libvirt (\d+)\.(\d+)", found.said
    )
    if found.state != "system" or version is None or (int(version[1]), int(version[2])) < _NFTABLES_SINCE:
        return
    if not any(route.device == "docker0" for route in routes(host) or []):
        return
    if re.search(r'(?m)^\s*firewall_backend\s*=\s*"iptables"', host.read(_NETWORK_CONF) or ""):
        return
    yield Finding(
        "libvirt.firewall",
        "warning",
        "firewall",
        "Docker runs here, and its firewall may drop what the machines send, to each other as well.",
        f"echo 'firewall_backend = \"iptables\"' | sudo tee -a {_NETWORK_CONF}\n"
        "sudo systemctl restart virtnetworkd libvirtd",
        "libvirt",
    )


def virtualbox_routes(lab: Lab, host: Host) -> Iterator[Finding]:
    """Clashes where the lab's networks are inside VirtualBox, and this computer has no route to them."""
    yield from _clashes(lab, host, "virtualbox", bridged=())


def docker_routes(lab: Lab, host: Host) -> Iterator[Finding]:
    """Clashes with networks of the Docker engine, which refuses two that overlap, and with this computer's routes."""
    state = engine.daemon(host).state
    if state == "own":
        yield Finding(
            "docker.network", "ok", "network", "the lab has a network namespace to itself.", provider="docker"
        )
        return
    if state == "system":
        found = list(_docker_networks(lab, host))
        yield from found
        if found:
            return
    # The engine's bridges are this computer's, unless it is in a virtual machine.
    yield from _clashes(lab, host, "docker", bridged=("lab network", "adapter 1") if _local_engine(host) else ())


def _docker_networks(lab: Lab, host: Host) -> Iterator[Finding]:
    listed = engine.networks(host)
    if listed is None:
        yield Finding(
            "docker.network",
            "warning",
            "network",
            "the engine does not list its networks.",
            f"See with `docker network ls` and `docker network inspect` that none overlaps {lab.plan.lab}.",
            "docker",
        )
        return
    routes_there = [Route(subnet, network.name) for network in listed for subnet in network.subnets]
    known = [*routes_there, *(routes(host) or [])]
    own = conflicts.mark(lab, host)
    others = [network for network in listed if own is None or network.labels.get("labgen.folder") != own]
    for network in others:
        if network.name in (f"{lab.slug}-adapter1", f"{lab.slug}-lab"):
            yield Finding(
                "docker.network",
                "error",
                "network",
                f"Docker has a network {network.name} already: of another lab, or left of a folder that was deleted.",
                f"If nothing needs it, remove it with what is on it:\n{_remove(network)}\n"
                "Otherwise give this lab another name in lab.yml (name:).",
                "docker",
            )
    for what, subnet in lab.plan.named()[:2]:
        for network in others:
            if network.name in (f"{lab.slug}-adapter1", f"{lab.slug}-lab"):
                continue  # told above
            other = next((other for other in network.subnets if other.overlaps(subnet)), None)
            if other is None:
                continue
            key = _KEYS[what]
            free = _free_subnet(lab, key, known)
            elsewhere = f"in lab.yml: {_as_yaml(key, free)}" if free else f"set {key} in lab.yml to one that is free"
            remove = f"docker network rm {network.name}\n(if nothing needs it; otherwise, {elsewhere})"
            yield Finding(
                "docker.network",
                "error",
                "network",
                f"the {what} {subnet} overlaps Docker's network {network.name} ({other}).",
                # The default bridge cannot be removed.
                remove if network.name != "bridge" else f"I{elsewhere[1:]}.",
                "docker",
            )


def _remove(network: engine.Network) -> str:
    """Commands that remove what a lab has left in the engine."""
    remove = f"docker network rm {network.name}"
    folder = network.labels.get("labgen.folder", "")
    if not re.fullmatch(r"[0-9a-f]{12}", folder):
        return remove
    return f"docker rm --force --volumes $(docker ps --all --quiet --filter label=labgen.folder={folder})\n{remove}"


def _local_engine(host: Host) -> bool:
    found = engine.engine(host)
    return host.system() == "Linux" and not (found is not None and found.desktop)


def _clashes(lab: Lab, host: Host, provider: str, bridged: Sequence[str]) -> Iterator[Finding]:
    known = routes(host)
    name = f"{provider}.network"
    if known is None:
        yield Finding(
            name,
            "warning",
            "network",
            "this computer's routes cannot be read.",
            f"See to it that no network of yours overlaps {lab.plan.lab}.",
            provider,
        )
        return
    own = _own_bridges(lab, host, known, provider) if bridged else set()
    clash = False
    for what, subnet in lab.plan.named():
        for route in known:
            if not subnet.overlaps(route.to) or route.device in own:
                continue
            if what not in bridged and _CONTAINERS.match(route.device):
                continue
            clash = True
            yield _clash(lab, provider, what, subnet, route, known, taken_over=what in bridged)
    if not clash:
        yield Finding(name, "ok", "network", f"{lab.plan.lab} and the lab's other subnets are free.", provider=provider)


def _clash(
    lab: Lab,
    provider: str,
    what: str,
    subnet: IPv4Network,
    route: Route,
    known: Sequence[Route],
    *,
    taken_over: bool,
) -> Finding:
    key = _KEYS.get(what, f"addresses.{what}")
    free = _free_subnet(lab, key, known)
    fix = f"In lab.yml: {_as_yaml(key, free)}" if free else f"Set {key} in lab.yml to a subnet that is free here."
    name = f"{provider}.network"
    said = f"the {what} {subnet} overlaps this computer's route to {route}"
    if taken_over and route.to.prefixlen >= subnet.prefixlen and _hits(lab, what, subnet, route):
        # libvirt refuses an equal one; a narrower one it lets pass, and packets go the wrong way.
        return Finding(
            name, "error", "network", f"{said}: machines would not be reached.", f"{fix} (or disconnect it).", provider
        )
    return Finding(
        name,
        "warning",
        "network",
        f"{said}: from the machines, and while they run, what is there may not be reached.",
        fix,
        provider,
    )


def _hits(lab: Lab, what: str, subnet: IPv4Network, route: Route) -> bool:
    if route.to == subnet or what != "lab network":
        return True
    used: list[IPv4Address] = [lab.plan.gateway, *(node.address for node in lab.nodes)]
    return any(address in route.to for address in used)


def _own_bridges(lab: Lab, host: Host, known: Sequence[Route], provider: str) -> set[str]:
    """Bridges of this very lab, where it runs already; of Docker's, all: its networks have been asked themselves."""
    if provider == "docker":
        return {route.device for route in known if _CONTAINERS.match(route.device)}
    subnets = [subnet for _, subnet in lab.plan.named()]
    bridges = {
        route.device
        for route in known
        if route.device.startswith("virbr") and any(route.to.overlaps(subnet) for subnet in subnets)
    }
    if not bridges:
        return set()
    own = set()
    for network in (lab.slug, f"{lab.slug}-adapter1"):
        said = host.run("virsh", "--connect", "qemu:///system", "net-info", network)
        if found := re.search(r"^Bridge:\s+(\S+)", said.out, re.MULTILINE):
            own.add(found[1])
    return own & bridges


def _free_subnet(lab: Lab, key: str, known: Sequence[Route]) -> IPv4Network | None:
    candidates = _OTHER_NETWORKS if key == "network" else address_plan.CANDIDATES[key.removeprefix("addresses.")]
    taken = [route.to for route in known] + [subnet for _, subnet in lab.plan.named()]
    return next(
        (subnet for subnet in map(IPv4Network, candidates) if not any(subnet.overlaps(other) for other in taken)),
        None,
    )


def _as_yaml(key: str, subnet: IPv4Network) -> str:
    section, _, inner = key.partition(".")
    return f"{section}: {{{inner}: {subnet}}}" if inner else f"{section}: {subnet}"


def ports(lab: Lab, host: Host, provider: str) -> Iterator[Finding]:
    """Forwarded ports, which Vagrant or Docker binds on 127.0.0.1."""
    if not lab.ports or resources.existing(lab, host) == provider:
        return  # the lab's own machines hold them
    if provider == "docker" and engine.daemon(host).state == "own":
        return  # bound in the lab's own network namespace, where nothing else is
    name = f"{provider}.ports"
    clash = False
    for port in lab.ports:
        state = host.port(port.host)
        if state == "free":
            continue
        clash = True
        other = next((number for number in range(18000 + port.guest % 1000, 18999) if host.port(number) == "free"), 0)
        take = f"ports: [{{guest: {port.guest}, host: {other or 18080}, node: {port.node}}}]"
        if state == "taken":
            yield Finding(
                name,
                "warning",
                "ports",
                f"port {port.host} of 127.0.0.1 is taken; Vagrant will forward another and say which.",
                f"End what uses it ({_who(host, port.host)}), or in lab.yml: {take}",
                provider,
            )
        else:
            yield Finding(
                name,
                "error",
                "ports",
                f"port {port.host} of 127.0.0.1 may not be bound by this user.",
                f"Ports below 1024 are root's. In lab.yml: {take}",
                provider,
            )
    if not clash:
        listed = ", ".join(str(port.host) for port in lab.ports)
        yield Finding(name, "ok", "ports", f"free: {listed}.", provider=provider)


def _who(host: Host, port: int) -> str:
    return {
        "Windows": f"netstat -ano | findstr :{port}",
        "Darwin": f"lsof -nP -iTCP:{port} -sTCP:LISTEN",
    }.get(host.system(), f"ss -ltnp sport = :{port}")
