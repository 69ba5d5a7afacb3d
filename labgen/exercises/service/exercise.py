"""A service made, looked at, listened to and removed: the exercise ``service`` (the document's part 2, section 6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from labgen.core.i18n import Messages
from labgen.exercise import parameters
from labgen.exercise.model import Exercise
from labgen.exercise.services import ServiceSpec

_ = Messages.beside(__file__)


@dataclass(frozen=True)
class Parameters(parameters.Parameters):
    """What a lab may set.

    :param line: what its tasks say, again and again.
    :param pause: seconds from one line to the next.
    :param tasks: how many it is scaled to, so that a log over several can be seen.
    """

    name: parameters.Name = "swarm-start"
    image: parameters.Image = "alpine:3"
    line: parameters.Text = "Docker Swarm Mode Start"
    pause: parameters.Count = 3
    tasks: parameters.Several = 3

    shells: ClassVar[frozenset[str]] = frozenset({"/bin/ash", "ash", "/bin/sh", "sh"})
    """Names of alpine's one shell."""

    @property
    def service(self) -> ServiceSpec:
        """The service, with one task."""
        return ServiceSpec(self.name, self.image, command=f'/bin/ash -c "{self.loop}"')

    @property
    def loop(self) -> str:
        """What its container runs."""
        return f"while true; do echo '{self.line}'; sleep {self.pause}; done"

    @property
    def scaled(self) -> ServiceSpec:
        """The service with several tasks."""
        return self.service.but(replicas=self.tasks)

    @property
    def arguments(self) -> str:
        """The command in quotes, as ``docker service update --args`` takes it."""
        return self.service.command.replace('"', '\\"')

    @property
    def followed(self) -> int:
        """Seconds for which the logs are followed: long enough for two lines of each task."""
        return self.pause + 1

    @property
    def services(self) -> tuple[ServiceSpec, ...]:
        return (self.service,)

    @property
    def later(self) -> tuple[ServiceSpec, ...]:
        return (self.scaled,)


EXERCISE = Exercise(
    __name__,
    title=_("A service"),
    section="2-6",
    order=20,
    summary=_("create, list, inspect and remove a service; follow its logs"),
    parameters=Parameters(),
)
