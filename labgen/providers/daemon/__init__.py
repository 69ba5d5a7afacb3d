"""A daemon of the lab's own, in a network namespace of its own.

Where no libvirtd or Docker engine runs (a container, a CI machine without systemd) the lab starts
one. Its bridges, addresses and firewall rules live in a network namespace, its files in the lab's
folder, so that nothing of this computer's own is touched, and removing it leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from labgen.providers.daemon.base import Daemon

if TYPE_CHECKING:
    from labgen.core.process import Runner
    from labgen.core.workspace import LabFolder

__all__ = ["TITLES", "Daemon", "own"]

TITLES: Mapping[str, str] = {"libvirt": "libvirtd", "docker": "Docker engine"}
"""By provider, what the lab can start for itself."""


def own(provider: str, folder: LabFolder, runner: Runner, namespace: str | None = None) -> Daemon:
    """The lab's own daemon for a provider, running or not.

    :param provider: one of :data:`TITLES`.
    :param namespace: the network namespace that was written down for it; a new daemon's where ``None``.
    """
    if provider == "docker":
        from labgen.providers.daemon.dockerd import Dockerd

        return Dockerd(folder, runner, namespace)
    from labgen.providers.daemon.libvirtd import Libvirtd

    return Libvirtd(folder, runner, namespace)
