"""Providers of nodes, a folder each: named in :mod:`labgen.model.provider_names`, loaded when first used."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib import import_module

from labgen.core.errors import HostError, MachineError
from labgen.core.i18n import _
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
        except Exception as why:
            raise _not_loaded(name, package, str(why) or type(why).__name__) from None
        if not isinstance(provider, Provider) or provider.name != name or not _NAME.fullmatch(name):
            raise _not_loaded(name, package, f"its PROVIDER is no provider of the name {name!r} in letters a to z")
        return provider

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and provider_names.package_of(name) is not None

    def __iter__(self) -> Iterator[str]:
        return iter(provider_names.packages())

    def __len__(self) -> int:
        return len(provider_names.packages())


def _not_loaded(name: str, package: str, why: str) -> HostError:
    return HostError(
        _("the provider %(name)s cannot be loaded from %(package)s: %(why)s.", name=name, package=package, why=why),
        _("Repair the package that adds it, or remove it: pip uninstall PACKAGE."),
    )


_NAME = re.compile(r"[a-z_]+")
"""The name becomes that of a variable in the Vagrantfile."""

PROVIDERS: Mapping[str, Provider] = _Registry()
"""Every provider, the one to prefer first."""


def of_lab(name: str) -> Provider:
    """Find the provider that a lab is written down to run on.

    :raises MachineError: labgen has none of that name: somebody has added it to the Vagrantfile.
    """
    if name not in PROVIDERS:
        raise MachineError(
            _("this lab runs on the provider %(name)r, which labgen does not know.", name=name),
            _("Use Vagrant for its machines: vagrant up, vagrant halt, vagrant destroy."),
        )
    return PROVIDERS[name]
