"""Failure of a container: one is removed by force, and swarm puts another in its place (part 2, section 8)."""

from __future__ import annotations

from labgen.core.i18n import Messages
from labgen.exercise.model import Exercise
from labgen.exercise.services import Publish, ServiceSpec
from labgen.model.capabilities import Capability

_ = Messages.beside(__file__)

SERVICE = ServiceSpec(name="web-alb", image="nginx", replicas=3, publish=(Publish(8001, 80),))

WITHIN = 30.0
"""Seconds in which a replacement runs, on an ordinary machine: swarm waits 5 s of them before it begins."""

LOSING = 4.0
"""Seconds for which some requests may be lost at a time, on an ordinary machine. Until every node has heard of it, the
dead container keeps its turn in the routing mesh; were it left there until its replacement runs, more than the 5 s
of the restart delay would pass. The new one is asked a moment before its server listens."""

EXERCISE = Exercise(
    __name__,
    title=_("Failure of a container"),
    section="2-8",
    order=70,
    acts=True,
    summary=_("a killed container, and the one that replaces it"),
    services=(SERVICE,),
    instead={
        Capability.ROUTING_MESH: _("""\
The service is published and recovers, but port 8001 opens on no node: leave out the requests of step 2 (the
second terminal). Everything else can be seen as it is written.
"""),
    },
)
