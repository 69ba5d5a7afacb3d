"""The course: each exercise once, under one name.

``provision/exercise/<name>.py`` carries an exercise out, ``verify/test_<name>.py`` checks it; both
take what it is about from here.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from labgen.capabilities import Capability
from labgen.errors import ExerciseError

Language = Literal["en", "ko"]


@dataclass(frozen=True)
class Words:
    """A text in the course's two languages."""

    en: str
    ko: str

    def in_(self, language: Language) -> str:
        """The text in one language."""
        return self.ko if language == "ko" else self.en


@dataclass(frozen=True)
class ServiceSpec:
    """A service as an exercise wants it.

    :param publish: published port and the container's port it leads to, or ``None``.
    """

    name: str
    image: str
    replicas: int
    constraint: str | None = None
    publish: tuple[int, int] | None = None

    @property
    def asking_needs(self) -> tuple[Capability, ...]:
        """What nodes must be able to do before its published port can be asked for through any of them."""
        return (Capability.ROUTING_MESH,) if self.publish else ()


@dataclass(frozen=True)
class Exercise:
    """One exercise.

    :param name: its one name, one word.
    :param title: what it is called.
    :param section: where the course document teaches it.
    :param brief: what the learner is to do and why, as Markdown, followable by hand.
    :param services: the services it makes.
    :param instead: where nodes lack something, which parts of the brief say nothing there, and what to do
        instead; as Markdown, after a line that says what they lack.
    """

    name: str
    title: Words
    section: str
    brief: Words
    services: tuple[ServiceSpec, ...] = ()
    instead: Mapping[Capability, Words] = field(default_factory=dict)


def exercises() -> Mapping[str, Exercise]:
    """Every exercise by name, in the order of the course."""
    from labgen.course import loadbalance

    return {exercise.name: exercise for exercise in (loadbalance.EXERCISE,)}


def find(name: str) -> Exercise:
    """The exercise of that name.

    :raises ExerciseError: there is none; names the nearest.
    """
    known = exercises()
    if name in known:
        return known[name]
    close = difflib.get_close_matches(name, known, n=1)
    raise ExerciseError(
        f"there is no exercise '{name}'.",
        (f"Did you mean {close[0]}? " if close else "") + f"The exercises are: {', '.join(known)}.",
    )
