"""What differs between providers, as data. The Ruby of each is ``<name>/template.rb.j2`` beside this file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from labgen.core.errors import MachineError
from labgen.model.capabilities import Capability, Lacks
from labgen.model.lab import Box


@dataclass(frozen=True)
class Provider:
    """A Vagrant provider.

    :param name: as Vagrant names it.
    :param title: as people name it.
    :param box: the box machines start from where the lab names none.
    :param forwards_ports: whether a node's ports are only reachable from this computer when
        forwarded; where ``False`` the nodes' addresses can be reached directly.
    :param lacks: what its nodes cannot do on any computer, and why.
    :param shares_kernel: its nodes run on this computer's kernel (or that of Docker's own virtual
        machine), which may lack more.
    :param removes_in_parallel: machines may be destroyed side by side. vagrant-libvirt's may not: it then
        loads its own parts twice, and at times fails (seen with 0.11.2: "constant … not defined").
    :param has_snapshots: the state of a machine can be kept, and gone back to.
    :param slower_on: by system of this computer (``platform.system()``), how many times as long its machines may take.
    :param resizes: memory and processors of a machine that runs can be changed in place, while all else it was made
        with stays for good; where ``False`` a restart changes both, and its forwarded ports.
    """

    name: str
    title: str
    box: Box
    forwards_ports: bool
    lacks: Lacks = field(default_factory=dict)
    shares_kernel: bool = False
    removes_in_parallel: bool = False
    has_snapshots: bool = False
    resizes: bool = False
    slower_on: Mapping[str, float] = field(default_factory=dict)

    @property
    def template(self) -> str:
        """File name of its part of the Vagrantfile."""
        return f"{self.name}/template.rb.j2"


BUILT_BOX = "labgen/debian-12"
"""Name of the box that ``labgen box build`` makes."""

VIRTUALBOX = Provider(
    name="virtualbox",
    title="VirtualBox",
    # Pinned: some releases of this box lack a VirtualBox build (chef/bento#1588).
    box=Box("bento/ubuntu-24.04", "202502.21.0"),
    forwards_ports=True,
    has_snapshots=True,
    # It runs on top of Hyper-V there, which Windows 11 has on as it is delivered.
    slower_on={"Windows": 3.0},
)

LIBVIRT = Provider(
    name="libvirt",
    title="libvirt (QEMU/KVM)",
    box=Box(BUILT_BOX),
    forwards_ports=False,
    has_snapshots=True,
)

NODE_IMAGE = "labgen/node"
"""Name of the image of a node; its tag is the key of the recipe it was built from."""

DOCKER = Provider(
    name="docker",
    title="Docker (containers as nodes)",
    box=Box(NODE_IMAGE),
    forwards_ports=True,
    lacks={
        Capability.NETPLAN: "the engine outside gives a container its addresses",
        Capability.OWN_MACHINE: "a node is a container, and one that has ended is not started again by itself",
    },
    shares_kernel=True,
    removes_in_parallel=True,
    resizes=True,
)

PROVIDERS: Mapping[str, Provider] = {provider.name: provider for provider in (VIRTUALBOX, LIBVIRT, DOCKER)}
"""Every provider, the one to prefer first."""


def of_lab(name: str) -> Provider:
    """The provider that a lab is written down to run on.

    :raises MachineError: labgen has none of that name: somebody has added it to the Vagrantfile.
    """
    if name not in PROVIDERS:
        raise MachineError(
            f"this lab runs on the provider {name!r}, which labgen does not know.",
            "Use Vagrant for its machines: vagrant up, vagrant halt, vagrant destroy.",
        )
    return PROVIDERS[name]


# What is known of versions and packages; labgen.host reads it.

Version = tuple[int, ...]


@dataclass(frozen=True)
class BadVersion:
    """Versions of a provider, from ``first`` up to but not including ``fixed``, that are known to fail.

    :param reason: what fails; ends the sentence "VirtualBox 7.2.1: …".
    :param source: where this is known from.
    """

    first: Version
    fixed: Version
    reason: str
    source: str


VIRTUALBOX_OLDEST: Version = (6, 1)
"""The oldest series whose flags labgen's Vagrantfile is written for."""

VIRTUALBOX_NEEDS_VAGRANT: Mapping[Version, Version] = {
    (6, 1): (2, 2, 7),
    (7, 0): (2, 3, 2),
    (7, 1): (2, 4, 2),
    (7, 2): (2, 4, 9),
}
"""Oldest Vagrant that works with a series of VirtualBox; an older one refuses it (Vagrant's CHANGELOG)."""

VIRTUALBOX_ARM64: Version = (7, 1, 6)
"""Oldest VirtualBox that boots arm64 Linux machines on Apple silicon."""

VIRTUALBOX_BAD: tuple[BadVersion, ...] = (
    BadVersion(
        (7, 2, 0), (7, 2, 3), "its NAT networks lose packets or do not come up", "VirtualBox/virtualbox#136, #140, #232"
    ),
    BadVersion((7, 2, 3), (7, 2, 8), "its NAT networks reset TCP connections", "VirtualBox/virtualbox#621"),
)

VIRTUALBOX_BESIDE_KVM: Version = (7, 2, 10)
"""Older ones cannot start a machine while KVM holds the processor, as it does by default since Linux
6.12 (VirtualBox/virtualbox#141, #188; #711 for the first version that can)."""

DOCKER_OLDEST: Version = (20, 10)
DOCKER_OLDEST_API: Version = (1, 41)
"""The oldest engine that gives a container a cgroup namespace of its own (``--cgroupns private``), and its API
(Docker Engine API, version history, v1.41)."""

BOX_ARCHITECTURES: Mapping[str, frozenset[str]] = {
    BUILT_BOX: frozenset({"amd64"}),
    NODE_IMAGE: frozenset({"amd64", "arm64"}),
    "bento/ubuntu-24.04": frozenset({"amd64", "arm64"}),
    "cloud-image/ubuntu-24.04": frozenset({"amd64", "arm64"}),
}
"""Architectures that boxes known to work are there for."""


When = Literal["always", "no daemon", "own daemon"]
"""When a package is needed: always; where no daemon answers yet; where labgen has to start one of the lab's own,
because none answers and no systemd would start it."""


@dataclass(frozen=True)
class Package:
    """A Debian package a provider needs.

    :param program: a program it brings; where that is found the package is not asked for. ``None``
        where only the package manager can tell.
    :param when: when it is needed.
    """

    name: str
    program: str | None = None
    when: When = "always"


VAGRANT_PACKAGE = Package("vagrant", "vagrant")
VAGRANT_LIBVIRT_PACKAGE = Package("vagrant-libvirt")

DEBIAN_PACKAGES: Mapping[str, tuple[Package, ...]] = {
    # VirtualBox itself is in none of Debian's stable releases.
    "virtualbox": (VAGRANT_PACKAGE, Package("openssh-client", "ssh")),
    "libvirt": (
        VAGRANT_PACKAGE,
        VAGRANT_LIBVIRT_PACKAGE,
        Package("libvirt-daemon-system"),
        Package("libvirt-clients", "virsh"),
        Package("qemu-system-x86", "qemu-system-x86_64"),
        Package("qemu-utils", "qemu-img"),
        Package("dnsmasq-base", "dnsmasq"),
        Package("iptables", "iptables"),
        Package("netcat-openbsd", "nc"),
        Package("openssh-client", "ssh"),
        Package("iproute2", "ip"),
        Package("util-linux", "nsenter"),
    ),
    "docker": (
        VAGRANT_PACKAGE,
        Package("openssh-client", "ssh"),
        # As long as no engine answers: it may be Docker's own, or Docker Desktop's.
        Package("docker.io", "dockerd", "no daemon"),
        Package("docker-cli", "docker", "no daemon"),
        Package("dnsmasq-base", "dnsmasq", "own daemon"),
        Package("iptables", "iptables", "own daemon"),
        Package("netcat-openbsd", "nc", "own daemon"),
        Package("iproute2", "ip", "own daemon"),
        Package("util-linux", "nsenter", "own daemon"),
    ),
}
"""What each provider needs from Debian or Ubuntu."""

UBUNTU_WITH_VAGRANT: frozenset[str] = frozenset({"bionic", "focal", "jammy"})
"""Releases of Ubuntu, by code name, that have packages of Vagrant; later ones have none."""

DOCKER_CLI_INSIDE: frozenset[str] = frozenset({"buster", "bullseye", "bookworm"})
"""Releases of Debian, by code name, whose package docker.io holds the client; from trixie on it is docker-cli, which
docker.io only recommends (Debian bug 1035338). Ubuntu's docker.io holds it."""

DOCKER_INC_PACKAGES: Mapping[str, str] = {"docker.io": "docker-ce", "docker-cli": "docker-ce-cli"}
"""Debian's packages of Docker, and those of Docker, Inc.: they conflict, so one is never put beside the other."""
