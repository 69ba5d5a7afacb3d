"""Failure of a node: its tasks move, it comes back empty, and who wants them spread again must say so (2-8)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from labgen.core.i18n import Messages
from labgen.docker.swarm import Update
from labgen.exercise import parameters
from labgen.exercise.model import Exercise
from labgen.exercise.services import ServiceSpec
from labgen.model.capabilities import Capability

_ = Messages.beside(__file__)


@dataclass(frozen=True)
class Parameters(parameters.Parameters):
    """What a lab may set.

    :param parallelism: replicas that an update changes at a time.
    :param monitor: seconds after each task in which its end counts as the update's failure: short, to wait less.
    :param down_within: seconds in which a node must be given up on an ordinary machine; 15 s by Swarm's rule.
    :param boot_within: seconds in which a machine must be back, with its engine, on an ordinary machine.
    """

    name: parameters.Name = "web-ha"
    image: parameters.Image = "nginx"
    replicas: parameters.Several = 4
    parallelism: parameters.Several = 2
    monitor: parameters.Seconds = 1.0
    down_within: parameters.Seconds = 60.0
    boot_within: parameters.Seconds = 180.0

    constraint: ClassVar[str] = "node.role==worker"
    stop: ClassVar[str] = "sudo systemctl stop docker docker.socket"
    start: ClassVar[str] = "sudo systemctl start docker"
    restart: ClassVar[str] = "sudo systemctl reboot --force --force"
    """Restarts a machine as if its power had failed for a moment: nothing is stopped, nothing written."""

    drain: ClassVar[str] = "docker node update --availability drain"
    """Before the name of a node: takes every task off it, and lets none come."""

    activate: ClassVar[str] = "docker node update --availability active"
    """Before the name of a node: lets tasks come to it again."""

    tries: ClassVar[int] = 4
    """How often tasks are spread again to have one on a worker, where there are more workers than replicas."""

    @property
    def service(self) -> ServiceSpec:
        """The service whose tasks move."""
        update = Update(parallelism=self.parallelism, monitor=self.monitor)
        return ServiceSpec(self.name, self.image, self.replicas, (self.constraint,), update=update)

    @property
    def force(self) -> str:
        """The command that spreads the tasks again."""
        return f"docker service update --force {self.name}"

    def mistakes(self) -> Iterator[str]:
        yield from self.not_above("down_within", 15, "Swarm gives a node up after 15 s")

    @property
    def services(self) -> tuple[ServiceSpec, ...]:
        return (self.service,)


EXERCISE = Exercise(
    __name__,
    title=_("Failure of a node"),
    section="2-8",
    order=80,
    restarts=True,
    summary=_("a worker lost and back; why no task moves back by itself; drain and activate"),
    parameters=Parameters(),
    workers=2,
    instead={
        Capability.OWN_MACHINE: _("""\
Leave out step 4. The engine that stops in step 2 shows the same: to the managers a silent engine and a silent
machine are one.
"""),
    },
)
