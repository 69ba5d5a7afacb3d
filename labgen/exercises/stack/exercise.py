"""Stack: a whole application in one file, for one host with compose and for the swarm (part 2, section 2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from labgen.core.i18n import Messages
from labgen.exercise import parameters
from labgen.exercise.model import Exercise
from labgen.exercise.services import Publish, ServiceSpec
from labgen.exercises.update.exercise import Parameters as RollingUpdate
from labgen.model.capabilities import Capability

_ = Messages.beside(__file__)


@dataclass(frozen=True)
class Parameters(parameters.Parameters):
    """What a lab may set.

    :param stack: name of the stack; the file on the manager, in the home of whoever logs in there, is called by it.
    :param project: name under which compose runs the same file: another than the stack's, so that the two are told
        apart.
    :param old: image of the cache at first.
    :param new: image that it is updated to.
    """

    stack: parameters.Name = "shop"
    project: parameters.Project = "onehost"
    port: parameters.Port = 8090
    web_image: parameters.Image = "nginx"
    web_replicas: parameters.Several = 2
    counter_image: parameters.Image = "alpine:3"
    old: parameters.Image = RollingUpdate.old
    new: parameters.Image = RollingUpdate.new

    target: ClassVar[int] = 80
    """Port of the page's container: nginx's."""

    loop: ClassVar[str] = "while true; do (echo INCR visits; echo QUIT) | nc cache 6379; sleep 1; done"
    """What the counter runs."""

    visits: ClassVar[str] = "redis-cli GET visits"
    """Asks the cache how often the counter has reached it."""

    @property
    def file(self) -> str:
        """Name of the file on the manager."""
        return f"{self.stack}.yml"

    @property
    def text(self) -> str:
        """What the file says at first."""
        return self.shipped("shop.yml")

    @property
    def changed(self) -> str:
        """What it says once the cache's image is changed."""
        return replace(self, old=self.new).text

    @property
    def network(self) -> str:
        """Name of the network that the stack makes."""
        return f"{self.stack}_default"

    @property
    def web(self) -> ServiceSpec:
        """The page."""
        return ServiceSpec(
            f"{self.stack}_web",
            self.web_image,
            self.web_replicas,
            publish=(self.publish,),
            network=self.network,
        )

    @property
    def publish(self) -> Publish:
        """How the page is published."""
        return Publish(self.port, self.target)

    @property
    def counter(self) -> ServiceSpec:
        """What reaches the cache by its name."""
        command = f'/bin/ash -c "{self.loop}"'
        return ServiceSpec(f"{self.stack}_counter", self.counter_image, network=self.network, command=command)

    @property
    def cache(self) -> ServiceSpec:
        """The cache, with its old image."""
        return ServiceSpec(f"{self.stack}_cache", self.old, network=self.network, endpoint_mode="dnsrr")

    @property
    def updated(self) -> ServiceSpec:
        """The cache, with its new image."""
        return self.cache.but(image=self.new)

    @property
    def names(self) -> list[str]:
        """Names of the services."""
        return [spec.name for spec in self.services]

    @property
    def deploy(self) -> str:
        """The command that deploys the file."""
        return f"docker stack deploy --compose-file {self.file} {self.stack}"

    @property
    def remove(self) -> str:
        """The command that removes the stack."""
        return f"docker stack rm {self.stack}"

    @property
    def change(self) -> str:
        """The command that changes the cache's image in the file."""
        return self._edit(self.old, self.new)

    @property
    def change_back(self) -> str:
        """The command that changes it back."""
        return self._edit(self.new, self.old)

    def _edit(self, before: str, after: str) -> str:
        # The whole line: another service's image may begin in the same way.
        separator = "," if "/" in before + after else "/"
        line, changed = f"image: {before}$", f"image: {after}"
        return f"sed -i 's{separator}{line}{separator}{changed}{separator}' {self.file}"

    @property
    def services(self) -> tuple[ServiceSpec, ...]:
        return (self.web, self.counter, self.cache)

    @property
    def later(self) -> tuple[ServiceSpec, ...]:
        return (self.updated,)

    @property
    def stacks(self) -> tuple[str, ...]:
        return (self.stack,)

    def mistakes(self) -> Iterator[str]:
        yield from self.two_versions("old", "new")
        yield from self.alike("names", "stack", "project")
        for version in ("old", "new"):
            for neighbour in ("web_image", "counter_image"):
                # The command that changes the cache's image in the file finds it by its name.
                yield from self.alike("images", version, neighbour)
        longest = max(map(len, self.names)) - len(self.stack)
        if len(self.stack) + longest > parameters.LONGEST_NAME:
            most = parameters.LONGEST_NAME - longest
            yield (
                f"stack must have at most {most} characters, as the names of its services begin with it; "
                f"it is {self.stack}"
            )


EXERCISE = Exercise(
    __name__,
    title=_("Stack"),
    section="2-2",
    order=150,
    summary=_("several services from one file: on the swarm, and with Compose on one host"),
    parameters=Parameters(),
    instead={
        Capability.ROUTING_MESH: _("""\
The stack is deployed and its tasks run, but port {port} opens on no node: leave out the curl of step 7. With
compose (step 2) the port does answer, on the one host. That services of the stack find each other is seen
in step 5, which needs no published port.
"""),
    },
)
