"""How libvirt's daemon can be had here."""

from __future__ import annotations

from labgen.host.computer import Host
from labgen.host.daemon_status import DaemonStatus, startable

ASK = ("virsh", "--connect", "qemu:///system", "version", "--daemon")


def daemon(host: Host) -> DaemonStatus:
    """Tell how a libvirtd can be had here."""
    if host.which("virsh") is None:
        return DaemonStatus("none")
    answer = host.run(*ASK)
    output = answer.out if answer.ok else answer.err
    if answer.ok:
        return DaemonStatus("system", output)
    low = output.lower()
    if any(word in low for word in ("permission denied", "authentication", "access denied")):
        return DaemonStatus("denied", output)
    if "no such file" not in low and "connection refused" not in low:
        return DaemonStatus("unknown", output)
    return startable(host, "libvirtd", output)
