"""`labgen status`: machines, nodes and services, and where to reach them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TypedDict

import click

from labgen.cli.declare import option
from labgen.cli.folders import in_lab_folder, load
from labgen.core.columns import padded
from labgen.core.errors import LabgenError, MachineError
from labgen.core.i18n import Language, Text, _, ui_language
from labgen.core.printable import printable
from labgen.core.progress import Progress
from labgen.docker.swarm import Swarm, nodes
from labgen.machines import connection_info, inventory
from labgen.machines.lifecycle import Machines
from labgen.machines.plan import compare
from labgen.model.capabilities import Capability
from labgen.model.lab import ForwardedPort as ForwardedPort
from labgen.model.lab import Lab
from labgen.model.lab_folder import LabFolder, State
from labgen.observation.causes import Observations, RecognisedCause, findings
from labgen.observation.causes.ask import observe
from labgen.providers import PROVIDERS
from labgen.providers.base import Machine
from labgen.transport.ssh import SshTransport


class Member(TypedDict):
    """A node as the swarm has it."""

    role: str
    leader: bool
    state: str
    availability: str
    address: str


class ServiceEntry(TypedDict):
    """A service; ``at`` has for each of its published ports the URL at which it answers, ``None`` where it does not."""

    name: str
    image: str
    replicas: int | None
    published: list[int]
    at: list[str | None]


class Forwarding(TypedDict):
    """A port that is forwarded.

    ``wanted`` is the port of this computer that lab.yml asks for, ``host`` the one that it is: another where that was
    taken, ``None`` where it is not known.
    """

    node: str
    guest: int
    wanted: int
    host: int | None


class CauseEntry(TypedDict):
    """A cause of trouble that was recognised, and the way out."""

    cause: str
    words: str
    hints: list[str]


@dataclass
class Status:
    """What there is; docs/json.md has its form as JSON.

    :param machines: their states, in Vagrant's words.
    :param lacks: what the nodes cannot do here, and why.
    :param namespace: the network namespace in which the URLs answer, ``None`` for this computer's own network.
    :param computer: the other computer whose ports the forwarded ones are, ``""`` for this one.
    :param differences: what lab.yml has otherwise than the machines, a sentence each.
    :param trouble: why the swarm could not be asked, where it could not.
    """

    machines: dict[str, str] = field(default_factory=dict)
    nodes: dict[str, Member] = field(default_factory=dict)
    services: list[ServiceEntry] = field(default_factory=list)
    ports: list[Forwarding] = field(default_factory=list)
    lacks: dict[str, str] = field(default_factory=dict)
    namespace: str | None = None
    computer: str = ""
    differences: list[str] = field(default_factory=list)
    causes: list[CauseEntry] = field(default_factory=list)
    trouble: str = ""


@click.command
@option("--json", "as_json", is_flag=True, help=_("print it as JSON"))
@in_lab_folder
def command(folder: LabFolder, *, as_json: bool) -> int:
    """Ask Vagrant, then the first manager."""
    lab = load(folder)
    language = "en" if as_json else ui_language()
    status = ask(folder, lab, language)
    if as_json:
        print(json.dumps({"version": 1, "lab": lab.name, **vars(status)}, indent=2, ensure_ascii=False))
    else:
        # Names and images are what an engine on a node says they are.
        print(printable(table(lab, status, language)))
    return 0 if status.machines and not status.trouble else MachineError.exit_status


def ask(folder: LabFolder, lab: Lab, language: Language = "en") -> Status:
    """Collect everything that is known; what cannot be asked is said, and the rest is there.

    :param language: of the sentences.
    """
    status = Status()
    state = folder.state()
    try:
        inventory.refuse_moved(folder)
    except MachineError as moved:
        status.trouble = moved.in_(language)
        return status
    if not folder.vagrantfile.exists():
        status.trouble = _("The lab is not up. Start it with `labgen up`.").in_(language)
        return status
    try:
        machines = Machines(folder, lab, Progress()).driver(state).status()
        status.machines = {name: machine.state for name, machine in machines.items()}
        status.differences = [text.in_(language) for text in _differences(folder, lab, state)]
        if all(word == "not_created" for word in status.machines.values()):
            status.trouble = _("The lab has no machine yet. Start it with `labgen up`.").in_(language)
            return status
        _ports(folder, lab, machines, status)
        _swarm(folder, status, language)
    except LabgenError as error:
        status.trouble = error.in_(language)
    return status


def _differences(folder: LabFolder, lab: Lab, state: State | None) -> list[Text]:
    """List how lab.yml differs from the machines; nothing for a lab that labgen has not started."""
    if state is None or folder.record() is None:
        return []
    ids = folder.machine_ids().get(state.provider, {})
    return compare(lab, folder.record(), state.provider, ids).texts() if ids else []


def _ports(folder: LabFolder, lab: Lab, machines: Mapping[str, Machine], status: Status) -> None:
    running = {name: machine.provider for name, machine in machines.items() if machine.running}
    for port, host in connection_info.ports(folder.path, lab, next(iter(running.values()), "")):
        if port.node in running:
            status.ports.append({"node": port.node, "guest": port.guest, "wanted": port.host, "host": host})


def _swarm(folder: LabFolder, status: Status, language: Language) -> None:
    lab = inventory.discover(folder.path)
    status.lacks = {str(lacking): _(why).in_(language) for lacking, why in lab.lacks.items()}
    status.namespace = lab.state.namespace
    provider = PROVIDERS.get(lab.state.provider)
    status.computer = provider.other_computer(folder) if provider else ""
    transport = SshTransport(lab)
    try:
        observations = observe(lab.lab, lambda node: partial(transport.ask, node))
        status.causes = [_cause(finding, lab.lab, language) for finding in _troubles(observations)]
        if observations.swarm is None:
            if not status.causes:
                nodes(partial(transport.ask, lab.lab.first_manager))
            status.trouble = status.causes[0]["words"] if status.causes else observations.refusal
            return
        _members(observations.swarm, status)
        for service in observations.swarm.services.values():
            status.services.append(
                {
                    "name": service.name,
                    "image": service.image,
                    "replicas": service.replicas,
                    "published": [port.published for port in service.ports],
                    "at": [connection_info.url(lab.lab, lab.state, port, status.ports) for port in service.ports],
                }
            )
    finally:
        transport.close()


def _members(swarm: Swarm, status: Status) -> None:
    for node in swarm.nodes:
        status.nodes[node.name] = {
            "role": node.role,
            "leader": node.leader,
            "state": node.state,
            "availability": node.availability,
            "address": node.address,
        }


def _troubles(observations: Observations) -> list[RecognisedCause]:
    """Give the causes that are recognised; a firewall that is in nobody's way is none."""
    is_well = observations.swarm is not None and all(node.ready for node in observations.swarm.nodes)
    return [finding for finding in findings(observations) if not (is_well and finding.cause == "firewall")]


def _cause(finding: RecognisedCause, lab: Lab, language: Language) -> CauseEntry:
    manager = lab.first_manager
    names = {"manager": manager.name, "node": manager.name, "address": str(manager.address)}
    return {
        "cause": finding.cause,
        "words": printable(finding.words.in_(language)),
        "hints": [printable(str(hint.in_(language, names))) for hint in finding.hints],
    }


def table(lab: Lab, status: Status, language: Language = "en") -> str:
    """Write the status for people."""
    lines = _nodes(lab, status, language)
    for service in status.services:
        where = [_where(port, at, status) for port, at in zip(service["published"], service["at"], strict=True)]
        heading = _("service %(service)s: %(image)s", service=service["name"], image=service["image"])
        lines.append(", ".join(text.in_(language) for text in (heading, *where)))
    for port in status.ports:
        if port["host"] is not None and port["host"] != port["wanted"]:
            forwarded = ForwardedPort(port["guest"], port["wanted"], port["node"])
            lines.append(connection_info.moved(forwarded, port["host"]).in_(language))
    if status.differences:
        lines.append(
            _("lab.yml differs from the machines (`labgen up --dry-run` shows what it would do):").in_(language)
        )
        lines += [f"  {difference}" for difference in status.differences]
    for cause in status.causes:
        lines.append(cause["words"])
        lines += [f"  {line}" for hint in cause["hints"] for line in hint.splitlines()]
    if status.trouble and status.trouble not in (cause["words"] for cause in status.causes):
        lines.append(status.trouble)
    return "\n".join(lines)


def _nodes(lab: Lab, status: Status, language: Language) -> list[str]:
    """Write the table of nodes, whose states are in the words of Vagrant and Docker."""
    headings = (_("NODE"), _("ADDRESS"), _("MACHINE"), _("SWARM"))
    lines = [_row(*(heading.in_(language) for heading in headings))]
    for node in lab.nodes:
        machine = status.machines.get(node.name, "-")
        lines.append(_row(node.name, str(node.address), machine, _member(status.nodes.get(node.name))))
    for name in sorted(status.machines.keys() - {node.name for node in lab.nodes}):
        lines.append(_row(name, "-", status.machines[name], _("not in lab.yml").in_(language)))
    return lines


def _row(name: str, address: str, machine: str, swarm: str) -> str:
    cells = (padded(name, 18), padded(address, 15), padded(machine, 12), swarm)
    return " ".join(cells).rstrip()


def _member(member: Member | None) -> str:
    if member is None:
        return "-"
    role = "manager, leader" if member["leader"] else member["role"]
    drained = ", drained" if member["availability"] == "drain" else ""
    return f"{member['state']} ({role}{drained})"


def _where(port: int, at: str | None, status: Status) -> Text:
    if at and status.namespace:
        return _("at %(url)s (in network namespace %(namespace)s)", url=at, namespace=status.namespace)
    if at:
        return _("at %(url)s", url=at)
    if lacking := status.lacks.get(Capability.ROUTING_MESH):
        return _("port %(port)s does not answer here: %(lacking)s", port=port, lacking=lacking)
    unknown = next((entry for entry in status.ports if entry["guest"] == port and entry["host"] is None), None)
    if unknown and status.computer:
        return _(
            "port %(port)s at a port of %(computer)s, not of this computer (`%(forward)s` brings it here)",
            port=port,
            computer=status.computer,
            forward=f"ssh -L {unknown['wanted']}:127.0.0.1:{unknown['wanted']} {status.computer}",
        )
    if unknown:
        return _("port %(port)s at a port of this computer that `labgen up` will find out", port=port)
    return _("port %(port)s not forwarded to this computer (ports: in lab.yml)", port=port)
