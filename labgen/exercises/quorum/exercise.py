"""Three managers: one that leads is lost, then a second, and both come back (beyond the document)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from labgen.core.i18n import Messages
from labgen.exercise import parameters
from labgen.exercise.model import Exercise
from labgen.exercise.services import Publish, ServiceSpec

_ = Messages.beside(__file__)


@dataclass(frozen=True)
class Parameters(parameters.Parameters):
    """What a lab may set.

    :param agree_within: seconds for the managers to agree on who leads, and to find each other again.
    """

    name: parameters.Name = "quorum-web"
    image: parameters.Image = "nginx"
    port: parameters.Port = 8089
    agree_within: parameters.Seconds = 60.0

    target: ClassVar[int] = 80
    """Port of the container: nginx's."""

    constraint: ClassVar[str] = "node.role==worker"
    stop: ClassVar[str] = "sudo systemctl stop docker.socket docker"
    """Its socket too: whoever asks there would start the engine again."""

    start: ClassVar[str] = "sudo systemctl start docker"
    list_nodes: ClassVar[str] = "docker node ls"
    no_leader: ClassVar[str] = "does not have a leader"
    """What a manager says that cannot reach the majority (swarmkit ``manager/state/raft``)."""

    force: ClassVar[str] = "docker swarm init --force-new-cluster --advertise-addr"

    @property
    def service(self) -> ServiceSpec:
        """A service on the workers only: what becomes of the managers is to be seen apart from it."""
        publish = Publish(self.port, self.target, "host")
        return ServiceSpec(self.name, self.image, replicas=None, constraints=(self.constraint,), publish=(publish,))

    @property
    def services(self) -> tuple[ServiceSpec, ...]:
        return (self.service,)


EXERCISE = Exercise(
    __name__,
    title=_("Three managers"),
    section="beyond the document",
    order=180,
    summary=_("the leader lost, the quorum lost, and both regained"),
    parameters=Parameters(),
    managers=3,
    workers=1,
)
