"""Load balancing: one service, two workers, and every node answers (the document's part 2, section 7)."""

from __future__ import annotations

from labgen.core.i18n import Messages
from labgen.exercise.model import Exercise
from labgen.exercise.services import Publish, ServiceSpec
from labgen.model.capabilities import Capability

_ = Messages.beside(__file__)

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
    title=_("Load balancing"),
    section="2-7",
    order=30,
    summary=_("one published port that every node answers; requests spread over the replicas"),
    services=(SERVICE,),
    workers=1,
    instead={
        Capability.ROUTING_MESH: _("""\
The service is published and its tasks run, but port 8001 opens on no node: leave out steps 2 and 4. The
pages can still be seen from inside. On each worker, find the address of its container and ask there:

    docker network inspect docker_gwbridge
    curl CONTAINER-ADDRESS
"""),
    },
)
