"""Service discovery: names on an overlay network, for one virtual address or for each task's own (2-4)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from labgen.core.i18n import Messages
from labgen.docker.dns import IMAGE
from labgen.exercise import parameters
from labgen.exercise.model import Exercise
from labgen.exercise.services import ServiceSpec
from labgen.model.capabilities import Capability

_ = Messages.beside(__file__)


@dataclass(frozen=True)
class Parameters(parameters.Parameters):
    """What a lab may set.

    :param asker: name of a container on the network that is no task, from which names are asked.
    """

    network: parameters.Network = "course-net"
    virtual_name: parameters.Name = "web-vip"
    round_robin_name: parameters.Name = "web-dnsrr"
    asker: parameters.Container = "course-asker"
    image: parameters.Image = "nginx"
    replicas: parameters.Several = 2

    asker_image: ClassVar[str] = IMAGE
    constraint: ClassVar[str] = "node.role==worker"

    @property
    def virtual(self) -> ServiceSpec:
        """The service with a virtual IP."""
        return ServiceSpec(self.virtual_name, self.image, self.replicas, (self.constraint,), network=self.network)

    @property
    def round_robin(self) -> ServiceSpec:
        """The service with DNS round robin."""
        return self.virtual.but(name=self.round_robin_name, endpoint_mode="dnsrr")

    @property
    def tasks_name(self) -> str:
        """The name that means every task of the service with a virtual IP."""
        return f"tasks.{self.virtual_name}"

    @property
    def create_network(self) -> str:
        """The command that creates the network."""
        return f"docker network create --driver overlay --attachable {self.network}"

    @property
    def start_asker(self) -> str:
        """The command that starts the container from which names are asked."""
        return f"docker run --detach --name {self.asker} --network {self.network} {self.asker_image} sleep 1d"

    @property
    def ask(self) -> str:
        """How a command that asks from it begins."""
        return f"docker exec {self.asker}"

    @property
    def remove_asker(self) -> str:
        """The command that removes it."""
        return f"docker rm -f {self.asker}"

    @property
    def services(self) -> tuple[ServiceSpec, ...]:
        return (self.virtual, self.round_robin)

    @property
    def networks(self) -> tuple[str, ...]:
        return (self.network,)

    def mistakes(self) -> Iterator[str]:
        yield from self.alike("names", "virtual_name", "round_robin_name", "asker")


EXERCISE = Exercise(
    __name__,
    title=_("Service discovery"),
    section="2-4",
    order=140,
    acts=True,
    summary=_("names of services on an overlay network: virtual IP, `tasks.NAME`, round robin"),
    parameters=Parameters(),
    workers=1,
    instead={
        Capability.ROUTING_MESH: _("""\
The name {virtual_name} has its virtual address, but nothing answers there: leave out the last command of step 3. All
other names lead to the tasks' own addresses, and answer.
"""),
    },
)
