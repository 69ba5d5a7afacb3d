"""Load balancing: one service, two workers, and every node answers (the document's part 2, section 7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from labgen.core.i18n import Messages
from labgen.exercise import parameters
from labgen.exercise.model import Exercise
from labgen.exercise.services import Publish, ServiceSpec
from labgen.model.capabilities import Capability

_ = Messages.beside(__file__)


@dataclass(frozen=True)
class Parameters(parameters.Parameters):
    """What a lab may set.

    :param greeting: what every worker's page says, before the worker's number.
    """

    name: parameters.Name = "web-alb"
    image: parameters.Image = "nginx"
    replicas: parameters.Several = 2
    port: parameters.Port = 8001
    greeting: parameters.Text = "Hi Docker Swarm"

    target: ClassVar[int] = 80
    """Port of the container: nginx's."""

    constraint: ClassVar[str] = "node.role==worker"
    page_path: ClassVar[str] = "/usr/share/nginx/html/index.html"
    """Where nginx keeps the page it serves."""

    requests: ClassVar[int] = 6
    """Requests to each node's address that are shown; the routing mesh takes the containers in turn."""

    many_requests: ClassVar[int] = 60
    """Requests to each node's address by which the spread is measured."""

    @property
    def service(self) -> ServiceSpec:
        """The service that every node answers for."""
        return ServiceSpec(self.name, self.image, self.replicas, (self.constraint,), (self.publish,))

    @property
    def publish(self) -> Publish:
        """How it is published."""
        return Publish(self.port, self.target)

    @property
    def services(self) -> tuple[ServiceSpec, ...]:
        """The services the exercise makes."""
        return (self.service,)

    def page(self, number: int) -> str:
        """Compose the page of worker ``number``, counted from 1, as the document writes it."""
        return f"<h1>{self.greeting} {number}</h1>"


EXERCISE = Exercise(
    __name__,
    title=_("Load balancing"),
    section="2-7",
    order=30,
    summary=_("one published port that every node answers; requests spread over the replicas"),
    parameters=Parameters(),
    workers=1,
    instead={
        Capability.ROUTING_MESH: _("""\
The service is published and its tasks run, but port {port} opens on no node: leave out steps 2 and 4. The
pages can still be seen from inside. On each worker, find the address of its container and ask there:

    docker network inspect docker_gwbridge
    curl CONTAINER-ADDRESS
"""),
    },
)
