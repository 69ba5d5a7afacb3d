"""Providers of nodes, a folder each: named in :mod:`labgen.model.provider_names`, loaded when first used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module

from labgen.core.errors import HostError, MachineError
from labgen.model import provider_names
from labgen.providers.base import Provider

__all__ = ["PROVIDERS", "Provider", "of_lab"]


class _Registry(Mapping[str, Provider]):
    """The registered providers, by name."""

    def __getitem__(self, name: str) -> Provider:
        package = provider_names.package_of(name)
        if package is None:
            raise KeyError(name)
        try:
            provider = import_module(package).PROVIDER
        except (ImportError, AttributeError) as why:
            raise HostError(
                f"the provider {name} cannot be loaded from {package}: {why}.", "Install or remove its package."
            ) from None
        assert isinstance(provider, Provider)  # noqa: S101 - what its author will see
        return provider

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and provider_names.package_of(name) is not None

    def __iter__(self) -> Iterator[str]:
        return iter(provider_names.packages())

    def __len__(self) -> int:
        return len(provider_names.packages())


PROVIDERS: Mapping[str, Provider] = _Registry()
"""Every provider, the one to prefer first."""


def of_lab(name: str) -> Provider:
    """The provider that a lab is written down to run on.

    :raises MachineError: labgen has none of that name: somebody has added it to the Vagrantfile.
    """
    if name not in PROVIDERS:
        raise MachineError(
            f"this lab runs on the provider {name!r}, which labgen does not know.",
            "Use Vagrant for its machines: vagrant up, vagrant halt, vagrant destroy.",
        )
    return PROVIDERS[name]
