"""What runs commands on nodes, whoever asks: machines that are up, a recording being made, a recording played back."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol

from labgen.core import polling
from labgen.docker.question import Question
from labgen.model.lab import Node
from labgen.transport.observation import Observation

LONGEST = 32 * 2**20
"""Bytes that a node may answer to one question; the tasks of ten thousand replicas are some 22 million."""


class Transport(Protocol):
    """A way to the nodes of a lab.

    What has a time of its own, a replay, overrides the methods that tell and pass time.
    """

    def run(self, node: Node, script: str, *, within: float = 30.0) -> str:
        """Run a POSIX shell script as root, and return what it printed.

        :param within: deadline in seconds on an ordinary machine.
        :raises NodeError: the node cannot be reached, does not answer in time, or the script failed.
        """
        ...

    def ask(self, node: Node, question: Question, *, within: float = 30.0) -> str:
        """Ask a node something that is more than a script, and return the answer.

        What answers from a recording answers as to the question's script.

        :param within: deadline in seconds on an ordinary machine.
        :raises NodeError: the node cannot be reached, or does not answer.
        """
        return self.run(node, question.script, within=within)

    def beside(self, node: Node, script: str, *, within: float = 30.0) -> str:
        """Run a script while others run on the same node, in a thread of its own; as :meth:`run` otherwise."""
        return self.run(node, script, within=within)

    def clock(self) -> float:
        """Return seconds that pass, counted from some moment."""
        return time.monotonic()

    def pause(self, seconds: float) -> None:
        """Wait between two looks."""
        polling.pause(seconds)

    def moment(self, observation: Observation | None = None) -> datetime:
        """Return when something was observed, in UTC.

        :param observation: what was observed last; where nothing is recorded it is observed now.
        """
        del observation
        return datetime.now(UTC)

    def close(self) -> None:
        """Close the connections."""
        ...
