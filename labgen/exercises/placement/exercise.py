"""Placement: what decides on which node a task runs, and what leaves it without one (part 2, section 4)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from labgen.core.i18n import Messages
from labgen.exercise import parameters
from labgen.exercise.model import Exercise
from labgen.exercise.services import ServiceSpec

_ = Messages.beside(__file__)


@dataclass(frozen=True)
class Parameters(parameters.Parameters):
    """What a lab may set.

    :param label: key of a label for a node; ``value`` is its value.
    :param replicas: of the services that are constrained.
    :param spread_replicas: of the one that is not.
    :param reserve: more memory than any node has.
    """

    off_managers_name: parameters.Name = "off-manager"
    labelled_name: parameters.Name = "on-ssd"
    spread_name: parameters.Name = "spread"
    too_big_name: parameters.Name = "too-big"
    image: parameters.Image = "nginx"
    label: parameters.Label = "disk"
    value: parameters.Label = "ssd"
    replicas: parameters.Several = 2
    spread_replicas: parameters.Several = 3
    reserve: parameters.TooMuchMemory = "1TB"

    @property
    def off_managers(self) -> ServiceSpec:
        """A service that runs on no manager."""
        return ServiceSpec(self.off_managers_name, self.image, self.replicas, ("node.role!=manager",))

    @property
    def labelled(self) -> ServiceSpec:
        """A service that runs only where the label is."""
        constraint = f"node.labels.{self.label}=={self.value}"
        return ServiceSpec(self.labelled_name, self.image, self.replicas, (constraint,))

    @property
    def spread(self) -> ServiceSpec:
        """A service that may run anywhere."""
        return ServiceSpec(self.spread_name, self.image, self.spread_replicas)

    @property
    def too_big(self) -> ServiceSpec:
        """A service that can run nowhere."""
        return ServiceSpec(self.too_big_name, self.image, reserve=self.reserve, options=("--detach",))

    @property
    def services(self) -> tuple[ServiceSpec, ...]:
        return (self.off_managers, self.labelled, self.spread, self.too_big)

    @property
    def labels(self) -> tuple[str, ...]:
        return (self.label,)

    def mistakes(self) -> Iterator[str]:
        yield from self.alike("names", "off_managers_name", "labelled_name", "spread_name", "too_big_name")


EXERCISE = Exercise(
    __name__,
    title=_("Placement"),
    section="2-4",
    order=120,
    summary=_("constraints, labels, spread, and a reservation that leaves a task pending"),
    parameters=Parameters(),
    workers=1,
)
