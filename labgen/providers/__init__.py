"""What differs between providers, as data. The Ruby of each is ``<name>.rb.j2`` beside this file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from labgen.lab import Box


@dataclass(frozen=True)
class Provider:
    """A Vagrant provider.

    :param name: as Vagrant names it.
    :param title: as people name it.
    :param box: the box machines start from where the lab names none.
    :param forwards_ports: whether a node's ports are only reachable from this computer when
        forwarded; where ``False`` the nodes' addresses can be reached directly.
    """

    name: str
    title: str
    box: Box
    forwards_ports: bool

    @property
    def template(self) -> str:
        """File name of its part of the Vagrantfile."""
        return f"{self.name}.rb.j2"


BUILT_BOX = "labgen/debian-12"
"""Name of the box that ``labgen box build`` makes."""

VIRTUALBOX = Provider(
    name="virtualbox",
    title="VirtualBox",
    # Pinned: some releases of this box lack a VirtualBox build (chef/bento#1588).
    box=Box("bento/ubuntu-24.04", "202502.21.0"),
    forwards_ports=True,
)

LIBVIRT = Provider(
    name="libvirt",
    title="libvirt (QEMU/KVM)",
    box=Box(BUILT_BOX),
    forwards_ports=False,
)

PROVIDERS: Mapping[str, Provider] = {provider.name: provider for provider in (VIRTUALBOX, LIBVIRT)}
"""Every provider, the one to prefer first."""
