"""Errors that begin with their cause."""

from __future__ import annotations

from collections.abc import Callable, Collection

from labgen.core.errors import LabgenError
from labgen.core.i18n import _
from labgen.docker.question import Ask
from labgen.exercise.model import Exercise
from labgen.model.lab import Lab, Node
from labgen.observation.causes import Topic, diagnose
from labgen.observation.causes.ask import observe


def explained(
    error: LabgenError,
    lab: Lab,
    asker: Callable[[Node], Ask],
    topics: Collection[Topic],
    exercise: Exercise | None = None,
) -> LabgenError:
    """Put the cause before an error, if it is recognised; else return the error unchanged.

    :param asker: returns what puts questions to a node.
    :param topics: what the error is about.
    """
    try:
        finding = diagnose(observe(lab, asker, exercise), topics)
    except Exception:
        return error
    if finding is None:
        return error
    manager = lab.first_manager
    names = {"manager": manager.name, "node": manager.name, "address": str(manager.address)}
    return type(error)(
        _("%(cause)s (%(error)s)", cause=finding.words, error=error.words),
        tuple(hint.filled(names) for hint in finding.hints),
    )
