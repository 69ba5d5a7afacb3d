"""`labgen status`: machines, nodes and services, and where to reach them."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, field
from typing import Any

from labgen.bringup import Machines
from labgen.commands.render import load
from labgen.errors import LabgenError, MachineError
from labgen.folder import LabFolder
from labgen.lab import Lab
from labgen.progress import Progress


@dataclass
class Status:
    """What there is.

    :param trouble: why the swarm could not be asked, where it could not.
    """

    machines: dict[str, str] = field(default_factory=dict)
    nodes: dict[str, dict[str, Any]] = field(default_factory=dict)
    services: list[dict[str, Any]] = field(default_factory=list)
    trouble: str = ""


def run(arguments: argparse.Namespace) -> int:
    """Ask Vagrant, then the first manager."""
    folder = LabFolder.at(arguments.folder)
    lab = load(folder)
    status = ask(folder, lab)
    if arguments.json:
        print(json.dumps({"version": 1, "lab": lab.name, **vars(status)}, indent=2, ensure_ascii=False))
    else:
        print(table(lab, status))
    return 0 if status.machines and not status.trouble else MachineError.exit_status


def ask(folder: LabFolder, lab: Lab) -> Status:
    """Everything that is known; what cannot be asked is said, and the rest is there."""
    status = Status()
    state = folder.state()
    if not folder.vagrantfile.exists():
        status.trouble = "The lab is not up. Bring it up with `labgen up`."
        return status
    try:
        from labgen.folder import State

        vagrant = Machines(folder, lab, Progress()).vagrant(state or State(""))
        status.machines = {name: machine.state for name, machine in vagrant.status().items()}
        if all(word == "not_created" for word in status.machines.values()):
            status.trouble = "No machine has been created. Bring the lab up with `labgen up`."
            return status
        _swarm(folder, status)
    except LabgenError as error:
        status.trouble = str(error)
    return status


def _swarm(folder: LabFolder, status: Status) -> None:
    from labgen import inventory
    from labgen.swarm import nodes, services

    lab = inventory.load(folder.path)
    try:
        asked = lab.asker(lab.lab.first_manager)
        for node in nodes(asked):
            status.nodes[node.name] = {
                "role": node.role,
                "leader": node.leader,
                "state": node.state,
                "availability": node.availability,
                "address": node.address,
            }
        for service in services(asked):
            status.services.append(
                {
                    "name": service.name,
                    "image": service.image,
                    "replicas": service.replicas,
                    "published": [port.published for port in service.ports],
                }
            )
    finally:
        lab.close()


def table(lab: Lab, status: Status) -> str:
    """The status for people."""
    lines = [f"{'NODE':18} {'ADDRESS':15} {'MACHINE':12} {'SWARM':24}"]
    for node in lab.nodes:
        member = status.nodes.get(node.name)
        word = "-"
        if member:
            part = "manager, leader" if member["leader"] else member["role"]
            word = f"{member['state']} ({part}{', drained' if member['availability'] == 'drain' else ''})"
        lines.append(f"{node.name:18} {node.address!s:15} {status.machines.get(node.name, '-'):12} {word}")
    for service in status.services:
        where = ", ".join(f"http://{lab.first_manager.address}:{port}" for port in service["published"])
        lines.append(f"service {service['name']}: {service['image']}{f', at {where}' if where else ''}")
    if status.trouble:
        lines.append(status.trouble)
    return "\n".join(lines)
