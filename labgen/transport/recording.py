"""Every question to a node with its answer, kept as it came."""

from __future__ import annotations

import re
import secrets
import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from labgen.core.errors import LabgenError, NodeError
from labgen.core.i18n import _
from labgen.core.redaction import TooManySecrets, redact
from labgen.docker.question import Question
from labgen.model.lab import Node
from labgen.transport.observation import Observation
from labgen.transport.protocol import LONGEST, Transport
from labgen.transport.tracing import looked_at

MARK = re.compile(r"labgen-[0-9a-f]{16}")
"""What a script contains that cannot be guessed, and is another each time."""

SAME_MARK = "labgen-" + "0" * 16
"""What is recorded in place of such a mark."""

_AT_MOST = 128 * 2**20
"""Bytes that the answers of one run may take in memory; those of ten thousand tasks take 20 million at a time."""


class Recording(Transport):
    """A transport whose answers are recorded, without secrets, before anyone sees them.

    :param transport: what answers.
    :param observations: where the answers are recorded, in the order in which they come.
    :param started: when the recording began, in UTC.
    """

    def __init__(self, transport: Transport, observations: list[Observation], started: datetime) -> None:
        self._transport = transport
        self._observations = observations
        self._started = started
        self._start = time.monotonic()
        self._lock = threading.Lock()
        self._size = 0
        # Written down nowhere: nobody can find out by trial which secret a stand-in is for.
        self._key = secrets.token_bytes(16)

    def run(self, node: Node, script: str, *, within: float = 30.0) -> str:
        """Run a script, and record what it printed."""
        return self._record(node, script, lambda: self._transport.run(node, script, within=within))

    def ask(self, node: Node, question: Question, *, within: float = 30.0) -> str:
        """Ask a node something, and record the answer as that to the question's script."""
        return self._record(node, question.script, lambda: self._transport.ask(node, question, within=within))

    def beside(self, node: Node, script: str, *, within: float = 30.0) -> str:
        """Run a script beside others, and record what it printed."""
        return self._record(node, script, lambda: self._transport.beside(node, script, within=within))

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def clock(self) -> float:
        """Return the seconds since the recording began."""
        return time.monotonic() - self._start

    def moment(self, observation: Observation | None = None) -> datetime:
        """Return when something was observed, in UTC."""
        return self._started + timedelta(seconds=observation.since if observation else self.clock())

    def _record(self, node: Node, script: str, ask: Callable[[], str]) -> str:
        try:
            out = self._redacted(node, ask())
        except LabgenError as error:
            self._keep(node, script, "", (error.message, error.hint))
            raise
        self._keep(node, script, out, ("", ""))
        return out

    def _redacted(self, node: Node, out: str) -> str:
        # Graded again, it would be taken for the mark of the script, and forge the answer to it.
        out = out.replace(SAME_MARK, "labgen-0")
        try:
            redacted = redact(out, self._key)
        except TooManySecrets:
            redacted = ""
        # Stand-ins are longer than short secrets.
        if (out and not redacted) or sys.getsizeof(redacted) > 2 * LONGEST:
            raise NodeError(
                _("the answer of %(node)s has more secrets than labgen can remove.", node=node.name),
                _("Find out what prints them there."),
            )
        return redacted

    def _keep(self, node: Node, script: str, out: str, error: tuple[str, str]) -> None:
        mark = MARK.search(script)
        if mark:
            out = out.replace(mark[0], SAME_MARK)
        redacted = (redact(error[0], self._key), redact(error[1], self._key))
        with self._lock:
            size = sys.getsizeof(out) + len(script)
            too_much = self._size + size > _AT_MOST
            self._size += 0 if too_much else size
            since = round(self.clock(), 3)
            text = "" if too_much else out
            observation = Observation(node.name, recorded_form(script), text, redacted, since, left_out=too_much)
            self._observations.append(observation)
        looked_at([observation])


def recorded_form(script: str) -> str:
    """Return a script as it is recorded: without secrets, its mark replaced by the one that is the same each time."""
    return redact(MARK.sub(SAME_MARK, script))
