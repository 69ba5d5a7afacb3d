"""Published ports: one that was chosen, one that the swarm chooses, and one on the nodes with a task only (2-4)."""

from __future__ import annotations

from labgen.core.words import Words
from labgen.exercise.model import Exercise
from labgen.exercise.services import Publish, ServiceSpec
from labgen.model.capabilities import Capability

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
    title=Words("Published ports", "포트 공개"),
    section="2-4",
    order=130,
    summary=Words(
        "a port that you choose, a port that Swarm chooses, ingress and host mode",
        "직접 정한 포트와 스웜이 고른 포트, ingress 모드와 host 모드",
    ),
    services=(CHOSEN, AUTOMATIC, HOST),
    later=(crowded(3),),
    workers=1,
    instead={
        Capability.ROUTING_MESH: Words(
            en="""\
The ports of web-chosen and web-auto open on no node: leave out the requests of steps 1 and 2. Step 3 is as it is
written: a port in host mode is the node's own, and needs no routing mesh.
""",
            ko="""\
web-chosen과 web-auto의 포트는 어느 노드에서도 열리지 않습니다. 1번과 2번의 요청은 건너뛰세요. 3번은 적힌 그대로 할 수
있습니다. 호스트 모드의 포트는 그 노드 자신의 것이어서 라우팅 메시가 필요 없습니다.
""",
        ),
    },
)
