"""Waiting until the engines of all nodes have found one another: names, overlay networks and the mesh need that.

A node that is Ready has found a manager over 2377/tcp. The engines tell one another of networks and tasks by gossip,
over port 7946. Where all engines start at the same time, one that is quicker than the managers' finds no other.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from labgen.core.errors import SwarmError
from labgen.core.i18n import Text, _, listed
from labgen.core.polling import NotYet, Patience, wait_until
from labgen.docker.question import Ask
from labgen.docker.reachability import REJOINING
from labgen.model.lab import Lab, Node
from labgen.observation.causes import RecognisedCause, findings
from labgen.observation.causes.ask import observe
from provision.everywhere import everywhere

_AT_ONCE = 3.0
"""Seconds in which nodes find one another where a manager's engine was there first."""

SCRIPT = "docker network inspect --format '{{range .Peers}}{{.IP}} {{end}}' ingress 2>/dev/null || true"
"""Prints the addresses of the nodes that a node knows, its own among them; nothing without an ingress network."""


class _NotAtOnce(SwarmError):
    """The nodes do not know one another yet."""


@dataclass(frozen=True)
class Nodes:
    """Access to the nodes of a lab: what is run there, asked there and started again.

    :param run: runs a script on a node as root, and returns what it printed.
    :param asker: returns what puts questions to a node.
    :param restart: starts a node's engine again.
    """

    lab: Lab
    run: Callable[[Node, str], str]
    asker: Callable[[Node], Ask]
    restart: Callable[[Node], None]

    def peers(self) -> dict[Node, frozenset[str]]:
        """Ask every node for the addresses that it knows."""
        answers = everywhere(self.lab.nodes, lambda node: frozenset(self.run(node, SCRIPT).split()))
        return dict(zip(self.lab.nodes, answers, strict=True))

    def firewall(self) -> RecognisedCause | None:
        """Find a firewall in the way of the gossip."""
        recognised = findings(observe(self.lab, self.asker), {"network"})
        return next((finding for finding in recognised if finding.cause == "firewall"), None)


def await_all(nodes: Nodes, patience: Patience) -> bool:
    """Wait until every node knows every other; tell whether engines were started again for that.

    A worker's engine that has found no manager tries again after a minute only, and learns the ways of the overlay
    networks up to half a minute later. Started again, it finds all of that at once.

    :raises SwarmError: they do not find one another, or a firewall keeps them from it.
    """

    def look() -> Mapping[Node, frozenset[str]]:
        peers = nodes.peers()
        if lacking := strangers(peers):
            raise NotYet(listed(_described(lacking), "; "))
        return peers

    def look_at_once() -> None:
        peers = look()
        # An engine that has just started comes to the ingress network a moment after its node is Ready. For good, a
        # node may be without: where a learner has removed the network.
        if any(peers.values()) and not all(peers.values()):
            raise NotYet(_("not every node has the ingress network"))

    what = _("the nodes to find one another")
    try:
        wait_until(what, look_at_once, within=patience.seconds(_AT_ONCE), every=0.2, error=_NotAtOnce)
    except _NotAtOnce as late:
        if finding := nodes.firewall():
            words = _("%(cause)s (%(error)s)", cause=finding.words, error=late.words)
            raise SwarmError(words, finding.hints) from None
    else:
        return False
    everywhere(lost_workers(nodes.lab, strangers(nodes.peers())), nodes.restart)
    wait_until(
        what,
        look,
        within=patience.seconds(REJOINING),
        error=SwarmError,
        hint=_("Ports 7946/tcp and 7946/udp must be open between all nodes. Then run fab bootstrap again."),
    )
    return True


def _described(lacking: Mapping[str, Collection[str]]) -> Iterator[Text]:
    for node, others in lacking.items():
        yield _("%(node)s does not know %(others)s", node=node, others=", ".join(others))


def strangers(peers: Mapping[Node, frozenset[str]]) -> dict[str, list[str]]:
    """List by node the nodes it does not know; nodes without an ingress network know nobody, and are left out.

    :param peers: by node, the addresses it knows.
    """
    attached = [node for node, addresses in peers.items() if str(node.address) in addresses]
    lacking = {node.name: [peer.name for peer in attached if str(peer.address) not in peers[node]] for node in attached}
    return {name: others for name, others in lacking.items() if others}


def lost_workers(lab: Lab, lacking: Mapping[str, Collection[str]]) -> list[Node]:
    """Choose the workers that the first manager and they do not know of each other.

    Managers are left alone: without most of them the swarm has no leader.

    :param lacking: as of :func:`strangers`.
    """
    manager = lab.first_manager.name
    return [
        worker
        for worker in lab.workers
        if manager in lacking.get(worker.name, ()) or worker.name in lacking.get(manager, ())
    ]
