"""Whether machines can run on the processor itself: its virtualization, and KVM."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from labgen.host.computer import Host

_KVM = Path("/dev/kvm")
FIRMWARE = (
    "Switch on Intel VT-x or AMD-V (SVM) in the firmware settings (BIOS/UEFI); "
    "inside a virtual machine, allow nested virtualization in the settings of the one outside."
)


@dataclass(frozen=True)
class Kvm:
    """Whether KVM can be used, and if not, why and what to do."""

    usable: bool
    reason: str = ""
    fix: str = ""


def flags(host: Host) -> bool:
    """Whether the processor offers virtualization (Linux, amd64)."""
    return re.search(r"^flags\s*:.*\b(vmx|svm)\b", host.read(Path("/proc/cpuinfo")) or "", re.MULTILINE) is not None


def kvm(host: Host) -> Kvm:
    """Whether KVM can be used; the Vagrantfile decides by the same two signs.

    /dev/kvm alone says nothing: it is there, too, where the processor offers no virtualization.
    """
    if host.system() != "Linux":
        return Kvm(False, "KVM is a part of Linux", "Use VirtualBox.")
    if host.machine() == "amd64" and not flags(host):
        return Kvm(False, "the processor offers no virtualization (neither vmx nor svm in /proc/cpuinfo)", FIRMWARE)
    opened = host.opens(_KVM)
    if opened == "absent":
        module = (
            "sudo modprobe kvm_intel || sudo modprobe kvm_amd" if host.machine() == "amd64" else "sudo modprobe kvm"
        )
        return Kvm(False, "/dev/kvm is not there", module)
    if opened == "denied":
        return Kvm(False, "this user may not open /dev/kvm", "sudo usermod -aG kvm $USER\nthen log out and in again.")
    return Kvm(True)
