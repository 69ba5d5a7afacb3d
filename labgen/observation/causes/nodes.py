"""Causes on a node: its engine, its disk, its clock, its firewall, its availability."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator

from labgen.core.i18n import Text, _, untranslated
from labgen.docker.refusals import names_of
from labgen.docker.swarm import SwarmNode
from labgen.exercise.hint import in_folder, on, on_manager
from labgen.observation.causes.model import Cause, NodeState, Observations, RecognisedCause
from labgen.observation.causes.symptoms import FirewallRule

_CLOCKS = 30.0
"""Seconds by which the clocks of two nodes may differ: certificates allow an hour, histories need less."""


def _unreached(observations: Observations) -> Iterator[RecognisedCause]:
    away = [node.name for node in observations.concerned if not node.reached]
    if away:
        yield RecognisedCause(
            "node-off",
            _("%(nodes)s cannot be reached: its machine is off, or its SSH does not answer.", nodes=names_of(away)),
            (
                in_folder("labgen status", look=_("See whether the machines run.")),
                in_folder("labgen up", note=_("This starts what is off.")),
            ),
        )


def _disk_full(observations: Observations) -> Iterator[RecognisedCause]:
    full = [
        node.name for node in observations.nodes if node.symptoms and node.symptoms.disk and node.symptoms.disk.full
    ]
    full += [
        observations.node_name(task.node_id)
        for _spec, service in observations.services()
        for task in service.tasks
        if "no space left on device" in task.error and not task.running
    ]
    for name in dict.fromkeys(filter(None, full)):
        yield RecognisedCause(
            "disk-full",
            _("The disk of %(name)s is full: its engine can neither unpack an image nor start a container.", name=name),
            (
                on(
                    untranslated(name),
                    "df -h /var/lib/docker",
                    "sudo du -xh --max-depth 2 / | sort -h | tail",
                    look=_("See what takes the space."),
                ),
                on(
                    untranslated(name),
                    "docker image prune",
                    "sudo journalctl --vacuum-size=50M",
                    note=_("These free some: images that no tag names, and old logs."),
                ),
            ),
        )


def _engine_stopped(observations: Observations) -> Iterator[RecognisedCause]:
    for node in observations.concerned:
        if node.engine_running is False:
            yield RecognisedCause(
                "engine-stopped",
                _("The Docker engine of %(node)s does not run.", node=node.name),
                (
                    on(untranslated(node.name), "sudo systemctl start docker"),
                    on(
                        untranslated(node.name),
                        "sudo journalctl -u docker --no-pager --lines 50",
                        note=_("If it does not start, its log says why."),
                    ),
                ),
            )


def _clock_off(observations: Observations) -> Iterator[RecognisedCause]:
    clocks = {
        node.name: node.symptoms.ahead
        for node in observations.nodes
        if node.symptoms and node.symptoms.ahead is not None
    }
    if len(clocks) < 2:
        return
    # Of three clocks the one in the middle is right; of two nobody knows.
    middle = sorted(clocks.values())[len(clocks) // 2]
    for name, ahead in clocks.items():
        if abs(ahead - middle) > _CLOCKS:
            seconds = abs(ahead - middle)
            yield RecognisedCause(
                "clock-off",
                _("The clock of %(name)s is %(seconds).0f s ahead of the other nodes'.", name=name, seconds=seconds)
                if ahead > middle
                else _("The clock of %(name)s is %(seconds).0f s behind the other nodes'.", name=name, seconds=seconds),
                (
                    on(
                        untranslated(name),
                        "timedatectl",
                        "sudo timedatectl set-ntp true",
                        "sudo systemctl restart systemd-timesyncd",
                        look=_("Let the node set its clock by the network."),
                    ),
                ),
            )


def _rules(observations: Observations) -> Iterator[tuple[NodeState, FirewallRule]]:
    """Give the rules of the nodes' firewalls that concern a node of the lab."""
    addresses = [node.address for node in observations.nodes]
    for node in observations.nodes:
        for rule in node.symptoms.rules if node.symptoms else ():
            if rule.concerns(addresses):
                yield node, rule


def _vxlan(observations: Observations) -> Iterator[RecognisedCause]:
    for node, rule in _rules(observations):
        if rule.ports == (4789,):
            yield RecognisedCause(
                "vxlan-dropped",
                _(
                    "The firewall of %(node)s drops UDP port 4789 (%(rule)s): over it the overlay networks "
                    "and the routing mesh reach the tasks of other nodes.",
                    node=node.name,
                    rule=rule.text,
                ),
                (on(untranslated(node.name), rule.removal),),
            )


def _firewall(observations: Observations) -> Iterator[RecognisedCause]:
    for node, rule in _rules(observations):
        if rule.ports != (4789,):
            ports = ", ".join(map(str, rule.ports))
            yield RecognisedCause(
                "firewall",
                _(
                    "The firewall of %(node)s drops what the swarm sends (ports %(ports)s): %(rule)s",
                    node=node.name,
                    ports=ports,
                    rule=rule.text,
                ),
                (
                    on(
                        untranslated(node.name),
                        "sudo iptables -S",
                        rule.removal,
                        look=_("Take the rule away, or let ports 2377/tcp, 7946/tcp, 7946/udp and 4789/udp through."),
                    ),
                ),
            )


def _members(observations: Observations) -> Iterator[tuple[NodeState, SwarmNode]]:
    """Give the nodes that a failure is about with what the managers know of them."""
    for node in observations.concerned:
        entries = [
            member for member in (observations.swarm.nodes if observations.swarm else ()) if member.name == node.name
        ]
        # Of two memberships the one that is Ready is the node's.
        for member in sorted(entries, key=lambda entry: not entry.ready)[:1]:
            yield node, member


def _node_down(observations: Observations) -> Iterator[RecognisedCause]:
    for node, member in _members(observations):
        if member.ready or node.engine_running is False:
            continue
        if node.swarm is not None and node.swarm.state in ("inactive", "locked"):
            continue
        if not node.reached:
            continue
        yield RecognisedCause(
            "node-down",
            _(
                "The managers see %(node)s %(state)s, though its engine runs: what the nodes send each other "
                "does not arrive.",
                node=node.name,
                state=member.state.capitalize(),
            ),
            (
                on(
                    untranslated(node.name),
                    "sudo iptables -S",
                    "ip -brief address",
                    look=_(
                        "Does it have its address %(address)s, and does a firewall drop port 2377 or "
                        "7946? Look on the manager, too.",
                        address=node.address,
                    ),
                ),
            ),
        )


def _node_left(observations: Observations) -> Iterator[RecognisedCause]:
    if not any(node.swarm and node.swarm.active for node in observations.nodes):
        return
    for node in observations.concerned:
        if node.engine_running and node.swarm is not None and node.swarm.state == "inactive":
            yield RecognisedCause(
                "node-left",
                _("%(node)s is in no swarm: it has left, or never joined.", node=node.name),
                (
                    on_manager(
                        f"docker swarm join-token {node.role}",
                        note=_("This prints another command. Run that one on %(node)s.", node=node.name),
                    ),
                    in_folder("fab bootstrap", note=_("Or let labgen join the node.")),
                ),
            )


def _availability(word: str, cause: str, meaning: Callable[[str], Text]) -> Cause:
    """Make the cause of a node that takes no new tasks because somebody said so."""

    def recognise(observations: Observations) -> Iterator[RecognisedCause]:
        for _node, member in _members(observations):
            if member.availability == word:
                yield RecognisedCause(
                    cause,
                    meaning(member.name),
                    (on_manager(f"docker node update --availability active {shlex.quote(member.name)}"),),
                )

    return Cause(
        cause,
        frozenset({"tasks", "node"}),
        _("A node's availability is `%(word)s`.", word=word),
        "docker node update --availability active NODE",
        recognise,
    )


DISK_FULL = Cause(
    "disk-full",
    frozenset({"node", "tasks"}),
    _("Less than 50 MiB or no inode is free where the engine keeps its data, or a task's error says so."),
    "df -h /var/lib/docker",
    _disk_full,
)
CAUSES = (
    Cause(
        "node-off",
        frozenset({"node", "tasks"}),
        _("A node does not answer over SSH."),
        "labgen status",
        _unreached,
    ),
    DISK_FULL,
    Cause(
        "engine-stopped",
        frozenset({"node", "tasks", "requests"}),
        _("A node has no process `dockerd`."),
        "sudo systemctl start docker",
        _engine_stopped,
    ),
    Cause(
        "node-left",
        frozenset({"node", "tasks"}),
        _("A node's engine is in no swarm, while others are."),
        "docker swarm join-token",
        _node_left,
    ),
    Cause(
        "clock-off",
        frozenset({"node", "history"}),
        _("A node's clock differs from the others' by more than 30 s."),
        "timedatectl",
        _clock_off,
    ),
    Cause(
        "vxlan-dropped",
        frozenset({"requests", "network", "node"}),
        _("A rule of a node's firewall drops port 4789."),
        "sudo iptables -D",
        _vxlan,
    ),
    Cause(
        "firewall",
        frozenset({"node", "requests", "network"}),
        _("A rule of a node's firewall drops port 2377 or 7946, or all that another node sends."),
        "sudo iptables -S",
        _firewall,
    ),
    Cause(
        "node-down",
        frozenset({"node", "tasks"}),
        _("The managers see a node Down whose engine runs."),
        "sudo iptables -S",
        _node_down,
    ),
    _availability(
        "drain",
        "node-drained",
        lambda node: _("%(node)s is drained: it takes no tasks until it is active again.", node=node),
    ),
    _availability(
        "pause",
        "node-paused",
        lambda node: _("%(node)s is paused: it takes no new tasks until it is active again.", node=node),
    ),
)
