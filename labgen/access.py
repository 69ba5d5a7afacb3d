"""How each machine is reached, as the Vagrantfile has it written down when the machine comes up.

A trigger in the Vagrantfile leaves a file beside what Vagrant keeps of a machine. It goes with the machine, and
is written anew at each start, by whomever: so it is as true as an answer of Vagrant's, which would take seconds.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labgen.capabilities import Capability
from labgen.files import read
from labgen.folder import State
from labgen.lab import Lab, Port
from labgen.providers import PROVIDERS
from labgen.swarm import Port as ServicePort

FILE_NAME = "labgen.json"
VERSION = 1


@dataclass(frozen=True)
class Access:
    """How one machine is reached.

    :param ssh_config: what ``vagrant ssh-config`` says of it.
    :param ports: of its own ports that are forwarded, the one of this computer: where the port asked for was taken,
        what Vagrant has chosen instead.
    :param since: when it came up, nanoseconds as files have them.
    """

    ssh_config: str
    ports: Mapping[int, int]
    since: int


def of(folder: Path, provider: str, name: str) -> Access | None:
    """How a machine is reached; ``None`` where that is not written down.

    :param folder: the lab folder.
    """
    path = _path(folder, provider, name)
    text = read(path)
    if text is None:
        return None
    try:
        told: Mapping[str, Any] = json.loads(text)
        if told["version"] != VERSION:
            return None
        ports = {int(port["guest"]): int(port["host"]) for port in told["ports"]}
        return Access(str(told["ssh_config"]), ports, path.stat().st_mtime_ns)
    except (OSError, ValueError, KeyError, TypeError):
        return None  # half a file is as good as none: Vagrant can be asked


def forget(folder: Path, provider: str, names: Iterable[str]) -> None:
    """What is written down is not so any more: machines were started past the Vagrantfile's triggers."""
    for name in names:
        _path(folder, provider, name).unlink(missing_ok=True)


def _path(folder: Path, provider: str, name: str) -> Path:
    return folder / ".vagrant" / "machines" / name / provider / FILE_NAME


def of_all(folder: Path, provider: str, names: Iterable[str]) -> Mapping[str, Access] | None:
    """How each of several machines is reached; ``None`` where that is not written down of every one."""
    found = {name: of(folder, provider, name) for name in names}
    known = {name: access for name, access in found.items() if access is not None}
    return known if len(known) == len(found) else None


def ssh_config(known: Mapping[str, Access]) -> str:
    """What ``vagrant ssh-config`` says of all of them."""
    return "\n".join(access.ssh_config for access in known.values())


def ports(folder: Path, lab: Lab, provider: str) -> list[tuple[Port, int | None]]:
    """The lab's forwarded ports, each with this computer's port that leads there: ``None`` where it is not known.

    Empty where the provider forwards none, because the nodes themselves can be reached.
    """
    if provider not in PROVIDERS or not PROVIDERS[provider].forwards_ports:
        return []
    known = {name: of(folder, provider, name) for name in {port.node for port in lab.ports}}
    return [(port, there.ports.get(port.guest) if (there := known[port.node]) else None) for port in lab.ports]


def moved(port: Port, at: int) -> str:
    """That a port is forwarded from another one than lab.yml has."""
    return f"port {port.guest} of {port.node} is at 127.0.0.1:{at} of this computer: {port.host} was taken."


def url(lab: Lab, state: State, port: ServicePort, forwarded: Sequence[Mapping[str, Any]]) -> str | None:
    """Where a published port answers: ``None`` where it does not, or is not forwarded to this computer.

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
    host = next((one["host"] for one in forwarded if one["guest"] == port.published), None)
    return f"http://127.0.0.1:{host}" if host else None


def browser(folder: Path, lab: Lab, state: State, port: ServicePort) -> str:
    """Where a learner's own browser finds a published port, as a sentence; empty where it finds it nowhere."""
    forwarded = [{"guest": one.guest, "host": host} for one, host in ports(folder, lab, state.provider)]
    found = url(lab, state, port, forwarded)
    if found is None:
        return ""
    where = f" (from inside the lab's network namespace {state.namespace})" if state.namespace else ""
    return f"In a browser on this computer: {found}{where}"
