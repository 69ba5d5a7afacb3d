"""What a lab is: frozen data that knows no machine.

A :class:`Lab` comes from :func:`labgen.config.load`, which has checked it; nothing here checks
again. Addresses are those of the lab network (adapter 2 of every machine).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from typing import ClassVar, Literal
from urllib.parse import urlsplit

from labgen.core.i18n import Spoken
from labgen.model.proxy import Proxy

MAX_NODES = 150
"""Nodes that a lab may have."""

Role = Literal["manager", "worker"]
EngineSource = Literal["distribution", "docker", "none"]
Suite = Literal["bookworm", "trixie", "sid"]
"""Releases of Debian that labgen makes nodes of (:data:`labgen.images.recipe.SUITES`)."""
CloudImageName = Literal["debian-13", "debian-12", "ubuntu-24.04"]
"""Cloud images that labgen makes boxes of (labgen/boxes/cloud_images.json)."""


@dataclass(frozen=True)
class AddressPlan:
    """Every subnet of a lab; no two of them overlap (:mod:`labgen.config.address_plan` sees to it).

    :param lab: the lab network, which the nodes talk over.
    :param gateway: its first address.
    :param adapter1: VirtualBox's plain NAT of adapter 1, libvirt's management network.
    :param overlay_pool: where the swarm's overlay networks come from.
    :param overlay_mask: length of the mask of each overlay network.
    :param docker0: the engine's default bridge.
    :param docker_gwbridge: the bridge that connects overlay networks to the node.
    """

    lab: IPv4Network
    gateway: IPv4Address
    adapter1: IPv4Network
    overlay_pool: IPv4Network
    overlay_mask: int
    docker0: IPv4Network
    docker_gwbridge: IPv4Network

    def named_subnets(self) -> tuple[tuple[str, IPv4Network], ...]:
        """Give the name and subnet of each, in the order in which they are chosen."""
        return (
            ("lab network", self.lab),
            ("adapter 1", self.adapter1),
            ("overlay pool", self.overlay_pool),
            ("docker0", self.docker0),
            ("docker_gwbridge", self.docker_gwbridge),
        )


@dataclass(frozen=True)
class Node:
    """One machine of the lab.

    :param memory: MiB.
    """

    name: str
    role: Role
    address: IPv4Address
    memory: int
    cpus: int

    @property
    def mac(self) -> str:
        """MAC address of adapter 2, ``08:00:27:00:02:65`` for 10.0.2.101.

        VirtualBox's vendor part and the last three bytes of the address: fixed, and different for
        every node of a lab network no wider than a /8.
        """
        return "08:00:27:" + ":".join(f"{byte:02x}" for byte in self.address.packed[1:])


@dataclass(frozen=True)
class CloudImageSource:
    """Which cloud image a box is made of, and where that is.

    :param name: of a distribution's release: ``debian-13``.
    :param url: a file, or a folder with the pinned file in it (ends in ``/``); the distribution's servers where empty.
    :param checksum: SHA-256 or SHA-512 of the file, in hexadecimal; that of the pinned file where empty.
    """

    name: str
    url: str = ""
    checksum: str = ""


@dataclass(frozen=True)
class Box:
    """A Vagrant box; all but ``name`` is optional, as in a Vagrantfile.

    :param checksum: SHA-256 of the file that ``url`` leads to, in hexadecimal.
    :param image: the cloud image that labgen makes it of; it has no version, url and checksum then.
    """

    name: str
    version: str | None = None
    url: str | None = None
    checksum: str | None = None
    image: CloudImageSource | None = None

    @classmethod
    def of_image(cls, source: CloudImageSource) -> Box:
        """Give the box that labgen makes of a cloud image."""
        # Another file is another box, also in Vagrant, which knows boxes by their names.
        suffix = f"-{source.checksum[:12]}" if source.checksum else ""
        return cls(f"labgen/{source.name}-cloud{suffix}", image=source)


@dataclass(frozen=True)
class ForwardedPort:
    """A port of a node, forwarded from 127.0.0.1 of this computer."""

    guest: int
    host: int
    node: str


@dataclass(frozen=True)
class EngineSettings:
    """Where a node's Docker engine comes from when it has none.

    :param source: ``distribution`` (package docker.io), ``docker`` (Docker's own packages), or
        ``none`` (the box must have it).
    :param version: a version as the package manager knows it; the newest where ``None``.
    :param suite: of nodes that are containers, the release of Debian that they are made of, which brings the engine.
    """

    source: EngineSource = "distribution"
    version: str | None = None
    suite: Suite = "bookworm"


@dataclass(frozen=True)
class Lab:
    """A whole lab."""

    name: str
    nodes: tuple[Node, ...]
    plan: AddressPlan
    provider: str = "auto"
    box: Box | None = None
    engine: EngineSettings = EngineSettings()
    registry_mirror: str | None = None
    # Evidence has it without its password, and each school its own: the lab is the same.
    proxy: Proxy = field(default_factory=Proxy, compare=False)
    ports: tuple[ForwardedPort, ...] = ()
    warnings: tuple[Spoken, ...] = ()

    # A record, which pydantic reads and writes, never has warnings.
    __pydantic_config__: ClassVar[dict[str, bool]] = {"arbitrary_types_allowed": True}

    @property
    def slug(self) -> str:
        """The lab's name for places that take ASCII only, such as names of domains and volumes."""
        plain = re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")
        if plain == self.name:
            return plain
        mark = hashlib.sha256(self.name.encode()).hexdigest()[:6]
        return f"{plain}-{mark}" if plain else f"lab-{mark}"

    @property
    def no_proxy(self) -> tuple[str, ...]:
        """Hosts and subnets that nodes reach without the proxy: one another, the mirror, those of lab.yml."""
        mirror = urlsplit(self.registry_mirror or "").hostname
        nodes = (part for node in self.nodes for part in (node.name, str(node.address)))
        own = ("localhost", "127.0.0.0/8", "::1", str(self.plan.lab), *nodes, *((mirror,) if mirror else ()))
        return tuple(dict.fromkeys((*own, *self.proxy.no_proxy)))

    @property
    def managers(self) -> tuple[Node, ...]:
        """Manager nodes; the first is where the swarm begins."""
        return tuple(node for node in self.nodes if node.role == "manager")

    @property
    def workers(self) -> tuple[Node, ...]:
        """Worker nodes."""
        return tuple(node for node in self.nodes if node.role == "worker")

    @property
    def first_manager(self) -> Node:
        """Where ``swarm init`` runs and where the others join."""
        return self.managers[0]

    def node(self, name: str) -> Node:
        """Give the node of that name (``KeyError`` if there is none)."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(name)
