"""Which providers are registered, by name; what is behind a name is loaded by :mod:`labgen.providers` alone.

lab.yml is checked against the names, so they stand below the floor that reads it. A provider from elsewhere registers
itself by an entry point of the group ``labgen.providers``::

    [project.entry-points."labgen.providers"]
    proxmox = "labgen_proxmox"
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

ENTRY_POINTS = "labgen.providers"

_REGISTERED: dict[str, str] = {
    "virtualbox": "labgen.providers.virtualbox",
    "libvirt": "labgen.providers.libvirt",
    "docker": "labgen.providers.docker",
}
"""By name, the package with the provider's ``PROVIDER``; the one to prefer first."""


def register(name: str, package: str) -> None:
    """Register a provider.

    :param package: dotted name of the package whose ``PROVIDER`` it is.
    """
    _REGISTERED[name] = package


def unregister(name: str) -> None:
    """Take a provider out that was registered by :func:`register`."""
    del _REGISTERED[name]


def packages() -> Mapping[str, str]:
    """Give the package of every registered provider, by name, the one to prefer first."""
    return {**_REGISTERED, **{name: package for name, package in _installed().items() if name not in _REGISTERED}}


def package_of(name: str) -> str | None:
    """Give the package of one provider, ``None`` where no such provider is registered."""
    # Looking through everything that is installed takes 10 ms.
    return _REGISTERED.get(name) or packages().get(name)


@cache
def _installed() -> Mapping[str, str]:
    from importlib.metadata import entry_points

    return {entry.name: entry.value for entry in entry_points(group=ENTRY_POINTS)}
