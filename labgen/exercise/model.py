"""An exercise as data: what it is about, what it makes, and which lab it needs."""

from __future__ import annotations

import importlib.util
import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from labgen.core.errors import ExerciseError
from labgen.core.i18n import NOTHING, Language, Text, _, ngettext
from labgen.exercise.parameters import Parameters
from labgen.exercise.services import ServiceSpec
from labgen.model.capabilities import Capability
from labgen.model.lab import Lab

_PRODUCTS = ("services", "later", "networks", "secrets", "configs", "stacks", "labels")
"""What an exercise makes, which follows from its parameters."""

AFTER_THE_COURSE = 1000
"""Order of an exercise that states none: after those of the course."""


@dataclass(frozen=True)
class Exercise:
    """One exercise; its folder holds this data (``exercise.py``), its steps, its checks and its brief.

    :param module: ``__name__`` of its ``exercise.py``, from which its name and its folder follow.
    :param title: what it is called.
    :param section: where the course document teaches it; empty for an exercise that goes beyond the document.
    :param summary: what it shows, as the tables of exercises in the documentation say it.
    :param order: place among the exercises: the lowest number first, then by name.
    :param prerequisite: whether every grading begins with its checks, which earn no points: on a swarm that is not
        one, the other exercises say nothing. Exactly one exercise is.
    :param parameters: what a lab may set otherwise, with the course document's values; what the exercise makes follows
        from them, and is stated here only by one that has none.
    :param services: the services it makes, as it makes them.
    :param later: the same services as its later steps leave them: updated, scaled.
    :param networks: names of the networks it makes; likewise ``secrets``, ``configs`` and ``stacks``.
    :param labels: keys of the labels it puts on nodes.
    :param managers: how many managers it takes at least; likewise ``workers``.
    :param restarts: whether it restarts machines.
    :param acts: whether some of its checks act on the lab: their claims begin with "Live test".
    :param instead: where nodes lack something, which parts of the brief say nothing there, and what to do
        instead; as Markdown, after a line that says what they lack; :meth:`instead_of` fills the parameters in.
    """

    module: str
    title: Text
    section: str
    summary: Text = NOTHING
    order: int = AFTER_THE_COURSE
    prerequisite: bool = False
    parameters: Parameters = field(default_factory=Parameters)
    services: tuple[ServiceSpec, ...] = ()
    later: tuple[ServiceSpec, ...] = ()
    networks: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    configs: tuple[str, ...] = ()
    stacks: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    managers: int = 1
    workers: int = 0
    restarts: bool = False
    acts: bool = False
    instead: Mapping[Capability, Text] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for product in _PRODUCTS:
            if not getattr(self, product):
                object.__setattr__(self, product, getattr(self.parameters, product))

    def with_parameters(self, **values: object) -> Exercise:
        """Give the same exercise with other values for some of its parameters.

        :raises ExerciseError: there is no such parameter, or it cannot have such a value.
        """
        if not values:
            return self
        try:
            parameters = self.parameters.but(**values)
        except ExerciseError as error:
            raise ExerciseError(f"{self.name}: {error.message}", error.hint) from None
        empty: dict[str, tuple[()]] = dict.fromkeys(_PRODUCTS, ())
        return replace(self, parameters=parameters, **empty)  # type: ignore[arg-type]

    @property
    def package(self) -> str:
        """Full name of its folder as a package: ``labgen.exercises.loadbalance``."""
        return self.module.rpartition(".")[0]

    @property
    def name(self) -> str:
        """Its one name, that of its folder: ``loadbalance``."""
        return self.package.rpartition(".")[2]

    def brief(self, language: Language = "en") -> str:
        """Read what the learner is to do and why, as Markdown, followable by hand."""
        spec = importlib.util.find_spec(self.module)
        if spec is None or spec.origin is None:
            raise ModuleNotFoundError(self.module)
        return self.parameters.fill(_read_brief(Path(spec.origin).with_name(brief_file(language))))

    def instead_of(self, lacking: Capability) -> Text:
        """Say which parts of the brief say nothing where nodes lack something, and what to do instead."""
        return self.instead.get(lacking, NOTHING).changed(self.parameters.fill)

    def lacking(self, lab: Lab) -> Text:
        """Say why a lab is too small for it; empty if it is not."""
        if len(lab.managers) < self.managers:
            return _(
                "%(exercise)s needs %(needed)s, and the lab has %(available)s.",
                exercise=self.name,
                needed=_managers(self.managers),
                available=_managers(len(lab.managers)),
            )
        if len(lab.workers) < self.workers:
            return _(
                "%(exercise)s needs %(needed)s, and the lab has %(available)s.",
                exercise=self.name,
                needed=_workers(self.workers),
                available=_workers(len(lab.workers)),
            )
        return NOTHING

    def enlarged(self, lab: Lab) -> str:
        """Give what lab.yml must say for a lab that is too small: ``workers: 2``; only what is not enough yet."""
        sizes = (("managers", len(lab.managers), self.managers), ("workers", len(lab.workers), self.workers))
        return ", ".join(f"{role}: {least}" for role, number, least in sizes if number < least)


def _managers(count: int) -> Text:
    return ngettext("%(count)s manager", "%(count)s managers", count)


def _workers(count: int) -> Text:
    return ngettext("%(count)s worker", "%(count)s workers", count)


def brief_file(language: Language) -> str:
    """Name the file with the brief in a language."""
    return f"brief.{language}.md"


def _read_brief(path: Path) -> str:
    """Read a brief; a line ``{shop.yml}`` in it stands for that file beside it."""

    def file(reference: re.Match[str]) -> str:
        return textwrap.indent(path.with_name(reference[1]).read_text(encoding="utf-8").rstrip(), " " * 7)

    return re.sub(r"(?m)^\{([\w.-]+)\}$", file, path.read_text(encoding="utf-8"))
