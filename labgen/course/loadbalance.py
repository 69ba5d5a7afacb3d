"""Load balancing: one service, two workers, and every node answers (the document's part 2, section 7)."""

from __future__ import annotations

from labgen.capabilities import Capability
from labgen.course import Exercise, ServiceSpec, Words

PAGE_PATH = "/usr/share/nginx/html/index.html"
"""Where nginx keeps the page it serves."""

SERVICE = ServiceSpec(
    name="web-alb",
    image="nginx",
    replicas=2,
    constraint="node.role==worker",
    publish=(8001, 80),
)


def page(number: int) -> str:
    """The page of worker ``number``, counted from 1, as the document writes it."""
    return f"<h1>Hi Docker Swarm {number}</h1>"


EXERCISE = Exercise(
    name="loadbalance",
    title=Words("Load balancing", "로드 밸런싱"),
    section="2-7",
    services=(SERVICE,),
    brief=Words(
        en="""\
A published port opens on **every** node of the swarm. Whichever node a request reaches, the routing
mesh hands it to one of the service's containers, each in turn.

1. On the manager, create the service and see where its two tasks run:

       docker service create --name web-alb --constraint node.role==worker \\
         --replicas 2 --publish 8001:80 nginx
       docker service ps web-alb

2. On every node, see port 8001 open, also on the manager, where no container runs:

       sudo netstat -nlp | grep 8001

3. On each worker, give its container a page of its own (1 on the first worker, 2 on the second):

       echo '<h1>Hi Docker Swarm 1</h1>' > index.html
       docker ps
       docker cp index.html CONTAINER:/usr/share/nginx/html/index.html

4. On the manager, ask several times, at any node's address:

       curl 10.0.2.101:8001

Both pages come, whichever node you ask. Ask with new connections: a browser keeps its connection
open, and one connection always leads to the same container.
""",
        ko="""\
공개한(published) 포트는 스웜의 **모든** 노드에서 열립니다. 어느 노드로 요청을 보내도 라우팅 메시가
서비스의 컨테이너 중 하나로 차례대로 전달합니다.

1. 매니저에서 서비스를 만들고 태스크 두 개가 어디에서 실행되는지 봅니다:

       docker service create --name web-alb --constraint node.role==worker \\
         --replicas 2 --publish 8001:80 nginx
       docker service ps web-alb

2. 모든 노드에서 8001 포트가 열렸는지 봅니다. 컨테이너가 없는 매니저에서도 열려 있습니다:

       sudo netstat -nlp | grep 8001

3. 각 워커에서 컨테이너에 서로 다른 페이지를 넣습니다 (첫째 워커는 1, 둘째 워커는 2):

       echo '<h1>Hi Docker Swarm 1</h1>' > index.html
       docker ps
       docker cp index.html 컨테이너이름:/usr/share/nginx/html/index.html

4. 매니저에서 아무 노드의 주소로 여러 번 요청합니다:

       curl 10.0.2.101:8001

어느 노드에 물어도 두 페이지가 번갈아 나옵니다. 요청할 때마다 새 연결을 여세요. 브라우저는 연결을
유지하고, 한 연결은 언제나 같은 컨테이너로 갑니다.
""",
    ),
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
