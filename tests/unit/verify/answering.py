"""Nodes that answer scripts by a function of a test's."""

from __future__ import annotations

from collections.abc import Callable

from labgen.model.lab import Node
from labgen.transport.protocol import Transport


def _no_answer(node: Node, script: str) -> str:
    raise AssertionError(f"{node.name} was asked: {script}")


class Answering(Transport):
    """A transport whose time is its own.

    :param answer: returns what a script prints on a node; without one no node may be asked.
    """

    def __init__(self, answer: Callable[[Node, str], str] = _no_answer) -> None:
        self._answer = answer
        self._now = 0.0

    def run(self, node: Node, script: str, *, within: float = 30.0) -> str:
        assert within > 0
        return self._answer(node, script)

    def clock(self) -> float:
        return self._now

    def pause(self, seconds: float) -> None:
        self._now += seconds

    def close(self) -> None:
        pass
