"""The cluster: who is in it and in which role, how nodes get in, and what it brings with it (part 2, sections 4, 5)."""

from __future__ import annotations

from labgen.core.i18n import Messages
from labgen.exercise.model import Exercise

_ = Messages.beside(__file__)

PORTS = (2377, 7946)
"""Ports that the document names: managers listen on the first, every node on the second."""

INGRESS = "ingress"
BRIDGE = "docker_gwbridge"
"""The two networks that come with a swarm: one over all nodes, and one on each."""

EXERCISE = Exercise(
    __name__,
    title=_("The cluster"),
    section="2-4, 2-5",
    order=10,
    prerequisite=True,
    summary=_("node roles, the swarm's state, ports and networks, rotating join tokens, promote and demote"),
)
