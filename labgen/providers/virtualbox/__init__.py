"""VirtualBox: virtual machines on Linux, macOS and Windows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from labgen.model.lab import Box, CloudImageSource
from labgen.model.provider import Package
from labgen.providers.base import Checks, Provider

if TYPE_CHECKING:
    from labgen.core.process import Runner
    from labgen.providers.leftovers import LabIdentity, Leftover

_NETWORK_FILE = "labgen-nat-network-"
"""How files begin in which the Vagrantfile notes NAT networks that it has made (template.rb.j2)."""


@dataclass(frozen=True)
class VirtualBox(Provider):
    """Virtual machines of VirtualBox as nodes."""

    def checks(self) -> Checks:
        """Give what the doctor looks at."""
        from labgen.providers.virtualbox.doctor import checks

        return checks(self)

    def networks(self, vagrant_data: Path) -> frozenset[str]:
        """Give the names of the lab's NAT networks."""
        return frozenset(path.name.removeprefix(_NETWORK_FILE) for path in vagrant_data.glob(f"{_NETWORK_FILE}*"))

    def leftovers(self, runner: Runner, traces: LabIdentity) -> Iterator[Leftover]:
        """Ask VBoxManage for machines and NAT networks of the lab."""
        from labgen.providers.virtualbox.leftovers import leftovers

        return leftovers(runner, traces)


PROVIDER = VirtualBox(
    name="virtualbox",
    title="VirtualBox",
    # Made on this computer: Vagrant's registry of boxes closes at the end of 2026.
    box=Box.of_image(CloudImageSource("debian-13")),
    forwards_ports=True,
    has_snapshots=True,
    # It runs on top of Hyper-V there, which Windows 11 has on as it is delivered.
    slower_on={"Windows": 3.0},
    disk_format="vmdk",
    packages=(Package("vagrant", "vagrant"), Package("openssh-client", "ssh")),
    # VirtualBox itself is in none of Debian's stable releases.
    installable=False,
)
