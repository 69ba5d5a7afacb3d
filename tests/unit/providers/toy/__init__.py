"""A provider from elsewhere: its machines are lines in a file, and Vagrant has no part in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from labgen.core.i18n import untranslated
from labgen.core.process import Runner
from labgen.host.computer import Host
from labgen.host.findings import Finding
from labgen.model.capabilities import Capability
from labgen.model.lab import Box, Lab
from labgen.model.lab_folder import LabFolder
from labgen.providers.base import Checks, Driver, Machine, Provider
from labgen.providers.leftovers import LabIdentity, Leftover


class ToyDriver:
    """Machines of a lab folder: the names in its file ``toy-machines``."""

    def __init__(self, folder: LabFolder) -> None:
        self.folder = folder
        self.file = folder.path / "toy-machines"

    def _names(self) -> list[str]:
        return [node for node in ("swarm-manager", "swarm-worker1") if node in self.folder.lab_file.read_text()]

    def up(self, provider: str, *, within: float, on_line: Callable[[str], None], machines: int = 1) -> None:
        """Write each machine down, with its id where labgen looks for it."""
        assert provider == "toy"
        assert machines == len(self._names())
        self.file.write_text("\n".join(self._names()))
        for name in self._names():
            identity = self.folder.vagrant_data / "machines" / name / "toy" / "id"
            identity.parent.mkdir(parents=True, exist_ok=True)
            identity.write_text(f"toy-{name}")

    def halt(self, names: Iterable[str] = (), *, on_line: Callable[[str], None], force: bool = False) -> None:
        """Stop nothing: machines of a file do not run."""

    def reload(self, name: str, *, within: float, on_line: Callable[[str], None]) -> None:
        """Restart nothing."""

    def destroy(self, names: Iterable[str] = (), *, on_line: Callable[[str], None], parallel: bool = False) -> None:
        """Remove the file, and the ids."""
        self.file.unlink(missing_ok=True)
        for path in self.folder.vagrant_data.glob("machines/*/toy/id"):
            path.unlink()

    def status(self) -> Mapping[str, Machine]:
        """Give every machine: it runs as long as it is in the file."""
        running = self.file.read_text().split() if self.file.exists() else []
        return {name: Machine(name, "running" if name in running else "not_created", "toy") for name in self._names()}

    def ssh_config(self) -> str:
        """Say how each machine is reached."""
        return "\n".join(f"Host {name}\n  HostName 127.0.0.1\n  User toy\n  Port 2222" for name in self._names())


@dataclass(frozen=True)
class Toy(Provider):
    """See the module."""

    def checks(self) -> Checks:
        """Give one check, which is content."""
        return Checks(self._missing, (self._check_shelf,))

    def _missing(self, lab: Lab, host: Host) -> Finding | None:
        return None

    def _check_shelf(self, lab: Lab, host: Host) -> Iterator[Finding]:
        yield Finding(
            "toy.shelf",
            "ok",
            untranslated("shelf"),
            untranslated(f"{len(lab.nodes)} toys fit on it."),
            provider=self.name,
        )

    def driver(self, folder: LabFolder, lab: Lab, runner: Runner, image: Callable[[], str]) -> Driver:
        """Give its own driver: Vagrant is never asked."""
        return ToyDriver(folder)

    def networks(self, vagrant_data: Path) -> frozenset[str]:
        """Give the one network that every lab is in."""
        return frozenset({"shelf"})

    def leftovers(self, runner: Runner, traces: LabIdentity) -> Iterator[Leftover]:
        """Find the machines whose ids are known and that stand in a file ``toy-stuck``."""
        assert traces.networks == {"shelf"}
        for name, identity in traces.ids.items():
            if Path("toy-stuck").exists():
                yield Leftover("machine", name, (("toyctl", "remove", identity),), removable=False)


PROVIDER = Toy(
    name="toy",
    title="Toy (lines in a file)",
    box=Box("toy/box"),
    forwards_ports=False,
    lacks={Capability.ROUTING_MESH: "a toy has no network"},
    uses_vagrant=False,
)
