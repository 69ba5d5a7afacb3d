"""Scaling: the service of the exercise on load balancing gets a third replica, and loses it (part 2, section 7)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from labgen.core.i18n import Messages
from labgen.exercise import parameters
from labgen.exercise.model import Exercise
from labgen.exercise.services import Publish, ServiceSpec
from labgen.exercises.loadbalance.exercise import Parameters as LoadBalancing
from labgen.model.capabilities import Capability

_ = Messages.beside(__file__)


@dataclass(frozen=True)
class Parameters(parameters.Parameters):
    """What a lab may set; the service is that of the exercise on load balancing.

    :param many: replicas that it is scaled up to.
    :param within: seconds in which a replica more runs, or one less, on an ordinary machine.
    :param losing: seconds for which some requests may be lost at a time, on an ordinary machine: a container without a
        health check gets requests from the moment in which it starts, and its server listens a moment later.
    """

    name: parameters.Name = LoadBalancing.name
    image: parameters.Image = LoadBalancing.image
    port: parameters.Port = LoadBalancing.port
    few: parameters.Several = LoadBalancing.replicas
    many: parameters.Several = 3
    within: parameters.Seconds = 30.0
    losing: parameters.Seconds = 4.0

    target: ClassVar[int] = LoadBalancing.target
    constraint: ClassVar[str] = LoadBalancing.constraint
    page_path: ClassVar[str] = LoadBalancing.page_path

    most_more: ClassVar[int] = 3
    """By how many replicas the check scales at most, as the nonce chooses; without one by 1."""

    @property
    def service(self) -> ServiceSpec:
        """The service, as load balancing makes it."""
        return ServiceSpec(self.name, self.image, self.few, (self.constraint,), (self.publish,))

    @property
    def scaled(self) -> ServiceSpec:
        """The service, scaled up."""
        return self.service.but(replicas=self.many)

    @property
    def publish(self) -> Publish:
        """How it is published."""
        return Publish(self.port, self.target)

    @property
    def up(self) -> str:
        """The document's command."""
        return f"docker service scale {self.name}={self.many}"

    @property
    def down(self) -> str:
        """The command that scales it back."""
        return f"docker service scale {self.name}={self.few}"

    @property
    def services(self) -> tuple[ServiceSpec, ...]:
        return (self.service,)

    @property
    def later(self) -> tuple[ServiceSpec, ...]:
        return (self.scaled,)

    def mistakes(self) -> Iterator[str]:
        if self.many <= self.few:
            yield f"many must be more than few; they are {self.many} and {self.few}"


EXERCISE = Exercise(
    __name__,
    title=_("Scaling"),
    section="2-7",
    order=40,
    acts=True,
    summary=_("more replicas, then fewer again, while requests go on"),
    parameters=Parameters(),
    workers=1,
    instead={
        Capability.ROUTING_MESH: _("""\
The service scales, but port {port} opens on no node: leave out the requests of step 2. Everything else can be seen as
it is written.
"""),
    },
)
