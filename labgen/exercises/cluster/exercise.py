"""The cluster: who is in it and in which role, how nodes get in, and what it brings with it (part 2, sections 4, 5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from labgen.core.i18n import Messages
from labgen.exercise import parameters
from labgen.exercise.model import Exercise

_ = Messages.beside(__file__)


@dataclass(frozen=True)
class Parameters(parameters.Parameters):
    """What Docker has decided of every swarm; nothing of it can be set."""

    managing_port: ClassVar[int] = 2377
    """Managers listen on it; nodes join there."""

    gossip_port: ClassVar[int] = 7946
    """Every node listens on it."""

    ingress: ClassVar[str] = "ingress"
    """The network over all nodes that comes with a swarm."""

    bridge: ClassVar[str] = "docker_gwbridge"
    """The network on each node that comes with a swarm."""


EXERCISE = Exercise(
    __name__,
    title=_("The cluster"),
    section="2-4, 2-5",
    order=10,
    prerequisite=True,
    summary=_("node roles, the swarm's state, ports and networks, rotating join tokens, promote and demote"),
    parameters=Parameters(),
)
