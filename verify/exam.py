"""What a run has seen of a lab: read when first asked for, once, and the same for every check."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from labgen.core.errors import LabgenError, NodeError, SwarmError
from labgen.core.nonce import choose, mark
from labgen.core.polling import Hopeless, NotYet, Patience, wait_until
from labgen.docker import api, container_times, swarm
from labgen.docker.api import Answer
from labgen.docker.availability import Probed
from labgen.docker.hopeless import hopeless
from labgen.docker.question import Question
from labgen.docker.swarm import Network, Service, Swarm, Task
from labgen.docker.timeline import Vacancy, exchanged
from labgen.exercise.catalogue import exercises
from labgen.model.lab import Lab, Node
from labgen.observation import facts
from labgen.observation.node_facts import NodeFacts
from labgen.transport import tracing
from labgen.transport.protocol import Transport
from verify.cached import Cached, side_by_side
from verify.pages import Pages
from verify.reach import Reach
from verify.staying import Staying
from verify.stored import Stored, StoredContainer
from verify.symptoms import NodeSymptoms

if TYPE_CHECKING:
    from verify.testinfra_host import NodeHost

T = TypeVar("T")

_SETTLING = 30.0
"""Seconds that a swarm has to settle: a task on its way to running, a node not heard of since its
manager started."""


class Exam:
    """A lab being looked at.

    :ivar graded_nodes: names of the nodes that checks were chosen for; others are connected to only when they are
        asked for.
    :ivar clock: seconds that pass, for checks that measure.
    :ivar looked: when the swarm was seen first, by the manager's clock; ``None`` before.
    :ivar looked_at: when the swarm was seen last, by this computer's clock, ISO 8601; empty before.
    :ivar probes: requests made while checks acted: exercise, node that made them, port, and what came of them.
    :ivar exchanges: places that Swarm itself left empty: exercise, service, and for how long.
    :ivar waited: seconds for which checks waited for what the swarm does in its own time.
    :ivar nonce: what the teacher has given for this grading, empty where nothing was given.
    """

    def __init__(
        self, lab: Lab, transport: Transport, patience: Patience, graded_nodes: Collection[str] = (), nonce: str = ""
    ) -> None:
        self.lab = lab
        self.nonce = nonce
        self.graded_nodes = graded_nodes
        self._transport = transport
        self._patience = patience
        # Where answers come from a recording, time does too.
        self.clock = transport.clock
        self._wait = partial(wait_until, clock=transport.clock, pause=transport.pause)
        self._lived: dict[str, Cached[Service]] = {}
        self._facts: dict[str, Cached[NodeFacts]] = {}
        self._asking: threading.Thread | None = None
        self._swarm: Cached[Swarm] | None = None
        self.looked_at = ""
        self.looked: datetime | None = None
        self._ahead: dict[str, float] = {}
        self._latest: dict[str, Service] = {}
        self._polled: Service | None = None
        self._networks: dict[str, Cached[list[Network]]] = {}
        self._testinfra: dict[str, NodeHost] = {}
        self.stored = Stored(self)
        self.staying = Staying(self)
        self.symptoms = NodeSymptoms(self)
        self.reach = Reach(self)
        self.pages = Pages(self)
        self.probes: list[tuple[str, str, int, Probed]] = []
        self.exchanges: list[tuple[str, str, Vacancy]] = []
        self.waited = 0.0

    def begin(self) -> None:
        """Begin to ask every node what it is like, while the run goes on until it needs to know.

        To connect takes as long as to collect the checks.
        """
        self._asking = threading.Thread(target=self._read, args=(list(self.lab.nodes),), daemon=True)
        self._asking.start()

    def facts(self, node: Node) -> NodeFacts:
        """Give what a node is like. The first call asks every node that checks were chosen for, side by side.

        :raises NodeError: it cannot be reached, or does not answer.
        """
        if (asking := self._asking) is not None:
            asking.join()
            self._asking = None
        if node.name not in self._facts:
            self._read([peer for peer in self.graded_and(node) if peer.name not in self._facts])
        return self._facts[node.name].get()

    @property
    def swarm(self) -> Swarm:
        """Give the whole swarm, as the first manager that can be asked tells it.

        :raises SwarmError: no node is a manager of a swarm.
        :raises NodeError: no manager can be asked.
        """
        if self._swarm is None:
            self._swarm = Cached(self._settle_swarm)
        return self._swarm.get()

    @property
    def manager(self) -> Node:
        """Give the first manager of the swarm that can be asked.

        :raises SwarmError: no node is a manager of a swarm.
        :raises NodeError: no manager can be asked.
        """
        return self._manager()

    def on(self, node: Node, script: str, *, within: float = 30.0) -> str:
        """Run a script as root on a node now, and give what it prints.

        :param within: deadline in seconds on an ordinary machine.
        :raises NodeError: the node cannot be reached, or the script failed.
        """
        return self._transport.run(node, script, within=within)

    def ask_node(self, node: Node, question: Question, *, within: float = 30.0) -> str:
        """Ask a node now something that is more than a script, and give the answer.

        :param within: deadline in seconds of each part, on an ordinary machine.
        :raises NodeError: the node cannot be reached, or does not answer.
        """
        return self._transport.ask(node, question, within=within)

    def testinfra(self, node: Node) -> NodeHost:
        """Give testinfra's host for a node: the same object each time."""
        # Imported only where a check asks with it.
        from verify.testinfra_host import SECONDS, host_of

        if node.name not in self._testinfra:
            # The node ends a command that takes too long before this run gives up on the node.
            run = partial(self.on, node, within=SECONDS + 10)
            self._testinfra[node.name] = host_of(
                node, run, self.seconds(SECONDS), prefetched=lambda: self.facts(node).answers
            )
        return self._testinfra[node.name]

    def everywhere(self, nodes: Iterable[Node], ask: Callable[[Node], T]) -> dict[Node, T]:
        """Ask nodes at the same time, and give their answers.

        :raises NodeError: one cannot be asked.
        """
        answers = side_by_side(nodes, ask)
        return {node: answers[node.name].get() for node in self.lab.nodes if node.name in answers}

    def beside(self, node: Node, script: str, *, within: float) -> str:
        """Run a script while others run, in a thread of its own, and give what it prints."""
        return self._transport.beside(node, script, within=within)

    def seconds(self, plain: float) -> float:
        """Stretch a time on an ordinary machine to what it may take in this lab."""
        return self._patience.seconds(plain)

    def ask(self, *paths: str) -> Mapping[str, Answer]:
        """Give what the manager's engine answers to paths of its API, now."""
        return api.ask(partial(self._transport.ask, self.manager), paths)

    def networks(self, node: Node) -> list[Network]:
        """Give the networks that a node's engine knows; asked once, every node at the same time."""
        if node.name not in self._networks:
            nodes = [peer for peer in self.graded_and(node) if peer == node or self.answers(peer)]
            self._networks |= side_by_side(nodes, lambda peer: swarm.networks(partial(self._transport.ask, peer)))
        return self._networks[node.name].get()

    def containers(self, node: Node) -> dict[str, StoredContainer]:
        """Give the containers on a node, running or not, by name; asked once."""
        return {name: container for container in self.stored.containers(node) for name in container.names}

    def service(self, name: str) -> Service | None:
        """Give a service as it is now, for checks that act: the other checks keep what was seen first."""
        service = swarm.service(partial(self._transport.ask, self.manager), name)
        self._polled = service
        if service is not None:
            self._latest[name] = service
        return service

    def lived(self, name: str) -> Service:
        """Give a service whose tasks say when their containers began and ended, by the manager's clock.

        :raises NodeError: a node cannot be asked.
        """
        if name not in self._lived:
            self._lived[name] = Cached(lambda: self.dated(self.swarm.services[name]))
        return self._lived[name].get()

    def dated(self, service: Service) -> Service:
        """Give a service as it is now, with the times of its containers, for checks that act.

        :raises NodeError: a node cannot be asked.
        """
        ids = {node.name: node.id for node in self.swarm.nodes}
        before = self.clock()
        question = container_times.question(service.name)
        texts = self.everywhere(self.lab.nodes, lambda node: self.ask_node(node, question))
        # The same for all, so that whoever grades the evidence later has the same time between.
        interval = (before, self.clock())
        times = {ids.get(node.name, ""): container_times.read(text, interval) for node, text in texts.items()}
        dated = container_times.dated(service, times, ids.get(self.manager.name, ""))
        # The report tells of the service with its times, unless it has been looked at again since.
        if self._latest.get(service.name, service) is service:
            self._latest[service.name] = dated
        return dated

    def host(self, task: Task) -> Node | None:
        """Give the lab's node that a task is on."""
        member = self.swarm.node(task.node_id)
        return next((node for node in self.lab.nodes if member and node.name == member.name), None)

    def wait(self, what: str, look: Callable[[], T], *, within: float = 60.0) -> T:
        """Poll until ``look`` returns; while it raises :class:`labgen.core.polling.NotYet` it is not so.

        :param within: deadline in seconds on an ordinary machine.
        :raises AssertionError: it did not come, with the last thing seen.
        """
        start = self.clock()
        try:
            within = self._patience.seconds(within)
            return self._wait(what, partial(self._hopeful, look), within=within, error=_StillMoving)
        except _StillMoving as late:
            raise AssertionError(late.message) from None
        finally:
            self.waited += self.clock() - start

    def _hopeful(self, look: Callable[[], T]) -> T:
        """Look, and give up where the service that was looked at cannot run any more."""
        self._polled = None
        try:
            return look()
        except NotYet as why_not:
            if self._polled is not None and (why := hopeless(self._polled)):
                raise Hopeless(f"{why_not}; {self._polled.name}: {why}") from None
            raise

    def settle(self, what: str, look: Callable[[], None], *, within: float) -> None:
        """Poll until ``look`` returns, or the deadline passes: what was seen last is judged as it is.

        :param within: deadline in seconds.
        """
        with suppress(_StillMoving):
            self._wait(what, look, within=within, error=_StillMoving)

    def choose(self, purpose: str, among: int) -> int:
        """Choose how a check acts, by the nonce: answers that were recorded for another one do not fit.

        :param among: how many ways there are; without a nonce it is the first.
        """
        return choose(self.nonce, purpose, among) if self.nonce and among else 0

    def mark(self, purpose: str) -> str:
        """Give the name for things that a check makes: made of the nonce, empty without one."""
        return mark(self.nonce, purpose) if self.nonce else ""

    def unreachable(self) -> str:
        """Name the nodes or engines that do not answer, as a sentence; empty where all do."""
        silent = []
        for node in self.lab.nodes:
            try:
                _ = self.facts(node).swarm
            except NodeError:
                silent.append(node.name)
        return f"This says nothing while {' and '.join(silent)} cannot be asked." if silent else ""

    def latest(self) -> Swarm:
        """Give the whole swarm, with the services as a check that acts has seen them last.

        :raises LabgenError: no manager can tell it.
        """
        return replace(self.swarm, services={**self.swarm.services, **self._latest})

    def asked_swarm(self) -> Swarm | None:
        """Give :meth:`latest` if a check has asked for the swarm and a manager could tell it; asks nothing."""
        with suppress(LabgenError):
            return self.latest() if self._swarm else None
        return None

    def probed(self, exercise: str, port: int, probed: Probed) -> None:
        """Have the report tell of requests that were made while a check of an exercise acted."""
        if probed.requests:
            self.probes.append((exercise, self.manager.name, port, probed))

    def exchanged(self, exercise: str, service: Service) -> None:
        """Have the report tell of replicas that Swarm itself left without a task when it took an update back."""
        self.exchanges += [(exercise, service.name, vacancy) for vacancy in exchanged(service)]

    def graded_and(self, node: Node) -> list[Node]:
        """List the nodes that checks were chosen for, and one node more."""
        return [peer for peer in self.lab.nodes if peer == node or peer.name in self.graded_nodes]

    def _read(self, nodes: list[Node]) -> None:
        within = self._patience.seconds(15)
        names = [node.name for node in self.lab.nodes]

        def look(node: Node) -> NodeFacts:
            answer, moment = self._observed(
                lambda: facts.read(partial(self._transport.ask, node), node.name, names, within)
            )
            if answer.time is not None:
                self._ahead[node.name] = (answer.time - moment).total_seconds()
            return answer

        self._facts |= side_by_side(nodes, look)

    def _settle_swarm(self) -> Swarm:
        manager = self._manager()
        course = exercises().values()
        names = {spec.name for exercise in course for spec in (*exercise.services, *exercise.later)}
        last: list[Swarm] = []

        def look() -> None:
            now, moment = self._observed(lambda: swarm.look(partial(self._transport.ask, manager)))
            last.append(now)
            self.looked_at = moment.isoformat(timespec="milliseconds")
            self.looked = moment + timedelta(seconds=self._ahead.get(manager.name, 0.0))
            if not last[-1].settled(names):
                raise NotYet("something is still on its way")

        self.settle("the swarm to settle", look, within=self._patience.seconds(_SETTLING))
        if not last:
            look()  # the engine was too busy each time: its error is the answer
        return last[-1]

    def _observed(self, ask: Callable[[], T]) -> tuple[T, datetime]:
        """Give an answer, and when it came."""
        with tracing.gather() as trace:
            answer = ask()
        tracing.looked_at(trace)
        # Of a recording, its own: whatever was asked in which order, the report tells the same time.
        return answer, self._transport.moment(trace[-1] if trace else None)

    def dated_answer(self, ask: Callable[[], T]) -> tuple[T, datetime]:
        """Give an answer of the manager's, and when it came, by its own clock."""
        answer, moment = self._observed(ask)
        return answer, moment + timedelta(seconds=self._ahead.get(self.manager.name, 0.0))

    def _manager(self) -> Node:
        silent: NodeError | None = None
        for node in self.lab.managers:
            try:
                local = self.facts(node).swarm
            except NodeError as error:
                silent = silent or error
                continue
            if local.active and local.is_manager:
                return node
        if silent is not None:
            raise silent
        names = ", ".join(node.name for node in self.lab.managers)
        raise SwarmError(f"no manager of a swarm among {names}", "Begin the swarm: fab bootstrap.")

    def answers(self, node: Node) -> bool:
        """Tell whether a node can be asked."""
        try:
            self.facts(node)
        except NodeError:
            return False
        return True


class _StillMoving(LabgenError):
    """A wait ran out; what was seen last is judged."""
