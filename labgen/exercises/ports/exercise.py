"""Published ports: one that was chosen, one that the swarm chooses, and one on the nodes with a task only (2-4)."""

from __future__ import annotations

from labgen.core.i18n import Messages
from labgen.exercise.model import Exercise
from labgen.exercise.services import Publish, ServiceSpec
from labgen.model.capabilities import Capability

_ = Messages.beside(__file__)

CHOSEN = ServiceSpec(name="web-chosen", image="nginx", publish=(Publish(8003, 80),))
AUTOMATIC = ServiceSpec(name="web-auto", image="nginx", publish=(Publish(0, 80),))
HOST = ServiceSpec(name="web-host", image="nginx", replicas=2, publish=(Publish(8004, 80, "host"),))

RANGE = range(30000, 32768)
"""Ports that a swarm chooses from (swarmkit ``portallocator``)."""


def crowded(nodes: int) -> ServiceSpec:
    """Specify the service in host mode with one replica more than a lab has nodes."""
    return HOST.but(replicas=nodes + 1)


EXERCISE = Exercise(
    __name__,
    title=_("Published ports"),
    section="2-4",
    order=130,
    summary=_("a port that you choose, a port that Swarm chooses, ingress and host mode"),
    services=(CHOSEN, AUTOMATIC, HOST),
    later=(crowded(3),),
    workers=1,
    instead={
        Capability.ROUTING_MESH: _("""\
The ports of web-chosen and web-auto open on no node: leave out the requests of steps 1 and 2. Step 3 is as it is
written: a port in host mode is the node's own, and needs no routing mesh.
"""),
    },
)
