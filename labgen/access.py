"""How each machine is reached, as the Vagrantfile has it written down when the machine comes up.

A trigger in the Vagrantfile leaves a file beside what Vagrant keeps of a machine. It goes with the machine, and
is written anew at each start, by whomever: so it is as true as an answer of Vagrant's, which would take seconds.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labgen.files import read
from labgen.lab import Lab, Port
from labgen.providers import PROVIDERS

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
    return folder / os.environ.get("VAGRANT_DOTFILE_PATH", ".vagrant") / "machines" / name / provider / FILE_NAME


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
