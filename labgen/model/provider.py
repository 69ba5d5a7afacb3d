"""What differs between providers, as frozen data for every floor; :mod:`labgen.providers` adds what they do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from labgen.model.capabilities import Lacks
from labgen.model.lab import Box, Lab

BUILT_BOX = "labgen/debian-12"
"""Name of the box that ``labgen box build`` makes."""

NODE_IMAGE = "labgen/node"
"""Name of the image of a node; its tag is the key of the recipe it was built from."""

BOX_ARCHITECTURES: Mapping[str, frozenset[str]] = {
    BUILT_BOX: frozenset({"amd64"}),
    NODE_IMAGE: frozenset({"amd64", "arm64"}),
    "bento/ubuntu-24.04": frozenset({"amd64", "arm64"}),
    "cloud-image/ubuntu-24.04": frozenset({"amd64", "arm64"}),
}
"""Architectures that boxes known to work are there for; for boxes of cloud images, each provider says it."""

When = Literal["always", "no daemon", "own daemon"]
"""When a package is needed: always; where no daemon answers yet; where labgen has to start one of the lab's own,
because none answers and no systemd would start it."""


@dataclass(frozen=True)
class Package:
    """A Debian package a provider needs.

    :param program: a program it brings; where that is found the package is not asked for. ``None``
        where only the package manager can tell.
    :param when: when it is needed.
    :param arch: architecture of the computers that need it; empty for all.
    """

    name: str
    program: str | None = None
    when: When = "always"
    arch: str = ""


@dataclass(frozen=True)
class ProviderFacts:
    """The facts of a provider.

    :param name: as Vagrant and lab.yml name it.
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
    :param resizes: memory and processors of a machine that runs can be changed in place, while all else it was made
        with stays for good; where ``False`` a restart changes both, and its forwarded ports.
    :param from_image: nodes start from labgen's node image of the lab's ``engine.suite``, whatever box the lab names.
    :param slower_on: by system of this computer (``platform.system()``), how many times as long its machines may take.
    :param disk_format: format of the disk in the box that labgen builds for it: ``qcow2``, ``vmdk``; empty where it
        builds none.
    :param image_architectures: for which labgen makes it a box of a cloud image.
    :param marks: what it makes bears the mark of the lab's folder, so that it is found without any other record.
    :param uses_vagrant: Vagrant creates, starts, stops and destroys its machines.
    :param packages: what it needs from Debian or Ubuntu.
    :param installable: Debian has a package of the provider itself, so that labgen can install it.
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
    from_image: bool = False
    slower_on: Mapping[str, float] = field(default_factory=dict)
    disk_format: str = ""
    image_architectures: frozenset[str] = frozenset({"amd64"})
    marks: bool = False
    uses_vagrant: bool = True
    packages: tuple[Package, ...] = ()
    installable: bool = True

    def box_for(self, lab: Lab) -> Box:
        """Give what machines start from: the lab's box, or the provider's; always the provider's image of nodes."""
        return self.box if self.from_image else lab.box or self.box

    def architectures_of(self, box: Box) -> frozenset[str] | None:
        """Give the architectures that a box is there for, ``None`` where that is not known."""
        return self.image_architectures if box.image else BOX_ARCHITECTURES.get(box.name)
