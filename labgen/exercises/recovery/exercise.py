"""Failure of a container: one is removed by force, and swarm puts another in its place (part 2, section 8)."""

from __future__ import annotations

from collections.abc import Iterator
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

    :param within: seconds in which a replacement runs, on an ordinary machine: swarm waits 5 s before it
        begins.
    :param losing: seconds for which some requests may be lost at a time, on an ordinary machine. Until every node has
        heard of it, the dead container keeps its turn in the routing mesh; were it left there until its replacement
        runs, more than the 5 s of the restart delay would pass. The new one is asked a moment before its server
        listens.
    """

    name: parameters.Name = "web-alb"
    image: parameters.Image = "nginx"
    replicas: parameters.Several = 3
    port: parameters.Port = 8001
    within: parameters.Seconds = 30.0
    losing: parameters.Seconds = 4.0

    target: ClassVar[int] = 80
    """Port of the container: nginx's."""

    @property
    def service(self) -> ServiceSpec:
        """The service of which a container is removed."""
        return ServiceSpec(self.name, self.image, self.replicas, publish=(self.publish,))

    @property
    def publish(self) -> Publish:
        """How it is published."""
        return Publish(self.port, self.target)

    def mistakes(self) -> Iterator[str]:
        yield from self.not_above("within", 5, "Swarm waits for 5 s before it replaces a task")

    @property
    def services(self) -> tuple[ServiceSpec, ...]:
        """The services the exercise makes."""
        return (self.service,)


EXERCISE = Exercise(
    __name__,
    title=_("Failure of a container"),
    section="2-8",
    order=70,
    acts=True,
    summary=_("a killed container, and the one that replaces it"),
    parameters=Parameters(),
    instead={
        Capability.ROUTING_MESH: _("""\
The service is published and recovers, but port {port} opens on no node: leave out the requests of step 2 (the
second terminal). Everything else can be seen as it is written.
"""),
    },
)
