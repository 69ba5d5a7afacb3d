"""Why a check fails: what was seen of the lab, held against the table of causes.

What only a failure makes interesting (disks, clocks, firewalls) is asked when the first check fails, once.
"""

from __future__ import annotations

import re
from dataclasses import replace

from labgen.core.errors import LabgenError
from labgen.docker.swarm import Swarm
from labgen.exercise.catalogue import exercises
from labgen.exercise.model import Exercise
from labgen.model.lab import Node
from labgen.observation.causes import NodeState, Observations, RecognisedCause, Topic, diagnose
from verify.checks import Check
from verify.exam import Exam

_TOLD_BY_NODES: frozenset[Topic] = frozenset({"node", "tasks", "requests", "network", "history"})
"""Topics of which nodes tell symptoms."""


class CauseFinder:
    """Finds causes of failures in one lab."""

    def __init__(self, exam: Exam) -> None:
        self._exam = exam

    def cause(self, about: Check, node: str | None) -> RecognisedCause | None:
        """Find the cause of a check's failure.

        :param node: the node that it is about.
        """
        return diagnose(self.observations(about, node), about.topics)

    def observations(self, about: Check, node: str | None) -> Observations:
        """Give all that is known of the lab, for one check."""
        swarm, refusal = self._swarm()
        plan, ask_for_symptoms = self._exam.lab.plan, bool(_TOLD_BY_NODES & {*about.topics})
        return Observations(
            nodes=tuple(self._state(lab_node, ask_for_symptoms=ask_for_symptoms) for lab_node in self._exam.lab.nodes),
            swarm=swarm,
            now=self._exam.looked,
            refusal=refusal,
            exercise=_of_claim(about),
            node=node or "",
            lab_networks=(("the lab network", plan.lab), ("the network of adapter 1", plan.adapter1)),
        )

    def _swarm(self) -> tuple[Swarm | None, str]:
        try:
            return self._exam.latest(), ""
        except LabgenError as error:
            return None, error.message

    def _state(self, node: Node, *, ask_for_symptoms: bool) -> NodeState:
        try:
            facts = self._exam.facts(node)
        except LabgenError:
            return NodeState(node.name, str(node.address), node.role, reached=False)
        return NodeState(
            node.name,
            str(node.address),
            node.role,
            engine_running=facts.engine_running,
            swarm=facts.local_swarm,
            symptoms=self._exam.symptoms.of(node) if ask_for_symptoms else None,
        )


def _of_claim(about: Check) -> Exercise | None:
    """Give a check's exercise with the services that its claim names; with all where it names none."""
    exercise = exercises().get(about.exercise)
    if exercise is None:
        return None
    specs = [spec for spec in exercise.services if re.search(rf"(?<![\w-]){spec.name}(?![\w-])", str(about.claim))]
    return replace(exercise, services=tuple(specs)) if specs else exercise
