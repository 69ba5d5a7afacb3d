"""What is well shaped in ``lab.yml``, checked for sense: names, addresses, roles, ports."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network
from itertools import chain

from labgen.config import address_plan
from labgen.config.schema import BoxEntry, LabFile, NodeEntry, PortEntry, nearest
from labgen.core.errors import Problem
from labgen.core.i18n import _
from labgen.model.lab import MAX_NODES, AddressPlan, Box, CloudImageSource, EngineSettings, ForwardedPort, Lab, Node
from labgen.model.proxy import Proxy

_SHA256_DIGITS = 64


def build(entry: LabFile) -> tuple[Lab | None, list[Problem]]:
    problems = [*_counts(entry)]
    placed_nodes = list(_placed_nodes(entry))
    planned = address_plan.plan(
        entry.network,
        {key: subnet for key in address_plan.CANDIDATES if (subnet := getattr(entry.addresses, key)) is not None},
        entry.addresses.overlay_mask,
    )
    if isinstance(planned, list):
        problems += planned
    problems += _names(placed_nodes)
    nodes: list[Node] = []
    if address_plan.fits(entry.network):
        nodes, wrong = _addressed(placed_nodes, entry)
        problems += wrong
    problems += _roles(placed_nodes, entry)
    problems += _box(entry)
    problems += _proxy(entry)
    ports, wrong = _ports(entry, placed_nodes)
    problems += wrong
    if isinstance(planned, list) or any(problem.fatal for problem in problems):
        return None, problems
    return _lab(entry, nodes, planned, ports), problems


def _lab(entry: LabFile, nodes: list[Node], planned: AddressPlan, ports: list[ForwardedPort]) -> Lab:
    return Lab(
        name=entry.name,
        nodes=tuple(nodes),
        plan=planned,
        provider=entry.provider,
        box=_box_of(entry.box) if entry.box else None,
        engine=EngineSettings(entry.engine.source, entry.engine.version, entry.engine.suite),
        registry_mirror=entry.registry.mirror,
        proxy=_proxy_of(entry),
        ports=tuple(ports),
    )


def _placed_nodes(entry: LabFile) -> Iterator[tuple[str, NodeEntry]]:
    """Give the place in the file and the entry of every node, written by hand or by number."""
    if entry.nodes is not None:
        for index, node in enumerate(entry.nodes):
            yield f"nodes[{index}]", node
        return
    managers = 1 if entry.managers is None else entry.managers
    workers = 2 if entry.workers is None else entry.workers
    for index in range(managers):
        name = "swarm-manager" if managers == 1 else f"swarm-manager{index + 1}"
        yield "managers", NodeEntry(name=name, role="manager", address=None)
    for index in range(workers):
        yield "workers", NodeEntry(name=f"swarm-worker{index + 1}", role="worker", address=None)


def _counts(entry: LabFile) -> Iterator[Problem]:
    for role, count in (("manager", entry.managers), ("worker", entry.workers)):
        if entry.nodes is None or count is None:
            continue
        listed = sum(node.role == role for node in entry.nodes)
        if listed != count:
            yield Problem(
                f"{role}s",
                str(count),
                _("nodes lists %(listed)s of them.", listed=listed),
                _("Leave %(key)s out: nodes says it already.", key=f"{role}s"),
            )


def _box_of(entry: BoxEntry) -> Box:
    if entry.image:
        return Box.of_image(CloudImageSource(entry.image, entry.url or "", entry.checksum or ""))
    # Vagrant knows a box by its name: without one, another file is another box.
    name = entry.name or f"labgen/box-{hashlib.sha256((entry.checksum or entry.url or '').encode()).hexdigest()[:12]}"
    return Box(name, entry.version, entry.url, entry.checksum)


def _proxy_of(entry: LabFile) -> Proxy:
    proxy = entry.proxy
    return Proxy(proxy.http or "", proxy.https or "", tuple(proxy.no_proxy or ())) if proxy else Proxy()


def _proxy(entry: LabFile) -> Iterator[Problem]:
    if entry.proxy and not (entry.proxy.http or entry.proxy.https):
        yield Problem(
            "proxy",
            "",
            _("names no proxy."),
            _("Add http and https, as in proxy: {http: URL, https: URL}; or proxy: URL."),
        )


def _box(entry: LabFile) -> Iterator[Problem]:
    box = entry.box
    if box is None:
        return
    if not (box.name or box.image or box.url):
        yield Problem("box.name", "", _("is missing."), _("Add name; or image or url in its place."))
    if box.image:
        for key in ("name", "version"):
            if value := getattr(box, key):
                yield Problem(
                    f"box.{key}",
                    value,
                    _("does not go with image: labgen makes that box itself."),
                    _("Leave %(key)s out.", key=key),
                )
        return
    if box.checksum and not box.url:
        yield Problem(
            "box.checksum",
            "",
            _("is checked for the file that box.url leads to, and there is no url."),
            _("Add url, or leave checksum out."),
        )
    if box.checksum and len(box.checksum) != _SHA256_DIGITS:
        yield Problem(
            "box.checksum",
            "",
            _("is a SHA-512; that of a .box file is a SHA-256."),
            _("Write what `sha256sum FILE` prints."),
        )


def _roles(placed_nodes: list[tuple[str, NodeEntry]], entry: LabFile) -> Iterator[Problem]:
    managers = sum(node.role == "manager" for _place, node in placed_nodes)
    place = "nodes" if entry.nodes is not None else "managers"
    if managers == 0:
        yield Problem(
            place,
            "" if entry.nodes is not None else "0",
            _("a swarm needs a manager."),
            _("Make at least one node a manager."),
        )
    elif managers % 2 == 0:
        yield Problem(
            place,
            str(managers),
            _("an even number of managers tolerates no more failures than %(value)s.", value=managers - 1),
            _("Better %(value)s or %(value2)s.", value=managers - 1, value2=managers + 1),
            fatal=False,
        )
    if len(placed_nodes) > MAX_NODES:
        more = "workers" if entry.nodes is None and managers <= MAX_NODES // 2 else place
        yield Problem(
            more,
            str(len(placed_nodes)),
            _("a lab has at most %(max_nodes)s nodes.", max_nodes=MAX_NODES),
            _("Use fewer managers or workers."),
        )


def _names(placed_nodes: list[tuple[str, NodeEntry]]) -> Iterator[Problem]:
    first: dict[str, str] = {}
    for place, node in placed_nodes:
        if node.name in first:
            yield Problem(
                f"{place}.name",
                node.name,
                _("is the name of %(value)s already.", value=first[node.name]),
                _("Give each node its own name."),
            )
        first.setdefault(node.name, place)


def _addressed(placed_nodes: list[tuple[str, NodeEntry]], entry: LabFile) -> tuple[list[Node], list[Problem]]:
    network = entry.network
    problems: list[Problem] = []
    used = {node.address for _place, node in placed_nodes if node.address}
    owners: dict[IPv4Address, str] = {}
    for place, node in placed_nodes:
        if node.address is None:
            continue
        if node.address in owners:
            problems.append(
                Problem(
                    f"{place}.address",
                    str(node.address),
                    _("is the address of %(value)s already.", value=owners[node.address]),
                    _("Give each node its own address, or leave it out."),
                )
            )
        owners.setdefault(node.address, node.name)
        problems += _misplaced(place, node.address, network)
    free = _free(network, used)
    nodes = []
    for _place, node in placed_nodes:
        address = node.address or next(free, None)
        if address is None:
            problems.append(
                Problem(
                    "network",
                    str(network),
                    _("has no address left for %(name)s.", name=node.name),
                    _("Use a wider network, as in 10.0.2.0/24, or fewer nodes."),
                )
            )
            break
        nodes.append(Node(node.name, node.role, address, node.memory or entry.memory, node.cpus or entry.cpus))
    return nodes, problems


def _misplaced(place: str, address: IPv4Address, network: IPv4Network) -> Iterator[Problem]:
    where = f"{place}.address"
    first = network[min(address_plan.RESERVED + 1, network.num_addresses - 1)]
    fix = _("Use one from %(first)s to %(last)s.", first=first, last=network[-2])
    if address not in network:
        yield Problem(where, str(address), _("lies outside the lab network %(network)s.", network=network), fix)
    elif address == network[1]:
        yield Problem(where, str(address), _("is the gateway of the lab network."), fix)
    elif address in (network[0], network[-1]):
        yield Problem(where, str(address), _("is the network or broadcast address of the lab network."), fix)
    elif int(address) - int(network[0]) <= address_plan.RESERVED:
        yield Problem(where, str(address), _("is reserved: VirtualBox's NAT network uses .2 and .3 itself."), fix)


def _free(network: IPv4Network, used: set[IPv4Address]) -> Iterator[IPv4Address]:
    """Give addresses that are free: from .101 on, as in the document; those before in a small or full network."""
    size = network.num_addresses
    for offset in chain(range(101, size - 1), range(address_plan.RESERVED + 1, min(101, size - 1))):
        if network[offset] not in used:
            yield network[offset]


def _ports(entry: LabFile, placed_nodes: list[tuple[str, NodeEntry]]) -> tuple[list[ForwardedPort], list[Problem]]:
    problems: list[Problem] = []
    ports: list[ForwardedPort] = []
    names = [node.name for _place, node in placed_nodes]
    first = next((node.name for _place, node in placed_nodes if node.role == "manager"), "")
    places: dict[int, str] = {}
    entries = [PortEntry(guest=8001, host=None, node=None)] if entry.ports is None else entry.ports
    for index, port in enumerate(entries):
        place = f"ports[{index}]"
        node = port.node or first
        host = port.host or port.guest
        if port.node and port.node not in names:
            problems.append(Problem(f"{place}.node", node, _("is not a node of this lab."), nearest(node, names)))
        if host in places:
            problems.append(
                Problem(
                    f"{place}.host",
                    str(host),
                    _("is forwarded by %(value)s already.", value=places[host]),
                    _("Give each forwarded port its own port on this computer."),
                )
            )
        places.setdefault(host, place)
        ports.append(ForwardedPort(port.guest, host, node))
    return ports, problems
