"""What a run has seen, kept as it came: every question to a node with its answer, and the same asked again without.

A replay stands where the nodes stand (:class:`labgen.transport.protocol.Transport`), so whatever the checks make of a
recording can be made of it again: by anyone who doubts a grade, and by the tests of the checks. :mod:`verify.bundle`
is the file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from labgen import __version__, config
from labgen.core.atomic_files import read
from labgen.core.redaction import redact
from labgen.exercise.catalogue import Values
from labgen.machines.inventory import Inventory
from labgen.model.lab import Lab
from labgen.model.lab_folder import State
from labgen.model.proxy import without_password
from labgen.transport.observation import Observation
from labgen.transport.protocol import Transport
from labgen.transport.recording import Recording
from labgen.transport.replay import Replay


def parameters_of(evidence: Evidence) -> str:
    """Say with which parameters evidence was made: ``recovery.port=8101, stack.port=18090``."""
    values = [
        f"{name}.{parameter}={value}"
        for name, values in sorted(evidence.parameters.items())
        for parameter, value in sorted(values.items())
    ]
    return ", ".join(values) or "the course's parameters"


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
    :param parameters: values that exercises had instead of the course's, by exercise and parameter.
    """

    lab_file: str
    state: State
    observations: list[Observation] = field(default_factory=list)
    nonce: str = ""
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    labgen: str = __version__
    exercises: tuple[str, ...] = ()
    parameters: Values = field(default_factory=dict)

    @classmethod
    def of(cls, inventory: Inventory, nonce: str = "") -> Evidence:
        """Make empty evidence for a lab that is up."""
        return cls(redact(without_password(read(inventory.folder.lab_file) or "")), inventory.state, nonce=nonce)

    @property
    def lab(self) -> Lab:
        """Give the lab as data."""
        return config.parse(self.lab_file)

    def recording(self, transport: Transport) -> Recording:
        """Make a transport that records into this evidence what another one answers."""
        return Recording(transport, self.observations, self.started)

    def replay(self) -> Replay:
        """Make a transport that answers as the nodes did then."""
        return Replay(self.observations, self.started)
