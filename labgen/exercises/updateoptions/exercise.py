"""Update options: two at a time with a pause between, then start-first, each seen in the tasks' own times (2-8)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from labgen.core.i18n import Messages
from labgen.docker.swarm import Update
from labgen.exercise import parameters
from labgen.exercise.model import Exercise
from labgen.exercise.services import ServiceSpec
from labgen.exercises.update.exercise import Parameters as RollingUpdate

_ = Messages.beside(__file__)


@dataclass(frozen=True)
class Parameters(parameters.Parameters):
    """What a lab may set.

    :param old: image that the service is made from.
    :param new: image that it is updated to.
    :param monitor: seconds after each task in which its end counts as the update's failure: short, to wait less.
    :param parallelism: replicas that the first update changes at a time.
    :param delay: seconds that it waits in between.
    """

    name: parameters.Name = "my-cache"
    replicas: parameters.Several = 4
    old: parameters.Image = RollingUpdate.old
    new: parameters.Image = RollingUpdate.new
    monitor: parameters.Seconds = 2.0
    parallelism: parameters.Several = 2
    delay: parameters.Pause = 3.0

    slack: ClassVar[float] = 0.5
    """Seconds by which two nodes' clocks may differ unnoticed."""

    @property
    def service(self) -> ServiceSpec:
        """The service, before its updates."""
        return ServiceSpec(self.name, self.old, self.replicas, update=Update(monitor=self.monitor))

    @property
    def in_pairs(self) -> ServiceSpec:
        """The service after the update of several at a time."""
        update = Update(parallelism=self.parallelism, delay=self.delay, monitor=self.monitor)
        return self.service.but(image=self.new, update=update)

    @property
    def start_first(self) -> ServiceSpec:
        """The service after the update that starts first."""
        return self.in_pairs.but(update=Update(order="start-first", monitor=self.monitor))

    @property
    def update_in_pairs(self) -> str:
        """The command of the first update."""
        return (
            f"docker service update --update-parallelism {self.parallelism} --update-delay {self.delay:g}s "
            f"--image {self.new} {self.name}"
        )

    @property
    def update_start_first(self) -> str:
        """The command of the second update."""
        return (
            "docker service update --update-parallelism 1 --update-delay 0s --update-order start-first "
            f"--force {self.name}"
        )

    @property
    def services(self) -> tuple[ServiceSpec, ...]:
        return (self.service,)

    @property
    def later(self) -> tuple[ServiceSpec, ...]:
        return (self.in_pairs, self.start_first)

    def mistakes(self) -> Iterator[str]:
        yield from self.two_versions("old", "new")
        if self.replicas <= self.parallelism:
            yield f"replicas must be more than parallelism; they are {self.replicas} and {self.parallelism}"


EXERCISE = Exercise(
    __name__,
    title=_("Update options"),
    section="2-8",
    order=100,
    summary=_("parallelism, delay and order, as the start and stop times of the tasks show them"),
    parameters=Parameters(),
)
