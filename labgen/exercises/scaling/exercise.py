"""Scaling: the service of the exercise on load balancing gets a third replica, and loses it (part 2, section 7)."""

from __future__ import annotations

from labgen.core.words import Words
from labgen.exercise.model import Exercise
from labgen.exercises.loadbalance import exercise as loadbalance
from labgen.model.capabilities import Capability

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
    title=Words("Scaling", "동적 확장 및 축소"),
    section="2-7",
    order=40,
    acts=True,
    summary=Words(
        "from two replicas to three and back while requests go on",
        "요청을 받는 동안 복제본을 두 개에서 세 개로 늘렸다 줄이기",
    ),
    services=(SERVICE,),
    later=(SCALED,),
    workers=1,
    instead={
        Capability.ROUTING_MESH: Words(
            en="""\
The service scales, but port 8001 opens on no node: leave out the requests of step 2. Everything else can be seen as
it is written.
""",
            ko="""\
서비스는 확장되고 축소되지만 8001 포트는 어느 노드에서도 열리지 않습니다. 2번의 요청은 건너뛰세요. 나머지는 적힌
그대로 볼 수 있습니다.
""",
        ),
    },
)
