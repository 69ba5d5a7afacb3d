"""The course: each exercise once, under one name.

``labgen/exercises/NAME/exercise.py`` says what an exercise is about, ``brief.LANGUAGE.md`` beside it what the learner
is to do, ``steps.py`` how it is carried out; ``verify/test_NAME.py`` checks it.
"""

from __future__ import annotations

import difflib
import importlib
import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from labgen.core.errors import ExerciseError
from labgen.core.words import NOTHING, Language, Words
from labgen.exercise.services import Publish, ServiceSpec
from labgen.model.capabilities import Capability
from labgen.model.lab import Lab

__all__ = ["ALWAYS", "NAMES", "Exercise", "Language", "Publish", "ServiceSpec", "Words", "exercises", "find"]

NAMES: tuple[str, ...] = (
    "cluster",
    "service",
    "loadbalance",
    "scaling",
    "globalmode",
    "cleanup",
    "recovery",
    "failover",
    "update",
    "updateoptions",
    "rollback",
    "placement",
    "ports",
    "discovery",
    "stack",
    "secrets",
    "health",
    "quorum",
)
"""Every exercise, in the order of the course."""

ALWAYS = NAMES[0]
"""The swarm itself, with which every grading begins: an exercise on a swarm that is not one says nothing."""


_FOLDER = Path(__file__).parents[1] / "exercises"


@dataclass(frozen=True)
class Exercise:
    """One exercise.

    :param name: its one name, one word.
    :param title: what it is called.
    :param section: where the course document teaches it; empty for an exercise that goes beyond the document.
    :param summary: what it shows, as the tables of exercises in the documentation say it.
    :param services: the services it makes, as it makes them.
    :param later: the same services as its later steps leave them: updated, scaled.
    :param networks: names of the networks it makes; likewise ``secrets``, ``configs`` and ``stacks``.
    :param labels: keys of the labels it puts on nodes.
    :param managers: how many managers it takes at least; likewise ``workers``.
    :param instead: where nodes lack something, which parts of the brief say nothing there, and what to do
        instead; as Markdown, after a line that says what they lack.
    """

    name: str
    title: Words
    section: str
    summary: Words = NOTHING
    services: tuple[ServiceSpec, ...] = ()
    later: tuple[ServiceSpec, ...] = ()
    networks: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    configs: tuple[str, ...] = ()
    stacks: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    managers: int = 1
    workers: int = 0
    instead: Mapping[Capability, Words] = field(default_factory=dict)

    @property
    def brief(self) -> Words:
        """What the learner is to do and why, as Markdown, followable by hand."""
        return Words(*(_brief(_FOLDER / self.name / f"brief.{language}.md") for language in _LANGUAGES))

    def lacking(self, lab: Lab) -> str:
        """Why a lab is too small for it, as a sentence; empty where it is not."""
        for role, there, least in (
            ("manager", len(lab.managers), self.managers),
            ("worker", len(lab.workers), self.workers),
        ):
            if there < least:
                few, many = (f"{count} {role}{'' if count == 1 else 's'}" for count in (there, least))
                return f"{self.name} takes {many}, and the lab has {few}."
        return ""

    def enlarged(self, lab: Lab) -> str:
        """What lab.yml must say for a lab that is too small: ``workers: 2``; what is enough already is left out."""
        sizes = (("managers", len(lab.managers), self.managers), ("workers", len(lab.workers), self.workers))
        return ", ".join(f"{role}: {least}" for role, number, least in sizes if number < least)


_LANGUAGES: tuple[Language, ...] = ("en", "ko")


def _brief(path: Path) -> str:
    """A brief; a line ``{shop.yml}`` in it stands for that file beside it."""

    def file(named: re.Match[str]) -> str:
        return textwrap.indent(path.with_name(named[1]).read_text(encoding="utf-8").rstrip(), " " * 7)

    return re.sub(r"(?m)^\{([\w.-]+)\}$", file, path.read_text(encoding="utf-8"))


@cache
def exercises() -> Mapping[str, Exercise]:
    """Every exercise by name, in the order of the course."""
    return {name: importlib.import_module(f"labgen.exercises.{name}.exercise").EXERCISE for name in NAMES}


def find(name: str) -> Exercise:
    """The exercise of that name.

    :raises ExerciseError: there is none; names the nearest.
    """
    known = exercises()
    if name in known:
        return known[name]
    close = difflib.get_close_matches(name, known, n=3)
    raise ExerciseError(
        f"there is no exercise '{name}'.",
        (f"Did you mean {' or '.join(close)}? " if close else "") + f"The exercises are: {', '.join(known)}.",
    )
