"""Answers from a recording."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from datetime import datetime, timedelta

from labgen.core.errors import NodeError
from labgen.core.i18n import _
from labgen.model.lab import Node
from labgen.transport.observation import Observation
from labgen.transport.protocol import Transport
from labgen.transport.recording import MARK, SAME_MARK, recorded_form
from labgen.transport.tracing import looked_at


class NotRecorded(NodeError):
    """Nobody had asked that when the recording was made."""


class Replay(Transport):
    """A transport that answers from a recording; its time is the recording's, so nothing is waited for.

    :param observations: in the order in which they were made.
    :param started: when the recording began, in UTC.
    """

    def __init__(self, observations: Iterable[Observation], started: datetime) -> None:
        self._started = started
        self._answers: dict[tuple[str, str], list[Observation]] = {}
        for observation in observations:
            self._answers.setdefault((observation.node, observation.script), []).append(observation)
        self._asked: dict[tuple[str, str], int] = {}
        self._now = 0.0
        self._lock = threading.Lock()

    def run(self, node: Node, script: str, *, within: float = 30.0) -> str:
        """Return the answer of then: to the second question the second answer, and so on.

        :raises NodeError: there was no answer then, or nobody asked.
        """
        del within
        return self._answer(node, script, time_passes=True)

    def beside(self, node: Node, script: str, *, within: float = 30.0) -> str:
        """Return the answer to a script that ran while others did: it comes first, and takes no time of theirs."""
        del within
        return self._answer(node, script, time_passes=False)

    def _answer(self, node: Node, script: str, *, time_passes: bool) -> str:
        key = (node.name, recorded_form(script))
        with self._lock:
            answers = self._answers.get(key)
            if not answers:
                raise NotRecorded(
                    f"nothing was recorded of {node.name} for: {script.strip()[:80]}",
                    "The evidence is of other checks, or of another version of labgen.",
                )
            at = self._asked.get(key, 0)
            self._asked[key] = at + 1
            observation = answers[min(at, len(answers) - 1)]
            if time_passes:
                self._now = max(self._now, observation.since)
        looked_at([observation])
        if observation.error[0]:
            raise NodeError(*observation.error)
        if observation.left_out:
            raise NodeError(
                _("the evidence does not have the answer of %(node)s: it was too long.", node=node.name),
                _("Grade the lab itself."),
            )
        mark = MARK.search(script)
        return observation.out.replace(SAME_MARK, mark[0]) if mark else observation.out

    def close(self) -> None:
        """Do nothing: nothing was opened."""

    def clock(self) -> float:
        """Return the seconds since the recording began."""
        return self._now

    def moment(self, observation: Observation | None = None) -> datetime:
        """Return when something was observed, in UTC."""
        return self._started + timedelta(seconds=observation.since if observation else self._now)

    def pause(self, seconds: float) -> None:
        """Let time pass, without waiting."""
        with self._lock:
            self._now += seconds
