"""Nodes that are named on the command line."""

from __future__ import annotations

from collections.abc import Iterable

from labgen.config.schema import nearest
from labgen.core.errors import LabgenError
from labgen.model.lab import Lab


def named(lab: Lab, names: Iterable[str], made: Iterable[str] = ()) -> tuple[str, ...]:
    """These names, each once.

    :param made: nodes that have a machine, although the lab may not name them any more.
    :raises LabgenError: the lab has no such node; says which is near, and which there are.

    >>> from labgen import labfile
    >>> named(labfile.parse(""), ["swarm-worker2", "swarm-worker1", "swarm-worker2"])
    ('swarm-worker2', 'swarm-worker1')
    """
    chosen = tuple(dict.fromkeys(names))
    known = list(dict.fromkeys([*(node.name for node in lab.nodes), *made]))
    for name in chosen:
        if name not in known:
            raise LabgenError(f"there is no node '{name}'.", nearest(name, known))
    return chosen
