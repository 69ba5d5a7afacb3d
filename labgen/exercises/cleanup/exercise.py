"""Clean-up: what the course has made is removed, and nothing of it is left on any node (part 2, section 7)."""

from __future__ import annotations

from collections.abc import Iterable

from labgen.core.i18n import Messages
from labgen.exercise.catalogue import exercises
from labgen.exercise.model import Exercise
from labgen.exercise.services import repository
from labgen.exercises.globalmode.exercise import SERVICE as GLOBAL
from labgen.exercises.loadbalance.exercise import SERVICE as BALANCED

_ = Messages.beside(__file__)

REMOVED = (BALANCED, GLOBAL)
"""The services that the document removes."""

REMOVE = f"docker service rm {' '.join(spec.name for spec in REMOVED)}"
"""The command of the document that removes them."""

EXERCISE = Exercise(
    __name__,
    title=_("Clean-up"),
    section="2-7",
    order=60,
    summary=_("services, networks and containers removed from every node"),
    workers=1,
)


def services() -> tuple[str, ...]:
    """List the names of all services that the course's exercises create outside of stacks."""
    names = (spec.name for exercise in exercises().values() for spec in (*exercise.services, *exercise.later))
    return tuple(dict.fromkeys(names))


def stacks() -> tuple[str, ...]:
    """List the names of all stacks of the course."""
    return tuple(dict.fromkeys(name for exercise in exercises().values() for name in exercise.stacks))


def networks() -> tuple[str, ...]:
    """List the names of all networks of the course, without those that a stack creates for itself."""
    return tuple(dict.fromkeys(name for exercise in exercises().values() for name in exercise.networks))


def images() -> frozenset[str]:
    """Collect the images of the course, without tags."""
    specs = (spec for exercise in exercises().values() for spec in (*exercise.services, *exercise.later))
    return frozenset(repository(spec.image) for spec in specs)


def of_the_course(names: Iterable[str], course_names: Iterable[str]) -> list[str]:
    """Select the names that the course knows, and those that belong to one of its stacks (``STACK_NAME``)."""
    course_names, prefixes = set(course_names), tuple(f"{stack}_" for stack in stacks())
    return [name for name in names if name in course_names or name.startswith(prefixes)]
