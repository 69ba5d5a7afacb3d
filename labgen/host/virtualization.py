"""Whether machines can run on the processor itself: its virtualization, and KVM."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from labgen.core.i18n import NOTHING, Text, _, untranslated
from labgen.host.computer import Host

_KVM = Path("/dev/kvm")
FIRMWARE = _(
    "Switch on Intel VT-x or AMD-V (SVM) in the firmware settings (BIOS/UEFI). "
    "If this computer is a virtual machine, allow nested virtualization in its settings."
)


@dataclass(frozen=True)
class Kvm:
    """Whether KVM can be used, and if not, why and what to do."""

    usable: bool
    reason: Text = NOTHING
    fix: Text = NOTHING


def flags(host: Host) -> bool:
    """Tell whether the processor offers virtualization (Linux, amd64)."""
    return re.search(r"^flags\s*:.*\b(vmx|svm)\b", host.read(Path("/proc/cpuinfo")) or "", re.MULTILINE) is not None


def kvm(host: Host) -> Kvm:
    """Tell whether KVM can be used; the Vagrantfile decides by the same two signs.

    /dev/kvm alone says nothing: it is there, too, where the processor offers no virtualization.
    """
    if host.system() != "Linux":
        return Kvm(False, _("KVM is a part of Linux"), _("Use VirtualBox."))
    if host.machine() == "amd64" and not flags(host):
        return Kvm(False, _("the processor offers no virtualization (neither vmx nor svm in /proc/cpuinfo)"), FIRMWARE)
    opened = host.opens(_KVM)
    if opened == "absent":
        module = (
            "sudo modprobe kvm_intel || sudo modprobe kvm_amd" if host.machine() == "amd64" else "sudo modprobe kvm"
        )
        return Kvm(False, _("/dev/kvm does not exist"), untranslated(module))
    if opened == "denied":
        return Kvm(
            False, _("this user may not open /dev/kvm"), _("sudo usermod -aG kvm $USER\nthen log out and in again.")
        )
    return Kvm(True)
