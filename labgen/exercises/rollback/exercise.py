"""Failed updates: paused and mended, gone on with and rolled back by hand, rolled back by the swarm (2-4, 2-8)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from labgen.core.i18n import Messages
from labgen.docker.swarm import Update
from labgen.exercise import parameters
from labgen.exercise.model import Exercise
from labgen.exercise.services import ServiceSpec, repository
from labgen.exercises.update.exercise import Parameters as RollingUpdate

_ = Messages.beside(__file__)


@dataclass(frozen=True)
class Parameters(parameters.Parameters):
    """What a lab may set.

    :param queue_name: name of the service whose update is paused.
    :param store_name: name of the service whose update goes on, and is rolled back.
    :param old: image that both are made from.
    :param new: image that an update goes well with.
    :param bad: image that cannot start: there is no redis-server in it.
    :param monitor: seconds after each task in which its end counts as the update's failure. A container that does not
        start fails at once, so it may be short.
    :param by_hand: seconds that a person takes at least, from seeing a failure to a command's effect.
    """

    queue_name: parameters.Name = "my-queue"
    store_name: parameters.Name = "my-store"
    replicas: parameters.Several = 3
    old: parameters.Image = RollingUpdate.old
    new: parameters.Image = RollingUpdate.new
    bad: parameters.Image = "alpine:3"
    monitor: parameters.Seconds = 1.0
    by_hand: parameters.Seconds = 2.0

    command: ClassVar[str] = "redis-server --appendonly yes"

    @property
    def queue(self) -> ServiceSpec:
        """The service whose update is paused."""
        update = Update(monitor=self.monitor)
        return ServiceSpec(self.queue_name, self.old, self.replicas, command=self.command, update=update)

    @property
    def mended(self) -> ServiceSpec:
        """The same, with a good image."""
        return self.queue.but(image=self.new)

    @property
    def store(self) -> ServiceSpec:
        """The service whose update goes on, and is rolled back."""
        return self.queue.but(
            name=self.store_name,
            update=Update(monitor=self.monitor, failure_action="continue"),
            options=(f"--rollback-monitor {self.monitor:g}s",),
        )

    @property
    def safe(self) -> ServiceSpec:
        """The same, which the swarm rolls back by itself."""
        return self.store.but(update=Update(monitor=self.monitor, failure_action="rollback"))

    @property
    def broken(self) -> tuple[ServiceSpec, ...]:
        """The services as an update leaves them that has failed and was not yet mended."""
        return tuple(spec.but(image=self.bad) for spec in (self.queue, self.store, self.safe))

    @property
    def break_queue(self) -> str:
        return f"docker service update --image {self.bad} {self.queue_name}"

    @property
    def mend_queue(self) -> str:
        return f"docker service update --image {self.new} {self.queue_name}"

    @property
    def break_store(self) -> str:
        return f"docker service update --detach --image {self.bad} {self.store_name}"

    @property
    def rollback(self) -> str:
        return f"docker service rollback {self.store_name}"

    @property
    def make_safe(self) -> str:
        return f"docker service update --detach --update-failure-action rollback {self.store_name}"

    @property
    def break_safe(self) -> str:
        return f"docker service update --image {self.bad} {self.store_name}"

    @property
    def services(self) -> tuple[ServiceSpec, ...]:
        return (self.queue, self.store)

    @property
    def later(self) -> tuple[ServiceSpec, ...]:
        return (self.mended, self.safe, *self.broken)

    def mistakes(self) -> Iterator[str]:
        yield from self.alike("names", "queue_name", "store_name")
        yield from self.two_versions("old", "new")
        if repository(self.bad) == repository(self.old):
            yield (
                f"bad must be no version of the image of old, {repository(self.old)}, as an update to it must fail; "
                f"it is {self.bad}"
            )


EXERCISE = Exercise(
    __name__,
    title=_("Failed updates and rollback"),
    section="2-4, 2-8",
    order=110,
    summary=_("an update that fails: pause, continue, rollback; and rolling back by hand"),
    parameters=Parameters(),
)
