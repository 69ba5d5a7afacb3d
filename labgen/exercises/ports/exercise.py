"""Published ports: one that was chosen, one that the swarm chooses, and one on the nodes with a task only (2-4)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from labgen.core.i18n import Messages
from labgen.exercise import parameters
from labgen.exercise.model import Exercise
from labgen.exercise.services import Publish, ServiceSpec
from labgen.model.capabilities import Capability
from labgen.model.lab import MAX_NODES

_ = Messages.beside(__file__)


@dataclass(frozen=True)
class Parameters(parameters.Parameters):
    """What a lab may set.

    :param port: the port that the learner chooses.
    :param host_port: the port in host mode.
    """

    chosen_name: parameters.Name = "web-chosen"
    automatic_name: parameters.Name = "web-auto"
    host_name: parameters.Name = "web-host"
    image: parameters.Image = "nginx"
    port: parameters.Port = 8003
    host_port: parameters.Port = 8004
    host_replicas: parameters.Several = 2

    target: ClassVar[int] = 80
    """Port of the container: nginx's."""

    first_automatic: ClassVar[int] = 30000
    last_automatic: ClassVar[int] = 32767
    """Ports that a swarm chooses from (swarmkit ``portallocator``)."""

    @property
    def chosen(self) -> ServiceSpec:
        """The service whose port the learner chooses."""
        return ServiceSpec(self.chosen_name, self.image, publish=(Publish(self.port, self.target),))

    @property
    def automatic(self) -> ServiceSpec:
        """The service whose port the swarm chooses."""
        return ServiceSpec(self.automatic_name, self.image, publish=(Publish(0, self.target),))

    @property
    def host(self) -> ServiceSpec:
        """The service in host mode."""
        publish = Publish(self.host_port, self.target, "host")
        return ServiceSpec(self.host_name, self.image, self.host_replicas, publish=(publish,))

    def crowded(self, nodes: int) -> ServiceSpec:
        """Specify the service in host mode with one replica more than a lab has nodes."""
        return self.host.but(replicas=nodes + 1)

    def may_choose(self, port: int) -> bool:
        """Tell whether a port is one that a swarm chooses by itself."""
        return self.first_automatic <= port <= self.last_automatic

    @property
    def services(self) -> tuple[ServiceSpec, ...]:
        return (self.chosen, self.automatic, self.host)

    @property
    def later(self) -> tuple[ServiceSpec, ...]:
        # One of them, whichever lab it is.
        return tuple(self.crowded(nodes) for nodes in range(2, MAX_NODES + 1))

    def mistakes(self) -> Iterator[str]:
        yield from self.alike("names", "chosen_name", "automatic_name", "host_name")


EXERCISE = Exercise(
    __name__,
    title=_("Published ports"),
    section="2-4",
    order=130,
    summary=_("a port that you choose, a port that Swarm chooses, ingress and host mode"),
    parameters=Parameters(),
    workers=1,
    instead={
        Capability.ROUTING_MESH: _("""\
The ports of {chosen_name} and {automatic_name} open on no node: leave out the requests of steps 1 and 2.
Step 3 is as it is written: a port in host mode is the node's own, and needs no routing mesh.
"""),
    },
)
