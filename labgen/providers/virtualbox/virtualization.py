"""The processor's virtualization, which VirtualBox cannot do without."""

from __future__ import annotations

from collections.abc import Iterator

from labgen.core.i18n import NOTHING, Text, _
from labgen.host.computer import Host
from labgen.host.findings import Finding, Level
from labgen.host.virtualization import FIRMWARE, flags
from labgen.model.lab import Lab

_ASK_WINDOWS = (
    "powershell",
    "-NoProfile",
    "-NonInteractive",
    "-Command",
    "(Get-CimInstance Win32_ComputerSystem).HypervisorPresent; "
    "(Get-CimInstance Win32_Processor | Select-Object -First 1).VirtualizationFirmwareEnabled",
)


def check_virtualization(lab: Lab, host: Host) -> Iterator[Finding]:
    """Check that the processor offers virtualization."""
    del lab
    if host.system() == "Linux":
        yield from _linux(host)
    elif host.system() == "Windows":
        yield from _windows(host)
    elif host.system() == "Darwin":
        yield from _macos(host)


def _linux(host: Host) -> Iterator[Finding]:
    if host.machine() != "amd64" or flags(host):
        yield _finding("ok", _("the processor offers it."))
        return
    yield _finding(
        "error",
        _("the processor offers none (neither vmx nor svm in /proc/cpuinfo), and VirtualBox does not emulate."),
        _("%(firmware)s Or use libvirt (provider: libvirt), which can emulate.", firmware=FIRMWARE),
    )


def _windows(host: Host) -> Iterator[Finding]:
    words = host.run(*_ASK_WINDOWS, timeout=15).out.split()
    if len(words) != 2 or not set(words) <= {"True", "False"}:
        yield _finding(
            "warning",
            _("Windows does not say whether virtualization is on."),
            _("See Task Manager > Performance > CPU: 'Virtualization' must be 'Enabled'."),
        )
        return
    hypervisor, firmware = (word == "True" for word in words)
    if hypervisor:
        # With a hypervisor in place Windows reports the firmware's setting as off whatever it is.
        yield _finding(
            "warning",
            _(
                "Hyper-V is on (WSL 2, Docker Desktop, Sandbox and core isolation switch it on): "
                "VirtualBox runs on top of it, slowly, and now and then not at all."
            ),
            _(
                "If machines are slow or do not boot: take Docker Desktop, where it is installed "
                "(labgen up --provider docker). Or in a terminal as administrator `bcdedit /set "
                "hypervisorlaunchtype off`, and switch off Settings > Privacy & security > Windows "
                "Security > Device security > Core isolation > Memory integrity; then restart.\n"
                "Back again: bcdedit /set hypervisorlaunchtype auto"
            ),
        )
    elif firmware:
        yield _finding("ok", _("the processor offers it."))
    else:
        yield _finding("error", _("it is switched off in the firmware."), FIRMWARE)


def _macos(host: Host) -> Iterator[Finding]:
    if host.run("sysctl", "-n", "kern.hv_support").out.strip() == "0":
        yield _finding(
            "error",
            _("this Mac's processor offers none."),
            _("Use another computer; inside a virtual machine, allow nested virtualization."),
        )
    else:
        yield _finding("ok", _("the processor offers it."))


def _finding(level: Level, message: Text, fix: Text = NOTHING) -> Finding:
    return Finding("virtualbox.virtualization", level, _("virtualization"), message, fix, "virtualbox")
