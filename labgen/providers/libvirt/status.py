"""How libvirt's daemon can be had here."""

from __future__ import annotations

from labgen.host.computer import Host
from labgen.host.daemon_status import Daemon, startable

ASK = ("virsh", "--connect", "qemu:///system", "version", "--daemon")


def daemon(host: Host) -> Daemon:
    """How a libvirtd can be had here."""
    if host.which("virsh") is None:
        return Daemon("none")
    answer = host.run(*ASK)
    said = answer.out if answer.ok else answer.err
    if answer.ok:
        return Daemon("system", said)
    low = said.lower()
    if any(word in low for word in ("permission denied", "authentication", "access denied")):
        return Daemon("denied", said)
    if "no such file" not in low and "connection refused" not in low:
        return Daemon("unknown", said)
    return startable(host, "libvirtd", said)
