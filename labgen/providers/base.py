"""A provider: the facts of :class:`~labgen.model.provider.ProviderFacts`, and what it does.

Each provider is a folder with ``PROVIDER`` in it, and a line in :mod:`labgen.model.provider_names` (or an entry point).
Its nodes are created, started, stopped, destroyed and reached by its driver: Vagrant, or one of its own.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from labgen.core.i18n import NOTHING, Text
from labgen.model.capabilities import Lacks
from labgen.model.lab import Lab, Node
from labgen.model.provider import ProviderFacts

if TYPE_CHECKING:
    from labgen.core.process import Runner
    from labgen.host.computer import Host
    from labgen.host.daemon_status import DaemonStatus
    from labgen.host.findings import Finding
    from labgen.model.lab_folder import LabFolder
    from labgen.providers.daemon import Daemon
    from labgen.providers.leftovers import LabIdentity, Leftover

Check = Callable[[Lab, "Host"], "Iterable[Finding]"]
"""A check of the doctor."""


@dataclass(frozen=True)
class Checks:
    """What the doctor looks at for a provider.

    :param gate: an error where the provider is not there at all; nothing else is then looked at.
    :param rest: everything else.
    :param systems: where an automatic choice may fall on it.
    :param accelerated: whether nodes would run on the processor itself.
    :param lacks: what nodes would lack on this very computer, and why.
    :param daemon: how its daemon can be had; ``None`` where it has none.
    :param daemon_title: what that daemon is called when the lab starts its own.
    :param missing_packages: Debian packages to install so that the lab can come up.
    """

    gate: Callable[[Lab, Host], Finding | None]
    rest: tuple[Check, ...] = ()
    systems: tuple[str, ...] = ("Linux", "Darwin", "Windows")
    accelerated: Callable[[Host], bool] = lambda _host: True
    lacks: Callable[[Host], Lacks] = lambda _host: {}
    daemon: Callable[[Host], DaemonStatus] | None = None
    daemon_title: Text = NOTHING
    missing_packages: Callable[[Lab, Host], list[str]] = lambda _lab, _host: []


@dataclass(frozen=True)
class Machine:
    """A machine as its driver sees it.

    :param state: the driver's word: ``running``, ``not_created``, ``poweroff``, ``shutoff`` and others.
    """

    name: str
    state: str
    provider: str

    @property
    def running(self) -> bool:
        """It runs."""
        return self.state == "running"

    @property
    def exists(self) -> bool:
        """It has been created, whether it runs or not."""
        return self.state != "not_created"


class Driver(Protocol):
    """What creates, starts, stops and destroys the machines of a lab, and says how they are reached.

    It keeps the id of each machine in ``.vagrant/machines/NODE/PROVIDER/id`` of the lab folder, as Vagrant does, as
    long as the machine exists: that is how `labgen` knows of it. Methods take names of machines, all if there is none,
    hand each line of output to ``on_line``, and raise a :class:`~labgen.core.errors.MachineError` if they fail.
    """

    def up(self, provider: str, *, within: float, on_line: Callable[[str], None], machines: int = 1) -> None:
        """Create machines that do not exist and start those that do not run; ``within`` seconds for each."""

    def halt(self, names: Iterable[str] = (), *, on_line: Callable[[str], None], force: bool = False) -> None:
        """Stop machines; with ``force``, by cutting their power."""

    def reload(self, name: str, *, within: float, on_line: Callable[[str], None]) -> None:
        """Restart a machine with its present settings."""

    def destroy(self, names: Iterable[str] = (), *, on_line: Callable[[str], None], parallel: bool = False) -> None:
        """Destroy machines with their disks and networks."""

    def status(self) -> Mapping[str, Machine]:
        """Give the state of every machine, by name."""

    def ssh_config(self) -> str:
        """Say how every machine that runs is reached, as OpenSSH configuration."""


class SnapshotDriver(Driver, Protocol):
    """The driver of a provider that ``has_snapshots``."""

    def save_snapshot(self, name: str, *, on_line: Callable[[str], None]) -> None:
        """Keep the state of every machine under a name."""

    def restore_snapshot(self, name: str, machine: str, *, on_line: Callable[[str], None]) -> None:
        """Put a machine back to a state that was kept."""

    def delete_snapshot(self, name: str, *, on_line: Callable[[str], None]) -> None:
        """Forget a state that was kept."""

    def snapshots(self) -> Mapping[str, tuple[str, ...]]:
        """Give the names of the states that are kept, by machine."""


@dataclass(frozen=True)
class Provider(ProviderFacts):
    """A provider of nodes; a subclass overrides the methods in which it differs."""

    @property
    def folder(self) -> Path:
        """Folder of its package, with its part of the Vagrantfile in ``template.rb.j2``."""
        return Path(str(sys.modules[type(self).__module__].__file__)).parent

    @property
    def in_vagrantfile(self) -> bool:
        """Whether the provider has a part in the Vagrantfile."""
        return (self.folder / "template.rb.j2").is_file()

    def checks(self) -> Checks:
        """Give what the doctor looks at."""
        raise NotImplementedError

    def driver(self, folder: LabFolder, lab: Lab, runner: Runner, image: Callable[[], str]) -> Driver:
        """Give what creates, starts, stops, destroys and reaches the machines of a lab; if ``uses_vagrant`` is false.

        :param lab: the machines, whether they exist or not.
        :param runner: starts programs where they see the lab's network.
        :param image: gives the name of the node image, for providers whose nodes start ``from_image``.
        """
        raise NotImplementedError

    def runner(self, folder: LabFolder, runner: Runner) -> Runner:
        """Give a runner whose programs speak to what the machines of a lab folder are on.

        :param runner: starts programs on this computer.
        """
        del folder
        return runner

    def other_computer(self, folder: LabFolder) -> str:
        """Name the computer on which a lab's nodes and their forwarded ports are, as `ssh` takes it; empty for this."""
        del folder
        return ""

    def own_daemon(self, folder: LabFolder, runner: Runner, namespace: str | None = None) -> Daemon | None:
        """Give the daemon that the lab can start for itself, running or not; ``None`` where there is no such thing.

        :param namespace: the network namespace that was written down for it; a new daemon's where ``None``.
        """
        del folder, runner, namespace
        return None

    def networks(self, vagrant_data: Path) -> frozenset[str]:
        """Give the networks that are written down as made for the lab.

        :param vagrant_data: the lab folder's ``.vagrant``.
        """
        del vagrant_data
        return frozenset()

    def leftovers(self, runner: Runner, traces: LabIdentity) -> Iterator[Leftover]:
        """Ask for everything that is still there of a lab.

        :raises LabgenError: the provider does not answer.
        """
        del runner, traces
        return iter(())

    def resize(self, runner: Runner, identity: str, node: Node) -> None:
        """Give a machine that runs the memory and the processors of ``node``; for providers that ``resizes``.

        :param identity: the machine's id.
        :raises ProgramFailed: it is refused.
        """
        raise NotImplementedError
