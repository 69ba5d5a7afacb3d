"""A check: one claim in words, its points, a hint, and what it needs first.

A check is a test function with :func:`check` on it. Its docstring is the claim, which the exercise's catalogue
translates; its exercise's name and its own without
``test_`` make its id: ``cluster.swarm_active``. One that takes ``node`` is made
once for each node and judged for each. Claims and hints name the parameters of the exercise in braces: ``{port}``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

import pytest

from labgen.core.errors import ExerciseError
from labgen.core.i18n import Messages, Text
from labgen.exercise.catalogue import prerequisite
from labgen.exercise.hint import Hint, Hints, hints
from labgen.exercise.model import Exercise
from labgen.exercise.parameters import Parameters
from labgen.model.capabilities import Capability
from labgen.observation.causes import Topic

Function = TypeVar("Function", bound=Callable[..., None])
Nodes = Literal["all", "managers", "workers", "others"]


@dataclass(frozen=True)
class Check:
    """What :func:`check` knows.

    :param exercise: whose it is; ``cluster`` for the swarm itself.
    :param points: what it earns in its exercise; 0 for the swarm itself, which every exercise needs first.
    :param claim: what must be true, in words.
    :param hints: what to try where it fails.
    :param needs: ids of checks without which this one cannot be judged; for a check of a node, those
        of the same node.
    :param nodes: which nodes it is made for, where it takes one; ``others`` are all but the first manager.
    :param whole_lab: every node has a part in it: while one cannot be reached, a failure says nothing.
    :param requires: what nodes must be able to do; where they lack it, the check is not applicable.
    :param topics: what a failure may come from, of which causes are looked for: see :mod:`labgen.observation.causes`.
    """

    exercise: str
    name: str
    claim: Text
    points: int
    hints: Hints
    needs: tuple[str, ...]
    nodes: Nodes
    whole_lab: bool
    requires: tuple[Capability, ...] = ()
    topics: tuple[Topic, ...] = ()

    @property
    def id(self) -> str:
        """``cluster.swarm_active``."""
        return f"{self.exercise}.{self.name}"

    def filled(self, parameters: Parameters) -> Check:
        """Give the check with the values of an exercise's parameters in its claim and its hints."""
        hints = tuple(hint.changed(parameters.fill) for hint in self.hints)
        return replace(self, claim=self.claim.changed(parameters.fill), hints=hints)


def check(
    *,
    hint: str | Text | Hint | Sequence[Hint],
    points: int = 0,
    needs: tuple[str, ...] = (),
    nodes: Nodes = "all",
    whole_lab: bool = False,
    requires: tuple[Capability, ...] = (),
    topics: tuple[Topic, ...] = (),
) -> Callable[[Function], Function]:
    """Make a test function a check; see :class:`Check`.

    :param hint: the likely cause and the next commands to try, one stage after the other; see
        :class:`labgen.exercise.hint.Hint`.
    """

    def made(function: Function) -> Function:
        claim = " ".join((inspect.getdoc(function) or "").split())
        if not claim:
            raise ExerciseError(f"{function.__qualname__} has no claim: write what must be true as its docstring")
        package, _, module = function.__module__.rpartition(".")
        # An exercise's checks are called by its folder; a teacher's own, by their file.
        exercise = package.rpartition(".")[2] if module == "checks" and package else module.removeprefix("test_")
        if (exercise == prerequisite()) == bool(points):
            raise ExerciseError(
                f"{function.__qualname__}: a check of an exercise earns points, one of the swarm itself none"
            )
        about = Check(
            exercise=exercise,
            name=function.__name__.removeprefix("test_"),
            claim=Messages.beside(inspect.getfile(function))(claim),
            points=points,
            hints=hints(hint),
            needs=needs,
            nodes=nodes,
            whole_lab=whole_lab,
            requires=tuple(map(Capability, requires)),
            topics=topics,
        )
        marked: Function = pytest.mark.check(about)(function)
        return marked

    return made


def check_of(item: Any) -> Check | None:
    """Give the check that a collected test is, with the parameters of its exercise; ``None`` where it is none."""
    marker = item.get_closest_marker("check")
    about = marker.args[0] if marker is not None and marker.args else None
    if not isinstance(about, Check):
        return None
    exercise = exercise_of(item)
    return about.filled(exercise.parameters) if exercise else about


def exercise_of(node: Any) -> Exercise | None:
    """Give the exercise in whose module of checks something was collected; ``None`` for a teacher's own checks."""
    exercise = getattr(node.getparent(pytest.Module), "exercise", None)
    return exercise if isinstance(exercise, Exercise) else None
