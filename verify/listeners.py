"""What listens on a node, as testinfra's module of sockets reads it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from verify.testinfra_host import NodeHost

_ALL = ("0.0.0.0", "::")  # noqa: S104 - compared, not bound


@dataclass(frozen=True)
class Listener:
    """A socket that is open to others: ``tcp``, ``*``, 7946."""

    protocol: str
    address: str
    port: int

    def reached_at(self, address: str) -> bool:
        """Tell whether what is sent to that IPv4 address arrives here."""
        return self.address in (address, "*", *_ALL)

    def __str__(self) -> str:
        """Describe it for people."""
        return f"{self.protocol} {self.address}:{self.port}"


def listens(host: NodeHost, protocol: str, port: int, address: str) -> bool:
    """Tell whether something on a node listens on a port for an address of the node's."""
    return any(listener.protocol == protocol and listener.reached_at(address) for listener in _listeners(host, port))


def listening(host: NodeHost, port: int) -> str:
    """Describe what listens on a port of a node, for people."""
    return f"on port {port} there is " + (", ".join(sorted(map(str, _listeners(host, port)))) or "nothing")


def _listeners(host: NodeHost, port: int) -> set[Listener]:
    listeners = set()
    # "tcp://10.0.2.101:7946", "udp://127.0.0.53%lo:53", "unix:///run/docker.sock"
    for spec in host.socket.get_listening_sockets():
        protocol, _, rest = spec.partition("://")
        address, _, digits = rest.rpartition(":")
        if protocol != "unix" and digits == str(port):
            listeners.add(Listener(protocol, address.partition("%")[0].strip("[]"), port))
    # testinfra names a socket that is open to IPv4 and IPv6 twice.
    for listener in [*listeners]:
        families = {replace(listener, address=address) for address in _ALL}
        if families <= listeners:
            listeners = listeners - families | {replace(listener, address="*")}
    return listeners
