"""How each machine is reached, as its driver writes it down when the machine comes up.

Vagrant does so by a trigger in the Vagrantfile. The file goes with the machine, and is written at each start: so it is
as true as an answer of Vagrant's, which would take seconds.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labgen.core.atomic_files import read, remove
from labgen.core.i18n import NOTHING, Text, _
from labgen.docker.swarm import PublishedPort
from labgen.model.capabilities import Capability
from labgen.model.lab import ForwardedPort, Lab
from labgen.model.lab_folder import State
from labgen.providers import PROVIDERS
from labgen.providers.machine_data import CONNECTION_VERSION, MachineData


@dataclass(frozen=True)
class Access:
    """How one machine is reached.

    :param ssh_config: what ``vagrant ssh-config`` says of it.
    :param ports: of its own ports that are forwarded, those of this computer that lead there: where the port asked
        for was taken, what Vagrant has chosen instead.
    :param since: when it came up, nanoseconds as files have them.
    """

    ssh_config: str
    ports: Mapping[int, tuple[int, ...]]
    since: int


def of(folder: Path, provider: str, name: str) -> Access | None:
    """Read how a machine is reached; ``None`` if that is not written down.

    :param folder: the lab folder.
    """
    path = MachineData(folder, provider, name).connection
    text = read(path)
    if text is None:
        return None
    try:
        record: Mapping[str, Any] = json.loads(text)
        if record["version"] != CONNECTION_VERSION:
            return None
        ports: dict[int, tuple[int, ...]] = {}
        for port in record["ports"]:
            guest = int(port["guest"])
            ports[guest] = (*ports.get(guest, ()), int(port["host"]))
        return Access(str(record["ssh_config"]), ports, path.stat().st_mtime_ns)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None  # half a file is as good as none: Vagrant can be asked


def forget(folder: Path, provider: str, names: Iterable[str]) -> None:
    """Delete what is written down of machines that were started past the Vagrantfile's triggers."""
    for name in names:
        remove(MachineData(folder, provider, name).connection)


def of_all(folder: Path, provider: str, names: Iterable[str]) -> Mapping[str, Access] | None:
    """Read how each of several machines is reached; ``None`` if that is not written down of every one."""
    accesses = {name: of(folder, provider, name) for name in names}
    complete = {name: access for name, access in accesses.items() if access is not None}
    return complete if len(complete) == len(accesses) else None


def ssh_config(accesses: Mapping[str, Access]) -> str:
    """Give what ``vagrant ssh-config`` says of all of them."""
    return "\n".join(access.ssh_config for access in accesses.values())


def ports(folder: Path, lab: Lab, provider: str) -> list[tuple[ForwardedPort, int | None]]:
    """List the lab's forwarded ports with this computer's port that leads there, ``None`` if it is not known.

    Empty where the provider forwards none, because the nodes themselves can be reached.
    """
    if provider not in PROVIDERS or not PROVIDERS[provider].forwards_ports:
        return []
    answering: dict[ForwardedPort, int | None] = {}
    for name in {port.node for port in lab.ports}:
        machine = of(folder, provider, name)
        answering |= _answering([port for port in lab.ports if port.node == name], machine.ports if machine else {})
    return [(port, answering[port]) for port in lab.ports]


def _answering(
    ports: Sequence[ForwardedPort], forwarded: Mapping[int, Sequence[int]]
) -> dict[ForwardedPort, int | None]:
    """Match the ports that one node should have with those it has: several of this computer may lead to one of its."""
    answering: dict[ForwardedPort, int | None] = {
        port: port.host for port in ports if port.host in forwarded.get(port.guest, ())
    }
    others = {
        guest: [host for host in hosts if host not in {port.host for port in answering if port.guest == guest}]
        for guest, hosts in forwarded.items()
    }
    for port in ports:
        if port not in answering:
            hosts = others.get(port.guest, [])
            answering[port] = hosts.pop(0) if hosts else None
    return answering


def moved(port: ForwardedPort, at: int) -> Text:
    """Say that a port is forwarded from another one than lab.yml has."""
    return _(
        "port %(guest)s of %(node)s is at 127.0.0.1:%(host)s of this computer: %(taken)s was taken.",
        guest=port.guest,
        node=port.node,
        host=at,
        taken=port.host,
    )


def url(lab: Lab, state: State, port: PublishedPort, forwarded: Sequence[Mapping[str, Any]]) -> str | None:
    """Give the URL at which a published port answers; ``None`` if this computer reaches it at none.

    :param port: a service's.
    :param forwarded: ports of nodes that are forwarded: of each the node's (``guest``) and this computer's (``host``,
        ``None`` where it is not known).
    """
    if port.mode == "ingress" and Capability.ROUTING_MESH in state.lacks:
        return None
    provider = PROVIDERS.get(state.provider)
    # In a network namespace of the lab's own, forwarded ports are as far away as the nodes.
    if state.namespace or not (provider and provider.forwards_ports):
        return f"http://{lab.first_manager.address}:{port.published}"
    # Through the routing mesh any node will do.
    host = next((row["host"] for row in forwarded if row["guest"] == port.published and row["host"]), None)
    return f"http://127.0.0.1:{host}" if host else None


def browser(folder: Path, lab: Lab, state: State, port: PublishedPort) -> Text:
    """Say where a learner's own browser finds a published port; empty if it finds it nowhere."""
    forwarded = [{"guest": forwarding.guest, "host": host} for forwarding, host in ports(folder, lab, state.provider)]
    address = url(lab, state, port, forwarded)
    if address is None:
        return NOTHING
    if state.namespace:
        return _(
            "In a browser on this computer, inside the lab's network namespace %(namespace)s: %(address)s",
            namespace=state.namespace,
            address=address,
        )
    return _("In a browser on this computer: %(address)s", address=address)
