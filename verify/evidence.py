"""What a run has seen, kept as it came: every question to a node with its answer, and the same asked again without.

The recording stands where the nodes stand (:class:`verify.hosts.Hosts`), so whatever the checks make of it can
be made of it again: by whoever doubts a grade, and by the tests of the checks. :mod:`verify.bundle` is the file.
"""

from __future__ import annotations

import re
import secrets
import sys
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol, runtime_checkable

from labgen import __version__, config
from labgen.core.atomic_files import read
from labgen.core.errors import LabgenError, NodeError
from labgen.core.redaction import TooManySecrets, redact
from labgen.core.workspace import State
from labgen.machines.inventory import Inventory
from labgen.model.lab import Lab, Node
from labgen.transport.observation import Observation
from labgen.transport.tracing import looked_at
from verify.hosts import LONGEST, Hosts

_MARK = re.compile(r"labgen-[0-9a-f]{16}")
"""What a script has that is not to be guessed, and so is another each time."""

_AT_MOST = 128 * 2**20
"""Bytes that the answers kept of one run may take in memory; those of ten thousand tasks take 20 million at a time."""


class Damaged(ValueError):
    """A bundle is not what it should be; the message says in which way."""


@dataclass
class Evidence:
    """A run's observations, and the lab they are of.

    :param lab_file: text of the lab's lab.yml, empty where it has none.
    :param nonce: what the teacher has given for this grading, empty where nothing was given.
    :param started: when the run began, in UTC.
    :param labgen: version of labgen that has made it.
    :param exercises: those that whoever started the run has named; empty where the lab's own were graded.
    """

    lab_file: str
    state: State
    observations: list[Observation] = field(default_factory=list)
    nonce: str = ""
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    labgen: str = __version__
    exercises: tuple[str, ...] = ()

    @classmethod
    def of(cls, inventory: Inventory, nonce: str = "") -> Evidence:
        """Make empty evidence for a lab that is up."""
        return cls(redact(read(inventory.folder.lab_file) or ""), inventory.state, nonce=nonce)

    @property
    def lab(self) -> Lab:
        """Give the lab as data."""
        return config.parse(self.lab_file)


@runtime_checkable
class Dated(Protocol):
    """Hosts that know when each answer came."""

    def moment(self, observation: Observation) -> datetime:
        """Give when something was observed, in UTC."""
        ...


class Recording:
    """Hosts whose every answer is kept.

    :ivar pause: waits some seconds; what waits takes it from here, because a replay's time is its own.
    """

    pause = staticmethod(time.sleep)

    def __init__(self, hosts: Hosts, evidence: Evidence) -> None:
        self._hosts = hosts
        self._evidence = evidence
        self._start = time.monotonic()
        self._lock = threading.Lock()
        self._kept = 0
        # Written down nowhere: nobody can find out by trial which secret a stand-in is for.
        self._key = secrets.token_bytes(16)

    def run(self, node: Node, script: str, *, within: float = 30.0) -> str:
        """Ask, keep, and hand on: what is judged is what is kept, without secrets."""
        try:
            out = self._redacted(node, self._hosts.run(node, script, within=within))
        except LabgenError as why:
            self._keep(node, script, "", (why.message, why.hint))
            raise
        self._keep(node, script, out, ("", ""))
        return out

    def _redacted(self, node: Node, out: str) -> str:
        # Graded again, it would be taken for the mark of the script, and forge the answer to it.
        out = out.replace(_SAME, "labgen-0")
        try:
            redacted = redact(out, self._key)
        except TooManySecrets:
            redacted = ""
        # Stand-ins are longer than short secrets.
        if (out and not redacted) or sys.getsizeof(redacted) > 2 * LONGEST:
            raise NodeError(f"{node.name} answered with more secrets than are cut out.", "What prints them there?")
        return redacted

    def close(self) -> None:
        """Close the hosts."""
        self._hosts.close()

    def clock(self) -> float:
        """Give the seconds since the beginning."""
        return time.monotonic() - self._start

    def moment(self, observation: Observation) -> datetime:
        """Give when something was observed, in UTC."""
        return self._evidence.started + timedelta(seconds=observation.since)

    def _keep(self, node: Node, script: str, out: str, error: tuple[str, str]) -> None:
        mark = _MARK.search(script)
        if mark:
            out = out.replace(mark[0], _SAME)
        redacted = (redact(error[0], self._key), redact(error[1], self._key))
        with self._lock:
            size = sys.getsizeof(out) + len(script)
            too_much = self._kept + size > _AT_MOST
            self._kept += 0 if too_much else size
            observation = Observation(
                node.name, _same(script), "" if too_much else out, redacted, round(self.clock(), 3), left_out=too_much
            )
            self._evidence.observations.append(observation)
        looked_at([observation])


class NotRecorded(NodeError):
    """Nobody had asked that when the evidence was taken."""


class Replay:
    """Hosts that answer from a recording; their time is the recording's, so nothing is waited for."""

    def __init__(self, evidence: Evidence) -> None:
        self._started = evidence.started
        self._answers: dict[tuple[str, str], list[Observation]] = {}
        for observation in evidence.observations:
            self._answers.setdefault((observation.node, observation.script), []).append(observation)
        self._asked: dict[tuple[str, str], int] = {}
        self._now = 0.0
        self._lock = threading.Lock()

    def run(self, node: Node, script: str, *, within: float = 30.0) -> str:
        """Give the answer of then: to the second asking the second answer, and so on.

        :raises NodeError: there was no answer then, or nobody asked.
        """
        del within
        return self._answer(node, script, time_passes=True)

    def beside(self, node: Node, script: str, *, within: float = 30.0) -> str:
        """Give the answer to a script that ran while others did: it comes first, and takes no time of theirs."""
        del within
        return self._answer(node, script, time_passes=False)

    def _answer(self, node: Node, script: str, *, time_passes: bool) -> str:
        key = (node.name, _same(script))
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
            raise NodeError(f"what {node.name} answered was too much to be kept.", "Grade the lab itself.")
        mark = _MARK.search(script)
        return observation.out.replace(_SAME, mark[0]) if mark else observation.out

    def close(self) -> None:
        """There is nothing to close."""

    def clock(self) -> float:
        """Give the seconds since the beginning, then."""
        return self._now

    def moment(self, observation: Observation) -> datetime:
        """Give when something was observed, in UTC."""
        return self._started + timedelta(seconds=observation.since)

    def pause(self, seconds: float) -> None:
        """Let that time pass."""
        with self._lock:
            self._now += seconds


_SAME = "labgen-" + "0" * 16


def _same(script: str) -> str:
    return redact(_MARK.sub(_SAME, script))
