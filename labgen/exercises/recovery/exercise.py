"""Failure of a container: one is removed by force, and swarm puts another in its place (part 2, section 8)."""

from __future__ import annotations

from labgen.core.words import Words
from labgen.exercise.model import Exercise
from labgen.exercise.services import Publish, ServiceSpec
from labgen.model.capabilities import Capability

SERVICE = ServiceSpec(name="web-alb", image="nginx", replicas=3, publish=(Publish(8001, 80),))

WITHIN = 30.0
"""Seconds in which a replacement runs, on an ordinary machine: swarm waits 5 s of them before it begins."""

LOSING = 4.0
"""Seconds for which some requests may be lost at a time, on an ordinary machine. Until every node has heard of it, the
dead container keeps its turn in the routing mesh; were it left there until its replacement runs, more than the 5 s
of the restart delay would pass. The new one is asked a moment before its server listens."""

EXERCISE = Exercise(
    __name__,
    title=Words("Failure of a container", "컨테이너 장애 복구"),
    section="2-8",
    order=70,
    acts=True,
    summary=Words(
        "a killed container, and the one that replaces it", "강제로 종료한 컨테이너와 이를 대신하는 새 컨테이너"
    ),
    services=(SERVICE,),
    instead={
        Capability.ROUTING_MESH: Words(
            en="""\
The service is published and recovers, but port 8001 opens on no node: leave out the requests of step 2 (the
second terminal). Everything else can be seen as it is written.
""",
            ko="""\
서비스는 공개되고 복구도 되지만 8001 포트는 어느 노드에서도 열리지 않습니다. 2번에서 두 번째 터미널로 보내는
요청은 건너뛰세요. 나머지는 적힌 그대로 볼 수 있습니다.
""",
        ),
    },
)
