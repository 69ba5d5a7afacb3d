"""What bundles of evidence say of themselves, and what they share.

Two labs never have a node's, task's or container's id in common: the swarm and the engine draw them by lot.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations

from labgen.model.lab import Lab
from verify.evidence import Evidence, parameters_of
from verify.identities import Ids

_KINDS = ("nodes", "tasks", "containers")


@dataclass(frozen=True)
class Description:
    """What a bundle says of itself.

    :param exercises: those that were named when it was made.
    :param lacks: what its nodes could not do.
    :param parameters: values that exercises had instead of the course's; empty where there were none.
    :param other_lab: whether it is of another lab than the teacher has given out.
    """

    started: datetime
    nonce: str
    provider: str
    exercises: tuple[str, ...]
    lacks: tuple[str, ...]
    parameters: str
    emulated: bool
    other_lab: bool


@dataclass(frozen=True)
class Shared:
    """Two bundles of one lab.

    :param first: place of the one in the list; likewise ``second``.
    :param counts: how many ids of each kind they share.
    """

    first: int
    second: int
    counts: Mapping[str, int]


def describe(evidence: Evidence, lab: Lab | None) -> Description:
    """Describe a bundle as it does itself.

    :param lab: the lab that the teacher has given out, ``None`` where that does not matter.
    """
    return Description(
        started=evidence.started,
        nonce=evidence.nonce,
        provider=evidence.state.provider,
        exercises=evidence.exercises,
        lacks=tuple(sorted(evidence.state.lacks)),
        parameters=parameters_of(evidence) if evidence.parameters else "",
        emulated=not evidence.state.accelerated,
        other_lab=lab is not None and evidence.lab != lab,
    )


def shared(of: Sequence[Ids]) -> Iterator[Shared]:
    """Find bundles of one lab."""
    for (first, mine), (second, theirs) in combinations(enumerate(of), 2):
        counts = {kind: len(mine.get(kind, set()) & theirs.get(kind, set())) for kind in _KINDS}
        if any(counts.values()):
            yield Shared(first, second, counts)
