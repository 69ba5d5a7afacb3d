"""Service discovery: names on an overlay network, for one virtual address or for each task's own (2-4)."""

from __future__ import annotations

from labgen.core.words import Words
from labgen.docker.dns import IMAGE
from labgen.exercise.model import Exercise
from labgen.exercise.services import ServiceSpec
from labgen.model.capabilities import Capability

NETWORK = "course-net"

CREATE_NETWORK = f"docker network create --driver overlay --attachable {NETWORK}"

ASKER = "course-asker"
"""A container on the network that is no task, from which names are asked."""

START = f"docker run --detach --name {ASKER} --network {NETWORK} {IMAGE} sleep 1d"

VIRTUAL = ServiceSpec(name="web-vip", image="nginx", replicas=2, constraints=("node.role==worker",), network=NETWORK)
ROUND_ROBIN = VIRTUAL.but(name="web-dnsrr", endpoint_mode="dnsrr")

EXERCISE = Exercise(
    __name__,
    title=Words("Service discovery", "서비스 검색"),
    section="2-4",
    order=140,
    acts=True,
    summary=Words(
        "names of services on an overlay network: virtual IP, `tasks.NAME`, round robin",
        "오버레이 네트워크의 서비스 이름: 가상 IP, `tasks.이름`, 라운드 로빈",
    ),
    services=(VIRTUAL, ROUND_ROBIN),
    networks=(NETWORK,),
    workers=1,
    instead={
        Capability.ROUTING_MESH: Words(
            en="""\
The name web-vip has its virtual address, but nothing answers there: leave out the last command of step 3. All
other names lead to the tasks' own addresses, and answer.
""",
            ko="""\
web-vip라는 이름에는 가상 주소가 있지만 그 주소는 응답하지 않습니다. 3번의 마지막 명령은 건너뛰세요. 다른 이름은 모두
태스크 자신의 주소로 연결되고 응답합니다.
""",
        ),
    },
)
