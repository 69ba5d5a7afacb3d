"""Names of machines: what RFC 1123, Vagrant and a node's ``/etc/hosts`` allow."""

from __future__ import annotations

import re

from labgen.config.wrong import Wrong
from labgen.core.i18n import _

HOST_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
MACHINE_ID = re.compile(r"[0-9a-f]+")
"""What Vagrant looks up among all the machines it knows on this computer, before it looks for a name in the Vagrantfile
(``find_by_prefix`` in lib/vagrant/machine_index.rb): ``vagrant destroy db`` may remove a machine of another lab."""
RESERVED = re.compile(r"localhost[0-9]*|ip6-.*|broadcasthost")
"""What ``/etc/hosts`` of Debian, Ubuntu and others has for the loopback and multicast addresses. labgen writes the
nodes' names there, and would take these away from every program that counts on them."""


def host_name(text: str) -> str:
    """Check the name of a machine.

    :raises Wrong: it cannot be one.
    """
    if not HOST_NAME.fullmatch(text):
        raise Wrong(
            _("is not a host name."),
            _(
                "Use lower-case letters, digits and hyphens, beginning and ending "
                "with a letter or digit, at most 63 (RFC 1123): %(name)s.",
                name=_near(text),
            ),
        )
    if MACHINE_ID.fullmatch(text):
        raise Wrong(
            _(
                "is made of digits and the letters a to f alone, which Vagrant takes for the beginning of a "
                "machine's id."
            ),
            _("Add another letter or a hyphen, so that no other machine is meant: node-%(name)s.", name=text),
        )
    if RESERVED.fullmatch(text):
        raise Wrong(
            _("is a name that /etc/hosts of every machine has already, for the machine itself."),
            _("Choose another: node-%(name)s.", name=text) if len(text) < 58 else _("Choose another: swarm-worker1."),
        )
    return text


def is_loopback(name: str) -> bool:
    """Tell whether a name means the machine that looks it up.

    >>> [is_loopback(name) for name in ("localhost", "ip6-loopback", "registry.localhost", "registry")]
    [True, True, True, False]
    """
    return bool(RESERVED.fullmatch(name)) or name.endswith(".localhost") or name == "localhost.localdomain"


def _near(text: str) -> str:
    """Give a host name near a text; the course's if there is none."""
    name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:63].strip("-")
    good = name and not MACHINE_ID.fullmatch(name) and not RESERVED.fullmatch(name)
    return name if good else "swarm-worker1"
