"""Nodes that are named on the command line."""

from __future__ import annotations

from collections.abc import Iterable

from labgen.config.schema import nearest
from labgen.core.errors import UsageError
from labgen.core.i18n import _
from labgen.model.lab import Lab


def distinct_nodes(lab: Lab, names: Iterable[str], machines: Iterable[str] = ()) -> tuple[str, ...]:
    """Give the names of nodes, each once.

    :param machines: nodes that have a machine, although the lab may not name them any more.
    :raises UsageError: the lab has no such node; says which is near, and which there are.

    >>> from labgen import config
    >>> distinct_nodes(config.parse(""), ["swarm-worker2", "swarm-worker1", "swarm-worker2"])
    ('swarm-worker2', 'swarm-worker1')
    """
    chosen = tuple(dict.fromkeys(names))
    existing = list(dict.fromkeys([*(node.name for node in lab.nodes), *machines]))
    for name in chosen:
        if name not in existing:
            raise UsageError(_("there is no node %(name)r.", name=name), nearest(name, existing))
    return chosen
