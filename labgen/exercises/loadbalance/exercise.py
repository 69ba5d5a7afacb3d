"""Load balancing: one service, two workers, and every node answers (the document's part 2, section 7)."""

from __future__ import annotations

from labgen.core.words import Words
from labgen.exercise.model import Exercise
from labgen.exercise.services import Publish, ServiceSpec
from labgen.model.capabilities import Capability

PAGE_PATH = "/usr/share/nginx/html/index.html"
"""Where nginx keeps the page it serves."""

SERVICE = ServiceSpec(
    name="web-alb",
    image="nginx",
    replicas=2,
    constraints=("node.role==worker",),
    publish=(Publish(8001, 80),),
)


def page(number: int) -> str:
    """Compose the page of worker ``number``, counted from 1, as the document writes it."""
    return f"<h1>Hi Docker Swarm {number}</h1>"


EXERCISE = Exercise(
    __name__,
    title=Words("Load balancing", "로드 밸런싱"),
    section="2-7",
    order=30,
    summary=Words(
        "one published port that every node answers; requests spread over the replicas",
        "모든 노드가 응답하는 게시 포트 하나, 복제본들에 나뉘는 요청",
    ),
    services=(SERVICE,),
    workers=1,
    instead={
        Capability.ROUTING_MESH: Words(
            en="""\
The service is published and its tasks run, but port 8001 opens on no node: leave out steps 2 and 4. The
pages can still be seen from inside. On each worker, find the address of its container and ask there:

    docker network inspect docker_gwbridge
    curl CONTAINER-ADDRESS
""",
            ko="""\
서비스는 공개되고 태스크도 실행되지만 8001 포트는 어느 노드에서도 열리지 않습니다. 2번과 4번은 건너뛰세요.
페이지는 노드 안에서 볼 수 있습니다. 각 워커에서 컨테이너의 주소를 찾아 그 주소로 요청합니다:

    docker network inspect docker_gwbridge
    curl 컨테이너주소
""",
        ),
    },
)
