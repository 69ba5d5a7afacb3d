"""Clean-up: what the course has made is removed, and nothing of it is left on any node (part 2, section 7)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from labgen.core.i18n import Messages
from labgen.exercise import parameters
from labgen.exercise.catalogue import exercises, find
from labgen.exercise.model import Exercise
from labgen.exercise.services import ServiceSpec, repository

_ = Messages.beside(__file__)


@dataclass(frozen=True)
class Parameters(parameters.Parameters):
    """What is removed follows from the parameters of the exercises that made it; nothing else can be set."""

    @property
    def balanced(self) -> ServiceSpec:
        """The service of the exercise on load balancing."""
        return find("loadbalance").services[0]

    @property
    def everywhere(self) -> ServiceSpec:
        """The service of the exercise on global mode."""
        return find("globalmode").services[0]

    @property
    def removed(self) -> tuple[ServiceSpec, ...]:
        """The services that the document removes."""
        return (self.balanced, self.everywhere)

    @property
    def remove(self) -> str:
        """The command of the document that removes them."""
        return f"docker service rm {' '.join(spec.name for spec in self.removed)}"


EXERCISE = Exercise(
    __name__,
    title=_("Clean-up"),
    section="2-7",
    order=60,
    summary=_("services, networks and containers removed from every node"),
    parameters=Parameters(),
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
