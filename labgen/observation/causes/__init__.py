"""The causes of trouble that learners really get into: how each is recognised, and what to do about it.

One table for checks, exercises and commands. A cause is recognised by observations alone; nothing is asked here. What
it advises never destroys work without saying what is lost.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from labgen.observation.causes import managers, names, nodes, scheduling, services, tasks
from labgen.observation.causes.model import Cause, NodeState, Observations, RecognisedCause, Topic
from labgen.observation.causes.symptoms import Symptoms
from labgen.observation.causes.tasks import lacking_any

__all__ = [
    "CAUSES",
    "Cause",
    "NodeState",
    "Observations",
    "RecognisedCause",
    "Symptoms",
    "Topic",
    "diagnose",
    "findings",
]

CAUSES: tuple[Cause, ...] = (
    *managers.CAUSES,
    *names.CAUSES,
    *tasks.CAUSES,
    *scheduling.CAUSES,
    *services.CAUSES,
    *nodes.CAUSES,
)
"""Every cause; of several that are seen, the first explains the others."""

_ALWAYS: frozenset[Topic] = frozenset({"names"})


def findings(observations: Observations, topics: Collection[Topic] | None = None) -> Iterator[RecognisedCause]:
    """Give every cause that is recognised, in the order of the table.

    :param topics: what a failure is about; ``None`` for everything.
    """
    for cause in CAUSES:
        shared = cause.topics if topics is None else cause.topics & {*topics, *_ALWAYS}
        # A node explains what a service is like only where tasks are lacking.
        if not shared or (
            cause in nodes.CAUSES and shared <= {"tasks"} and not observations.node and not lacking_any(observations)
        ):
            continue
        yield from cause.recognise(observations)


def diagnose(observations: Observations, topics: Collection[Topic]) -> RecognisedCause | None:
    """Give the cause of a failure, ``None`` where none is recognised.

    :param topics: what the failure is about.
    """
    return next(findings(observations, topics), None)
