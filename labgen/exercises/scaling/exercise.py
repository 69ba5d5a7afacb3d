"""Scaling: the service of the exercise on load balancing gets a third replica, and loses it (part 2, section 7)."""

from __future__ import annotations

from labgen.core.i18n import Messages
from labgen.exercise.model import Exercise
from labgen.exercises.loadbalance import exercise as loadbalance
from labgen.model.capabilities import Capability

_ = Messages.beside(__file__)

SERVICE = loadbalance.SERVICE
SCALED = SERVICE.but(replicas=3)

FEW, MANY = SERVICE.replicas or 0, SCALED.replicas or 0

UP = f"docker service scale {SERVICE.name}={MANY}"
"""The document's command."""

DOWN = f"docker service scale {SERVICE.name}={FEW}"

WITHIN = 30.0
"""Seconds in which a replica more runs, or one less, on an ordinary machine."""

LOSING = 4.0
"""Seconds for which some requests may be lost at a time, on an ordinary machine: a container without a health
check gets requests from the moment in which it starts, and its server listens a moment later."""

EXERCISE = Exercise(
    __name__,
    title=_("Scaling"),
    section="2-7",
    order=40,
    acts=True,
    summary=_("from two replicas to three and back while requests go on"),
    services=(SERVICE,),
    later=(SCALED,),
    workers=1,
    instead={
        Capability.ROUTING_MESH: _("""\
The service scales, but port 8001 opens on no node: leave out the requests of step 2. Everything else can be seen as
it is written.
"""),
    },
)
