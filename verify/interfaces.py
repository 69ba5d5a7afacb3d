"""testinfra's network interfaces, all of a node's read with one command."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from testinfra.modules.interface import LinuxInterface

from labgen.docker.api import load_json
from labgen.observation.commands import INTERFACES, CommandFailed


class NodeInterface(LinuxInterface):  # type: ignore[misc]
    """A network interface of a node; testinfra's own asks the node with two commands for each interface."""

    @classmethod
    def get_module_class(cls, _: object) -> type[NodeInterface]:
        """Give this class: every node is a Linux."""
        return cls

    @classmethod
    def names(cls) -> list[str]:
        """List the names of all interfaces, in the order of the kernel."""
        return [str(link["ifname"]) for link in cls._links()]

    @property
    def exists(self) -> bool:
        """Tell whether there is an interface of that name."""
        return self.name in self.names()

    @property
    def link(self) -> Mapping[str, Any]:
        """Give its properties, among them ``flags`` and ``address``, which is its MAC address.

        :raises CommandFailed: there is no interface of that name.
        """
        for link in self._links():
            if link["ifname"] == self.name:
                return link
        raise CommandFailed(f"{self._host.backend.hostname}: there is no interface {self.name}")

    @property
    def addresses(self) -> list[str]:
        """List its addresses without prefix; those of one family where the host was asked for that."""
        families = (self.family,) if self.family else ("inet", "inet6")
        return [str(entry["local"]) for entry in self.link.get("addr_info", ()) if entry["family"] in families]

    @property
    def is_up(self) -> bool:
        """Tell whether it is switched on."""
        return "UP" in self.link.get("flags", ())

    @classmethod
    def find(cls, address: str) -> NodeInterface | None:
        """Find the interface with a MAC address, or with an IPv4 address; its addresses are those of IPv4.

        Others may bear a copy of a MAC address (a bridge, a VLAN): the first.
        """
        for interface in (cls(name, "inet") for name in cls.names()):
            if address.lower() == str(interface.link.get("address")).lower() or address in interface.addresses:
                return interface
        return None

    def __str__(self) -> str:
        """Describe it for people: ``eth1 up, 10.0.2.101``."""
        return f"{self.name} {'up' if self.is_up else 'down'}, {', '.join(self.addresses) or 'no address'}"

    @classmethod
    def _links(cls) -> list[Mapping[str, Any]]:
        # An interface that is of no interest is an empty object to older versions of ip.
        return [link for link in load_json(cls.check_output(INTERFACES)) if link]
