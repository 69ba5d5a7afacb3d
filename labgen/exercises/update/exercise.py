"""Rolling update: a database goes from one version to the next, one task at a time (part 2, section 8)."""

from __future__ import annotations

import re
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

    :param old: image that the service is made from.
    :param new: image that it is updated to.
    """

    name: parameters.Name = "my-database"
    replicas: parameters.Several = 3
    old: parameters.Image = "redis:6.0-alpine"
    new: parameters.Image = "redis:6.2.5-alpine"

    @property
    def service(self) -> ServiceSpec:
        """The service, in its old version."""
        return ServiceSpec(self.name, self.old, self.replicas)

    @property
    def updated(self) -> ServiceSpec:
        """The service, in its new version."""
        return self.service.but(image=self.new)

    @property
    def version(self) -> tuple[int, ...]:
        """Major and minor version that a server of the new image has at least; empty where its tag names none."""
        found = re.search(r":(\d+)\.(\d+)", self.new)
        return (int(found[1]), int(found[2])) if found else ()

    @property
    def update(self) -> str:
        """The command of the document that updates it."""
        return f"docker service update --image {self.new} {self.name}"

    @property
    def services(self) -> tuple[ServiceSpec, ...]:
        return (self.service,)

    @property
    def later(self) -> tuple[ServiceSpec, ...]:
        return (self.updated,)

    def mistakes(self) -> Iterator[str]:
        yield from self.two_versions("old", "new")


EXERCISE = Exercise(
    __name__,
    title=_("Rolling update"),
    section="2-8",
    order=90,
    summary=_("a rolling update, one task at a time"),
    parameters=Parameters(),
)
