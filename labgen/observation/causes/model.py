"""What causes of trouble are recognised by, and what is said of one that was recognised."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Network
from typing import Literal

from labgen.core.i18n import Text
from labgen.docker.swarm import LocalSwarm, Service, Swarm
from labgen.exercise.hint import Hints
from labgen.exercise.model import Exercise
from labgen.exercise.services import ServiceSpec
from labgen.observation.causes.symptoms import Symptoms

Topic = Literal["swarm", "names", "tasks", "history", "requests", "network", "node", "subnets"]
"""What a failure is about: a cause explains only failures of its topics.

``names`` (a service that does not exist) explains whatever fails, ``swarm`` what no manager tells, ``tasks`` those that
do not run, ``history`` what is not to be seen of earlier tasks, ``requests`` pages that do not come, ``network``
services that do not find each other, ``node`` a node that is not as it should be, ``subnets`` networks that overlap.
"""


@dataclass(frozen=True)
class RecognisedCause:
    """A cause that was recognised.

    :param cause: its name in the table.
    :param words: what is wrong, beginning with the cause.
    :param hints: what to do about it.
    """

    cause: str
    words: Text
    hints: Hints


@dataclass(frozen=True)
class NodeState:
    """What is known of a node of the lab.

    :param reached: it answers; ``engine_running`` and ``swarm`` are unknown (``None``) where it does not.
    :param swarm: the swarm as its engine sees it.
    :param symptoms: what was asked only because something failed; ``None`` where it was not.
    """

    name: str
    address: str
    role: str
    reached: bool = True
    engine_running: bool | None = None
    swarm: LocalSwarm | None = None
    symptoms: Symptoms | None = None


@dataclass(frozen=True)
class Observations:
    """Everything that causes are recognised by.

    :param nodes: the lab's nodes.
    :param swarm: the swarm as a manager tells it, ``None`` where none can.
    :param refusal: what the engine said that could not tell it.
    :param exercise: the exercise that is carried out or graded.
    :param node: name of the node that a failure is about; empty where it is about the whole.
    :param lab_networks: the networks that the machines themselves are on, by name.
    :param now: when the swarm was looked at, by the managers' clock.
    """

    nodes: tuple[NodeState, ...] = ()
    swarm: Swarm | None = None
    refusal: str = ""
    exercise: Exercise | None = None
    node: str = ""
    lab_networks: tuple[tuple[str, IPv4Network], ...] = ()
    now: datetime | None = None

    @property
    def concerned(self) -> tuple[NodeState, ...]:
        """The node that a failure is about, or every node."""
        return tuple(node for node in self.nodes if self.node in ("", node.name))

    @property
    def specs(self) -> tuple[ServiceSpec, ...]:
        """The services of the exercise, as it makes them."""
        return self.exercise.services if self.exercise else ()

    def services(self) -> Iterator[tuple[ServiceSpec, Service]]:
        """Give the exercise's services that exist."""
        for spec in self.specs:
            service = self.swarm.services.get(spec.name) if self.swarm else None
            if service is not None:
                yield spec, service

    def node_name(self, node_id: str) -> str:
        """Give the name of a node of the swarm."""
        node = self.swarm.node(node_id) if self.swarm else None
        return node.name if node else ""


@dataclass(frozen=True)
class Cause:
    """A state that learners get into.

    :param topics: what it explains.
    :param sign: how it is recognised, for people.
    :param remedy: the next command, as the table shows it; what differs from case to case stands in capitals.
    :param recognise: gives a finding for each time the cause is seen in observations.
    """

    name: str
    topics: frozenset[Topic]
    sign: Text
    remedy: str
    recognise: Callable[[Observations], Iterable[RecognisedCause]]
