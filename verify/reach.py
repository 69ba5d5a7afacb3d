"""Whether the nodes reach one another at the ports of a swarm: tried from every node that is in it, once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from labgen.core.errors import LabgenError, NodeError
from labgen.core.polling import NotYet
from labgen.docker import reachability
from labgen.docker.reachability import (
    DATA_PATH,
    GOSSIP,
    MANAGEMENT,
    OPEN,
    REJOINING,
    SILENT,
    UNHEARD,
    Attempts,
    Failure,
)
from labgen.model.lab import Node
from verify.cached import Cached, side_by_side

if TYPE_CHECKING:
    from verify.exam import Exam

T = TypeVar("T")

_CONNECTING = 1.5
"""Seconds in which a connection comes about on an ordinary machine; in the lab's own network it takes a thousandth."""

_ROUNDS = {GOSSIP: 3, MANAGEMENT: 3, DATA_PATH: 8}
"""Rounds in which something must be lost each time: a busy node may lose a packet, or answer late, in one. A node that
has just heard of another's end of the ingress network learns the way there some seconds later."""


class Reach:
    """What every node of the swarm reached of the others."""

    def __init__(self, exam: Exam) -> None:
        self._exam = exam
        self._tried: Cached[None] | None = None
        self._attempts: dict[str, Cached[Attempts]] = {}
        self._heard: dict[str, Cached[frozenset[str]]] = {}
        self._rounds = 0

    def connections(self, node: Node, port: int) -> list[Failure]:
        """Find connections to a TCP port that did not come about and that are a node's fault.

        :raises NodeError: what came of them is not known.
        """
        failures = {
            (listening, Failure(source.name, target.name, outcome))
            for source, target in self._pairs()
            for listening in (GOSSIP, MANAGEMENT)
            if (listening == GOSSIP or target in self._managers)
            and (outcome := self._connected(source, target, listening)) not in (OPEN, None)
        }
        # A node that reaches no port of any other is at fault for both.
        blamed = self._blamed(node, [failure for _, failure in failures])
        return sorted({failure for listening, failure in failures if listening == port and failure in blamed}, key=str)

    def datagrams(self, node: Node) -> list[Failure]:
        """Find datagrams to the port of the gossip that did not arrive and that are a node's fault.

        :raises NodeError: whether they arrive at this node cannot be seen.
        """
        self._require(self._heard, node)
        failures = [
            Failure(source.name, target.name)
            for source, target in self._pairs()
            if (senders := self._answer(self._heard, target)) is not None
            and self._answer(self._attempts, source) is not None
            and str(source.address) not in senders
        ]
        return self._blamed(node, failures)

    def overlay(self, node: Node) -> list[Failure]:
        """Find ways of the overlay networks on which nothing comes through and that are a node's fault.

        Nodes that do not gossip know of no way: that is told apart from this.

        :raises NodeError: what came of them is not known.
        """
        failures = [
            Failure(source.name, target.name, UNHEARD if self._unheard(source, target) else SILENT)
            for source, target in self._pairs()
            if self._gossip(source, target)
            and (self._unheard(source, target) or self._overlay(source, target) is False)
        ]
        return self._blamed(node, failures)

    def _blamed(self, node: Node, failures: list[Failure]) -> list[Failure]:
        self._require(self._attempts, node)
        return reachability.blamed(node.name, failures)

    @property
    def _managers(self) -> tuple[Node, ...]:
        return self._exam.lab.managers

    def _pairs(self) -> Iterator[tuple[Node, Node]]:
        self._try()
        return _pairs(self._members())

    def _members(self) -> list[Node]:
        """Give the nodes that are in a swarm, as they say themselves."""
        members = []
        for node in self._exam.lab.nodes:
            with suppress(LabgenError):
                members += [node] if self._exam.facts(node).swarm.active else []
        return members

    def _connected(self, source: Node, target: Node, port: int) -> str | None:
        attempts = self._answer(self._attempts, source)
        return attempts.tcp.get((str(target.address), port), SILENT) if attempts else None

    def _gossip(self, source: Node, target: Node) -> bool:
        """Tell whether both reach the other's port of the gossip."""
        return {self._connected(source, target, GOSSIP), self._connected(target, source, GOSSIP)} == {OPEN}

    def _overlay(self, source: Node, target: Node) -> bool | None:
        """Tell whether two nodes' overlay carries both ways; ``None`` where neither knows of the other."""
        answers = [
            answered
            for node, peer in ((source, target), (target, source))
            if (attempts := self._answer(self._attempts, node))
            and (answered := attempts.overlay.get(str(peer.address))) is not None
        ]
        return any(answers) if answers else None

    def _unheard(self, source: Node, target: Node) -> bool:
        """Tell whether neither node knows the other's end of the ingress network, though each has one."""
        return self._overlay(source, target) is None and self._has_end(source) and self._has_end(target)

    def _has_end(self, node: Node) -> bool:
        attempts = self._answer(self._attempts, node)
        return attempts is not None and str(node.address) in attempts.overlay

    def _answer(self, answers: dict[str, Cached[T]], node: Node) -> T | None:
        """Give a node's answer, ``None`` if there is none."""
        with suppress(LabgenError):
            return answers[node.name].get() if node.name in answers else None
        return None

    def _require(self, answers: dict[str, Cached[T]], node: Node) -> T:
        self._try()
        if node.name not in answers:
            raise NodeError(f"{node.name} was not asked what it reaches.", "Is it part of the swarm?")
        return answers[node.name].get()

    def _try(self) -> None:
        if self._tried is None:
            self._tried = Cached(self._settle)
        self._tried.get()

    def _settle(self) -> None:
        self._exam.settle("the nodes to reach one another", self._try_everything, within=self._exam.seconds(REJOINING))

    def _try_everything(self) -> None:
        """Try everything once.

        :raises NotYet: something may still come: a node has not heard of another, or a datagram was lost.
        """
        self._rounds += 1
        members, earlier = self._members(), dict(self._attempts)
        addresses = [str(node.address) for node in self._exam.lab.nodes]
        managers = [str(node.address) for node in self._managers]
        script = reachability.script(addresses, managers, min(5.0, max(1.0, self._exam.seconds(_CONNECTING))))
        self._attempts |= side_by_side(
            members, lambda node: reachability.read(self._exam.on(node, script)).since(self._answer(earlier, node))
        )
        self._heard |= side_by_side(members, self._listen)
        for source, target in _pairs(members):
            if self._gossip(source, target) and self._unheard(source, target):
                raise NotYet(f"{source.name} has not heard of {target.name}'s end of the ingress network")
        if any(self._may_come(source, target) for source, target in _pairs(members)):
            raise NotYet("something was lost on the way")

    def _may_come(self, source: Node, target: Node) -> bool:
        """Tell whether what was lost may come next time: no firewall of the two nodes drops it, and it is early."""
        listening = (GOSSIP, MANAGEMENT) if target in self._managers else (GOSSIP,)
        lost = {port for port in listening if self._connected(source, target, port) == SILENT}
        if self._gossip(source, target):
            senders = self._answer(self._heard, target)
            lost |= {GOSSIP} if senders is not None and str(source.address) not in senders else set()
            ends = self._has_end(source) or self._has_end(target)
            lost |= {DATA_PATH} if ends and not self._overlay(source, target) else set()
        lost = {port for port in lost if self._rounds < _ROUNDS[port]}
        drops = self._exam.symptoms.drops
        return any(not (drops(source, target, port) or drops(target, source, port)) for port in lost)

    def _listen(self, node: Node) -> frozenset[str]:
        time = self._exam.facts(node).time
        if time is None:
            raise NodeError(f"the clock of {node.name} is not known.", "Does its engine answer?")
        ask: Callable[[str], str] = partial(self._exam.on, node)
        return reachability.heard(ask(reachability.heard_script(int(time.timestamp()))))


def _pairs(members: list[Node]) -> Iterator[tuple[Node, Node]]:
    return ((source, target) for source in members for target in members if source != target)
