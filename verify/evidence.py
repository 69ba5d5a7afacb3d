"""What a run has seen, kept as it came: every question to a node with its answer, and the same asked again without.

The recording stands where the nodes stand (:class:`verify.hosts.Hosts`), so whatever the checks make of it can
be made of it again: by whoever doubts a grade, and by the tests of the checks.
"""

from __future__ import annotations

import json
import re
import threading
import time
from dataclasses import asdict, dataclass, field
from typing import Any

from labgen import labfile
from labgen.capabilities import Capability
from labgen.errors import LabgenError, NodeError
from labgen.files import read
from labgen.folder import State
from labgen.inventory import Inventory
from labgen.lab import Lab, Node
from verify.hosts import Hosts

SCHEMA = "labgen.evidence"
VERSION = 1

_MARK = re.compile(r"labgen-[0-9a-f]{16}")
"""What a script has that is not to be guessed, and so is another each time."""


@dataclass(frozen=True)
class Observation:
    """One question to a node, and its answer.

    :param script: what was run there, its mark replaced by one that is the same each time.
    :param out: what it printed; empty where there was no answer.
    :param error: why there was none, and the way out; both empty where there was one.
    :param since: seconds from the beginning of the run to the answer.
    """

    node: str
    script: str
    out: str
    error: tuple[str, str]
    since: float


@dataclass
class Evidence:
    """A run's observations, and the lab they are of.

    :param lab_file: text of the lab's lab.yml, empty where it has none.
    """

    lab_file: str
    state: State
    observations: list[Observation] = field(default_factory=list)

    @classmethod
    def of(cls, there: Inventory) -> Evidence:
        """An empty one, for a lab that is up."""
        return cls(read(there.folder.lab_file) or "", there.state)

    @property
    def lab(self) -> Lab:
        """The lab as data."""
        return labfile.parse(self.lab_file)

    def to_json(self) -> str:
        """As it is kept."""
        told = {
            "schema": SCHEMA,
            "version": VERSION,
            "lab_file": self.lab_file,
            "state": asdict(self.state),
            "observations": [asdict(one) for one in self.observations],
        }
        return json.dumps(told, ensure_ascii=False, indent=1)

    @classmethod
    def from_json(cls, text: str) -> Evidence:
        """What :meth:`to_json` wrote.

        :raises ValueError: it is something else, or of a version that is not known here.
        """
        told: Any = json.loads(text)
        if not isinstance(told, dict) or told.get("schema") != SCHEMA:
            raise ValueError("this is no evidence of a labgen grading")
        if told.get("version") != VERSION:
            raise ValueError(f"this evidence has version {told.get('version')}; known here is {VERSION}")
        try:
            state = told["state"]
            lacks = {Capability(name): str(why) for name, why in state["lacks"].items()}
            observations = [Observation(**{**one, "error": tuple(one["error"])}) for one in told["observations"]]
            return cls(told["lab_file"], State(**{**state, "lacks": lacks}), observations)
        except (KeyError, TypeError, ValueError, AttributeError) as why:
            raise ValueError(f"this evidence is damaged: {why}") from None


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

    def run(self, node: Node, script: str, *, within: float = 30.0) -> str:
        """Ask, keep, and hand on."""
        try:
            out = self._hosts.run(node, script, within=within)
        except LabgenError as why:
            self._keep(node, script, "", (why.message, why.hint))
            raise
        self._keep(node, script, out, ("", ""))
        return out

    def close(self) -> None:
        """Close the hosts."""
        self._hosts.close()

    def clock(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._start

    def _keep(self, node: Node, script: str, out: str, error: tuple[str, str]) -> None:
        mark = _MARK.search(script)
        if mark:
            out = out.replace(mark[0], _SAME)
        with self._lock:
            seen = Observation(node.name, _same(script), out, error, round(self.clock(), 3))
            self._evidence.observations.append(seen)


class Replay:
    """Hosts that answer from a recording; their time is the recording's, so nothing is waited for."""

    def __init__(self, evidence: Evidence) -> None:
        self._answers: dict[tuple[str, str], list[Observation]] = {}
        for one in evidence.observations:
            self._answers.setdefault((one.node, one.script), []).append(one)
        self._asked: dict[tuple[str, str], int] = {}
        self._now = 0.0
        self._lock = threading.Lock()

    def run(self, node: Node, script: str, *, within: float = 30.0) -> str:
        """What was answered then: to the second asking the second answer, and so on.

        :raises NodeError: there was no answer then, or nobody asked.
        """
        del within
        return self._answer(node, script, time_passes=True)

    def beside(self, node: Node, script: str, *, within: float = 30.0) -> str:
        """The same for a script that ran while others did: it is answered before them, and takes no time of theirs."""
        del within
        return self._answer(node, script, time_passes=False)

    def _answer(self, node: Node, script: str, *, time_passes: bool) -> str:
        key = (node.name, _same(script))
        with self._lock:
            there = self._answers.get(key)
            if not there:
                raise NodeError(
                    f"nothing was recorded of {node.name} for: {script.strip()[:80]}",
                    "The evidence is of other checks, or of another version of labgen.",
                )
            at = self._asked.get(key, 0)
            self._asked[key] = at + 1
            one = there[min(at, len(there) - 1)]
            if time_passes:
                self._now = max(self._now, one.since)
        if one.error[0]:
            raise NodeError(*one.error)
        mark = _MARK.search(script)
        return one.out.replace(_SAME, mark[0]) if mark else one.out

    def close(self) -> None:
        """There is nothing to close."""

    def clock(self) -> float:
        """Seconds since the beginning, then."""
        return self._now

    def pause(self, seconds: float) -> None:
        """Let that time pass."""
        with self._lock:
            self._now += seconds


_SAME = "labgen-" + "0" * 16


def _same(script: str) -> str:
    return _MARK.sub(_SAME, script)
