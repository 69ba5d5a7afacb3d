"""What nodes tell once something has failed there: their disks, clocks, firewalls. Asked once, all at the same time."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from labgen.core.errors import LabgenError
from labgen.model.lab import Node
from labgen.observation.causes import Symptoms, symptoms
from verify.cached import Cached, side_by_side

if TYPE_CHECKING:
    from verify.exam import Exam

_TIMEOUT = 15.0
"""Seconds that a node has to answer."""


class NodeSymptoms:
    """The symptoms of every node of a lab; the first that is asked for asks them all."""

    def __init__(self, exam: Exam) -> None:
        self._exam = exam
        self._symptoms: Mapping[str, Cached[Symptoms]] | None = None

    def of(self, node: Node) -> Symptoms | None:
        """Give a node's symptoms, ``None`` if it does not tell them."""
        if self._symptoms is None:
            self._symptoms = side_by_side(self._exam.lab.nodes, self._ask)
        with suppress(LabgenError):
            return self._symptoms[node.name].get()
        return None

    def drops(self, node: Node, another: Node, port: int) -> bool:
        """Tell whether a rule of a node's firewall drops a port of the swarm's between it and another node."""
        answer = self.of(node)
        addresses = [str(node.address), str(another.address)]
        return any(port in rule.ports and rule.concerns(addresses) for rule in (answer.rules if answer else ()))

    def _ask(self, node: Node) -> Symptoms:
        run = partial(self._exam.on, node)
        moment = self._exam.clock()
        return symptoms.read(run(symptoms.SCRIPT, within=_TIMEOUT), moment)
