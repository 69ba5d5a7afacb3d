"""Whether machines run on the processor itself, or have to be emulated."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from labgen.host.computer import Host
from labgen.host.findings import Finding, Level
from labgen.model.lab import Lab

_KVM = Path("/dev/kvm")
_FIRMWARE = (
    "Switch on Intel VT-x or AMD-V (SVM) in the firmware settings (BIOS/UEFI); "
    "inside a virtual machine, allow nested virtualization in the settings of the one outside."
)
_ASK_WINDOWS = (
    "powershell",
    "-NoProfile",
    "-NonInteractive",
    "-Command",
    "(Get-CimInstance Win32_ComputerSystem).HypervisorPresent; "
    "(Get-CimInstance Win32_Processor | Select-Object -First 1).VirtualizationFirmwareEnabled",
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
        return Kvm(False, "the processor offers no virtualization (neither vmx nor svm in /proc/cpuinfo)", _FIRMWARE)
    opened = host.opens(_KVM)
    if opened == "absent":
        module = (
            "sudo modprobe kvm_intel || sudo modprobe kvm_amd" if host.machine() == "amd64" else "sudo modprobe kvm"
        )
        return Kvm(False, "/dev/kvm is not there", module)
    if opened == "denied":
        return Kvm(False, "this user may not open /dev/kvm", "sudo usermod -aG kvm $USER\nthen log out and in again.")
    return Kvm(True)


def libvirt(lab: Lab, host: Host) -> Iterator[Finding]:
    """KVM, without which QEMU emulates."""
    del lab
    found = kvm(host)
    if found.usable:
        yield Finding("libvirt.kvm", "ok", "virtualization", "KVM can be used.", provider="libvirt")
    else:
        yield Finding(
            "libvirt.kvm",
            "warning",
            "virtualization",
            f"{found.reason}: QEMU emulates the processor, which works but is ten times slower or more.",
            found.fix,
            "libvirt",
        )


def virtualbox(lab: Lab, host: Host) -> Iterator[Finding]:
    """The processor's virtualization, which VirtualBox cannot do without."""
    del lab
    if host.system() == "Linux":
        yield from _linux(host)
    elif host.system() == "Windows":
        yield from _windows(host)
    elif host.system() == "Darwin":
        yield from _macos(host)


def _linux(host: Host) -> Iterator[Finding]:
    if host.machine() != "amd64" or flags(host):
        yield _finding("ok", "the processor offers it.")
        return
    yield _finding(
        "error",
        "the processor offers none (neither vmx nor svm in /proc/cpuinfo), and VirtualBox does not emulate.",
        f"{_FIRMWARE} Or use libvirt (provider: libvirt), which can emulate.",
    )


def _windows(host: Host) -> Iterator[Finding]:
    said = host.run(*_ASK_WINDOWS, timeout=15).out.split()
    if len(said) != 2 or not set(said) <= {"True", "False"}:
        yield _finding(
            "warning",
            "Windows does not say whether virtualization is on.",
            "See Task Manager > Performance > CPU: 'Virtualization' must be 'Enabled'.",
        )
        return
    hypervisor, firmware = (word == "True" for word in said)
    if hypervisor:
        # With a hypervisor in place Windows reports the firmware's setting as off whatever it is.
        yield _finding(
            "warning",
            "Hyper-V is on (WSL 2, Docker Desktop, Sandbox and core isolation switch it on): "
            "VirtualBox runs on top of it, slowly, and now and then not at all.",
            "If machines are slow or do not boot: take Docker Desktop, where it is installed (labgen up --provider "
            "docker). Or in a terminal as administrator `bcdedit /set "
            "hypervisorlaunchtype off`, and switch off Settings > Privacy & security > Windows Security > "
            "Device security > Core isolation > Memory integrity; then restart.\n"
            "Back again: bcdedit /set hypervisorlaunchtype auto",
        )
    elif firmware:
        yield _finding("ok", "the processor offers it.")
    else:
        yield _finding("error", "it is switched off in the firmware.", _FIRMWARE)


def _macos(host: Host) -> Iterator[Finding]:
    if host.run("sysctl", "-n", "kern.hv_support").out.strip() == "0":
        yield _finding(
            "error",
            "this Mac's processor offers none.",
            "Use another computer; inside a virtual machine, allow nested virtualization.",
        )
    else:
        yield _finding("ok", "the processor offers it.")


def _finding(level: Level, message: str, fix: str = "") -> Finding:
    return Finding("virtualbox.virtualization", level, "virtualization", message, fix, "virtualbox")
