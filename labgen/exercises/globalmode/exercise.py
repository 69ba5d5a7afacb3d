"""Global mode: one task on every node, also on one that joins later (the document's part 2, section 7)."""

from __future__ import annotations

from dataclasses import dataclass

from labgen.core.i18n import Messages
from labgen.exercise import parameters
from labgen.exercise.model import Exercise
from labgen.exercise.services import ServiceSpec

_ = Messages.beside(__file__)


@dataclass(frozen=True)
class Parameters(parameters.Parameters):
    """What a lab may set."""

    name: parameters.Name = "global_nginx"
    image: parameters.Image = "nginx"

    @property
    def service(self) -> ServiceSpec:
        """The service with a task on every node."""
        return ServiceSpec(self.name, self.image, replicas=None)

    @property
    def services(self) -> tuple[ServiceSpec, ...]:
        return (self.service,)


EXERCISE = Exercise(
    __name__,
    title=_("A service on every node"),
    section="2-7",
    order=50,
    summary=_("one task on every node, also on a node that joins later"),
    parameters=Parameters(),
    workers=1,
)
