"""Health checks that gate an update: a version that runs but does not answer never replaces one that does."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from labgen.core.i18n import Messages
from labgen.docker.swarm import Update
from labgen.exercise import parameters
from labgen.exercise.model import Exercise
from labgen.exercise.services import Publish, ServiceSpec
from labgen.exercises.update.exercise import Parameters as RollingUpdate
from labgen.model.capabilities import Capability

_ = Messages.beside(__file__)


@dataclass(frozen=True)
class Parameters(parameters.Parameters):
    """What a lab may set.

    :param old: image that the session store is made from.
    :param new: image that it is updated to.
    :param wrong_port: port at which the server of the bad update listens: nobody finds it there.
    :param monitor: seconds for which each task is watched once it is healthy; its end counts as the update's failure
        until then.
    :param interval: seconds between two checks of a container. Each is a process more on its node: where machines are
        slow, six containers that are asked every second leave little for anything else.
    :param retries: checks that fail one after the other until a container is given up. On an emulated node beside a
        busy program a server may take the time of two until it answers.
    :param within: seconds in which all tasks of the page are replaced, on an ordinary machine, one after the other,
        each watched until it has answered.
    :param per_thousand: requests of a thousand that may be lost while tasks are replaced.
    """

    name: parameters.Name = "my-session"
    old: parameters.Image = RollingUpdate.old
    new: parameters.Image = RollingUpdate.new
    wrong_port: parameters.Port = 6380
    web_name: parameters.Name = "web-checked"
    web_image: parameters.Image = "nginx"
    port: parameters.Port = 8005
    replicas: parameters.Several = 3
    monitor: parameters.Seconds = 1.0
    interval: parameters.Seconds = 3.0
    retries: parameters.Count = 3
    within: parameters.Seconds = 90.0
    per_thousand: parameters.Count = 1

    right_port: ClassVar[int] = 6379
    """Port of the session store's container: redis's."""

    target: ClassVar[int] = 80
    """Port of the page's container: nginx's."""

    health_command: ClassVar[str] = "redis-cli ping"
    web_health_command: ClassVar[str] = "curl -fso /dev/null 127.0.0.1 || wget -qO /dev/null 127.0.0.1"
    """The official image has curl, others of nginx have wget."""

    asking: ClassVar[frozenset[str]] = frozenset(
        {"redis-cli", "curl", "wget", "nc", "telnet", "python", "python3", "perl", "bash"}
    )
    """Programs of which a health check that asks its server uses one; `true` and `false` ask nobody."""

    check_label: ClassVar[str] = "labgen.check"
    """Label that a check puts on the page's service while it replaces the tasks, where there is a nonce."""

    @property
    def update(self) -> Update:
        """How both services are updated."""
        return Update(order="start-first", failure_action="rollback", monitor=self.monitor)

    @property
    def options(self) -> tuple[str, ...]:
        """Further options of both; a way back is an update too, with an order of its own."""
        return (
            "--rollback-order start-first",
            f"--rollback-monitor {self.monitor:g}s",
            f"--health-interval {self.interval:g}s",
            f"--health-retries {self.retries}",
        )

    @property
    def service(self) -> ServiceSpec:
        """The session store, in its old version."""
        return ServiceSpec(
            self.name,
            self.old,
            self.replicas,
            update=self.update,
            health=self.health_command,
            options=self.options,
        )

    @property
    def updated(self) -> ServiceSpec:
        """The session store, in its new version."""
        return self.service.but(image=self.new)

    @property
    def broken(self) -> ServiceSpec:
        """The session store as the bad update leaves it where that is neither finished nor taken back."""
        return self.updated.but(command=self.wrong_command)

    @property
    def web(self) -> ServiceSpec:
        """The page."""
        return ServiceSpec(
            self.web_name,
            self.web_image,
            self.replicas,
            publish=(self.publish,),
            update=self.update,
            health=self.web_health_command,
            options=self.options,
        )

    @property
    def publish(self) -> Publish:
        """How the page is published."""
        return Publish(self.port, self.target)

    @property
    def wrong_command(self) -> str:
        """What the server is started with in the bad update."""
        return f"redis-server --port {self.wrong_port}"

    @property
    def update_wrong(self) -> str:
        """The new version, set up wrong: it runs, and nobody finds it where it is asked for."""
        return f'docker service update --image {self.new} --args "{self.wrong_command}" {self.name}'

    @property
    def update_right(self) -> str:
        """The new version as it should be."""
        return f"docker service update --image {self.new} {self.name}"

    @property
    def force(self) -> str:
        """The command that replaces every task of the page."""
        return f"docker service update --force {self.web_name}"

    @property
    def services(self) -> tuple[ServiceSpec, ...]:
        return (self.service, self.web)

    @property
    def later(self) -> tuple[ServiceSpec, ...]:
        return (self.updated, self.broken)

    def asks(self, test: Sequence[str]) -> bool:
        """Tell whether a health check, as the engine keeps it (``CMD-SHELL``, ``curl …``), asks a server anything."""
        words = re.findall(r"[\w./-]+", " ".join(test[1:]))
        return any(word.rpartition("/")[2] in self.asking for word in words)

    def mistakes(self) -> Iterator[str]:
        yield from self.two_versions("old", "new")
        yield from self.alike("names", "name", "web_name")
        if self.wrong_port == self.right_port:
            yield f"wrong_port must be another port than redis's own, {self.right_port}; it is {self.wrong_port}"
        seconds = self.replicas * (self.interval + self.monitor)
        yield from self.not_above("within", seconds, "the replicas are checked and watched one after the other")


EXERCISE = Exercise(
    __name__,
    title=_("Health checks that gate an update"),
    section="beyond the document",
    order=170,
    acts=True,
    summary=_("health checks that an update has to pass"),
    parameters=Parameters(),
    instead={
        Capability.ROUTING_MESH: _("""\
In step 5 leave out the requests: port {port} opens on no node. That no replica is ever missing can be seen from the
tasks alone.
"""),
    },
)
