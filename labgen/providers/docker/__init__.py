"""Docker: containers as nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from labgen.core.i18n import _
from labgen.model.capabilities import Capability
from labgen.model.lab import Box, Lab, Node
from labgen.model.provider import NODE_IMAGE, Package
from labgen.providers.base import Checks, Driver, Provider

if TYPE_CHECKING:
    from labgen.core.process import Runner
    from labgen.model.lab_folder import LabFolder
    from labgen.providers.daemon import Daemon
    from labgen.providers.leftovers import LabIdentity, Leftover


@dataclass(frozen=True)
class Docker(Provider):
    """Containers of a Docker engine as nodes."""

    def checks(self) -> Checks:
        """Give what the doctor looks at."""
        from labgen.providers.docker.doctor import checks

        return checks(self)

    def driver(self, folder: LabFolder, lab: Lab, runner: Runner, image: Callable[[], str]) -> Driver:
        """Give what the `docker` command does with the lab's containers."""
        from labgen.providers.docker.driver import DockerDriver

        return DockerDriver(folder, lab, runner, image)

    def runner(self, folder: LabFolder, runner: Runner) -> Runner:
        """Give a runner whose `docker` speaks to the engine that the nodes are on, whatever context is in use now."""
        from labgen.providers.docker.endpoint import runner_for

        return runner_for(folder, runner)

    def other_computer(self, folder: LabFolder) -> str:
        """Name the computer that the engine of the lab is on."""
        from labgen.providers.docker import endpoint

        return endpoint.computer(endpoint.recorded(folder))

    def own_daemon(self, folder: LabFolder, runner: Runner, namespace: str | None = None) -> Daemon:
        """Give the lab's own Docker engine, running or not."""
        from labgen.providers.docker.dockerd import Dockerd

        return Dockerd(folder, runner, namespace)

    def leftovers(self, runner: Runner, traces: LabIdentity) -> Iterator[Leftover]:
        """Ask the engine for containers, networks and volumes of the lab."""
        from labgen.providers.docker.leftovers import leftovers

        return leftovers(runner, traces)

    def resize(self, runner: Runner, identity: str, node: Node) -> None:
        """Give a container that runs other limits."""
        memory = ("--memory", f"{node.memory}m", "--memory-swap", f"{2 * node.memory}m")
        runner.run(["docker", "update", *memory, "--cpus", str(node.cpus), identity]).or_raise()


PROVIDER = Docker(
    name="docker",
    title="Docker (containers as nodes)",
    box=Box(NODE_IMAGE),
    forwards_ports=True,
    lacks={
        Capability.NETPLAN: _("the engine outside gives a container its addresses").msgid,
        Capability.OWN_MACHINE: _("a node is a container, and one that has ended is not started again by itself").msgid,
    },
    shares_kernel=True,
    removes_in_parallel=True,
    resizes=True,
    from_image=True,
    marks=True,
    uses_vagrant=False,
    packages=(
        Package("openssh-client", "ssh"),
        # As long as no engine answers: it may be Docker's own, or Docker Desktop's.
        Package("docker.io", "dockerd", "no daemon"),
        Package("docker-cli", "docker", "no daemon"),
        Package("dnsmasq-base", "dnsmasq", "own daemon"),
        Package("iptables", "iptables", "own daemon"),
        Package("netcat-openbsd", "nc", "own daemon"),
        Package("iproute2", "ip", "own daemon"),
        Package("util-linux", "nsenter", "own daemon"),
    ),
)
