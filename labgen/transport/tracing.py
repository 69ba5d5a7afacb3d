"""Which answers of nodes a check has looked at, though what it asks for was read once for many."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from labgen.transport.observation import Observation


class _Local(threading.local):
    def __init__(self) -> None:
        self.gathering: list[list[Observation]] = []


_LOCAL = _Local()
_OUTER: list[list[Observation]] = []
"""What is gathered by the thread that runs the checks, for what threads of a check's own look at."""


@contextmanager
def gather(*, outer: bool = False) -> Iterator[list[Observation]]:
    """Gather what this thread looks at until the end of the block.

    :param outer: also what threads look at that gather nothing themselves: those that a check has started.
    """
    observations: list[Observation] = []
    _LOCAL.gathering.append(observations)
    if outer:
        _OUTER.append(observations)
    try:
        yield observations
    finally:
        _LOCAL.gathering.remove(observations)
        if outer:
            _OUTER.remove(observations)


def looked_at(observations: Iterable[Observation]) -> None:
    """Tell that these were looked at."""
    for gathering in (_LOCAL.gathering or _OUTER)[-1:]:
        gathering.extend(observations)
