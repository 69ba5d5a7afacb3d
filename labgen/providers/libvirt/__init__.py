"""libvirt: virtual machines of QEMU, with or without KVM."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from labgen.core.atomic_files import read
from labgen.model.lab import Box
from labgen.model.provider import BUILT_BOX, Package
from labgen.providers.base import Checks, Provider

if TYPE_CHECKING:
    from labgen.core.process import Runner
    from labgen.model.lab_folder import LabFolder
    from labgen.providers.daemon import Daemon
    from labgen.providers.leftovers import LabIdentity, Leftover


@dataclass(frozen=True)
class Libvirt(Provider):
    """Virtual machines of libvirt as nodes: QEMU, with KVM if there is one."""

    def checks(self) -> Checks:
        """Give what the doctor looks at."""
        from labgen.providers.libvirt.doctor import checks

        return checks(self)

    def own_daemon(self, folder: LabFolder, runner: Runner, namespace: str | None = None) -> Daemon:
        """Give the lab's own libvirtd, running or not."""
        from labgen.providers.libvirt.libvirtd import Libvirtd

        return Libvirtd(folder, runner, namespace)

    def networks(self, vagrant_data: Path) -> frozenset[str]:
        """Give the ids of networks that vagrant-libvirt has written down."""
        files = vagrant_data.glob("machines/*/libvirt/created_networks")
        return frozenset(identity for path in files for identity in (read(path) or "").split())

    def leftovers(self, runner: Runner, traces: LabIdentity) -> Iterator[Leftover]:
        """Ask virsh for domains and networks of the lab."""
        from labgen.providers.libvirt.leftovers import leftovers

        return leftovers(runner, traces)


PROVIDER = Libvirt(
    name="libvirt",
    title="libvirt (QEMU/KVM)",
    box=Box(BUILT_BOX),
    forwards_ports=False,
    has_snapshots=True,
    disk_format="qcow2",
    image_architectures=frozenset({"amd64", "arm64"}),
    packages=(
        Package("vagrant", "vagrant"),
        Package("vagrant-libvirt"),
        Package("libvirt-daemon-system"),
        Package("libvirt-clients", "virsh"),
        Package("qemu-system-x86", "qemu-system-x86_64", arch="amd64"),
        Package("qemu-system-arm", "qemu-system-aarch64", arch="arm64"),
        Package("qemu-efi-aarch64", arch="arm64"),
        Package("qemu-utils", "qemu-img"),
        Package("dnsmasq-base", "dnsmasq"),
        Package("iptables", "iptables"),
        Package("netcat-openbsd", "nc"),
        Package("openssh-client", "ssh"),
        Package("iproute2", "ip"),
        Package("util-linux", "nsenter"),
    ),
)
