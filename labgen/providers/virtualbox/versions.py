"""What is known of versions of VirtualBox."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from labgen.core.i18n import Text, _

Version = tuple[int, ...]


@dataclass(frozen=True)
class BadVersion:
    """Versions of a provider, from ``first`` up to but not including ``fixed``, that are known to fail.

    :param reason: what fails; ends the sentence "VirtualBox 7.2.1: …".
    :param source: where this is known from.
    """

    first: Version
    fixed: Version
    reason: Text
    source: str


VIRTUALBOX_OLDEST: Version = (6, 1)
"""The oldest series whose flags labgen's Vagrantfile is written for."""

VIRTUALBOX_NEEDS_VAGRANT: Mapping[Version, Version] = {
    (6, 1): (2, 2, 7),
    (7, 0): (2, 3, 2),
    (7, 1): (2, 4, 2),
    (7, 2): (2, 4, 9),
}
"""Oldest Vagrant that works with a series of VirtualBox; an older one refuses it (Vagrant's CHANGELOG)."""

VIRTUALBOX_ARM64: Version = (7, 1, 6)
"""Oldest VirtualBox that boots arm64 Linux machines on Apple silicon."""

VIRTUALBOX_BAD: tuple[BadVersion, ...] = (
    BadVersion(
        (7, 2, 0),
        (7, 2, 3),
        _("its NAT networks lose packets or do not come up"),
        "VirtualBox/virtualbox#136, #140, #232",
    ),
    BadVersion((7, 2, 3), (7, 2, 8), _("its NAT networks reset TCP connections"), "VirtualBox/virtualbox#621"),
)

VIRTUALBOX_BESIDE_KVM: Version = (7, 2, 10)
"""Older ones cannot start a machine while KVM holds the processor, as it does by default since Linux
6.12 (VirtualBox/virtualbox#141, #188; #711 for the first version that can)."""
