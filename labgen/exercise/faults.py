"""Faults: what can go wrong in an exercise, how it is brought about, and which checks must notice it.

The module ``faults`` in an exercise's folder lists them as ``FAULTS``, each once, for two labs: one that is up, whose
nodes somebody acts on, and the recording of one that is right (``recording.jsonl``), in which the answers are edited::

    from labgen.exercise import fault_acts as acts, fault_edits as edits
    from labgen.exercise.faults import Fault

    FAULTS = (
        Fault(
            "one replica short",
            fail=("running",),
            blocked=("answers",),
            on_nodes=lambda lab: lab.serve("greeting", "--replicas 1 nginx", running=1),
            on_recording=edits.replicas("greeting", 1),
        ),
    )

This module is data and protocols. What grades recordings is in ``tests/unit/verify``, what acts on nodes in
``tests/e2e/sabotage``.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from labgen.docker.availability import Stretch
from labgen.docker.question import Question
from labgen.docker.swarm import Swarm
from labgen.exercise.catalogue import import_part
from labgen.exercise.model import Exercise
from labgen.model.capabilities import Capability
from labgen.model.lab import Lab, Node

MANAGER, WORKER1, WORKER2 = "swarm-manager", "swarm-worker1", "swarm-worker2"
"""Names of the nodes of the course's lab, on which faults are brought about."""


class LiveLab(Protocol):
    """A lab that is up, with an exercise carried out on it."""

    @property
    def lab(self) -> Lab:
        """The lab as data."""
        ...

    @property
    def nodes(self) -> Sequence[Node]:
        """Its nodes; the first manager is the first."""
        ...

    def node(self, name: str) -> Node:
        """Find a node by its name."""
        ...

    def on(self, name: str, *lines: str, within: float = 90) -> str:
        """Run lines of shell as root on a node until one fails; give what they printed.

        :raises NodeError: one failed, or the node does not answer.
        """
        ...

    def ask(self, name: str, question: Question) -> str:
        """Ask a node something that is more than a script: its engine, say.

        :raises NodeError: it does not answer.
        """
        ...

    def manager(self, *lines: str, within: float = 90) -> str:
        """Run lines of shell on the first manager, as :meth:`on` does."""
        ...

    def labgen(self, *words: str, within: float = 900) -> str:
        """Run a command of labgen's for this lab; give what it printed.

        :raises LabgenError: it failed.
        """
        ...

    def swarm(self) -> Swarm:
        """Ask the first manager for the swarm.

        :raises LabgenError: it does not answer, or nobody leads.
        """
        ...

    def wait(self, what: str, condition: Callable[[Swarm], bool], *, within: float = 90) -> None:
        """Wait until something is true of the swarm."""
        ...

    def wait_until(self, what: str, look: Callable[[], None], *, within: float = 90) -> None:
        """Wait until a look no longer raises NotYet; ``within`` is of an ordinary computer's seconds."""
        ...

    def settled(self, service: str, running: int, *, within: float = 90) -> None:
        """Wait until so many tasks of a service run, and no update goes on."""
        ...

    def missed(self, name: str) -> None:
        """Wait until the manager has noticed that a node does not answer."""
        ...

    def remove(self, *services: str) -> None:
        """Remove services, whether they exist or not, and wait until the swarm lists none of them."""
        ...

    def serve(self, name: str, create: str, running: int) -> None:
        """Remove a service, create it again, and wait until a number of its tasks run.

        :param create: options, image and command, as they are typed.
        """
        ...

    def join(self, name: str, *options: str, port: int = 2377) -> None:
        """Join a node that has left the swarm, as a worker."""
        ...


class RecordedLab(Protocol):
    """The recording of a right lab; what its nodes answered can be changed before it is graded.

    A change is given the answer. It changes that in place, or returns what is to stand instead; an item for which it
    returns :data:`MISSING` is not there.
    """

    @property
    def lab(self) -> Lab:
        """The lab as data."""
        ...

    @property
    def started(self) -> datetime:
        """When the grading began that was recorded."""
        ...

    @property
    def ended(self) -> datetime:
        """When the last answer came that was recorded."""
        ...

    def says(self, script: str, change: Callable[[str], str], *, node: str = "") -> None:
        """Change what every script printed that a pattern is found in; with ``node``, on that node only."""
        ...

    def script(self, pattern: str) -> tuple[str, str]:
        """Find the first script that a pattern is found in, and what it printed."""
        ...

    def answers(self, node: Node, texts: Mapping[str, str]) -> None:
        """Add that a node was asked these scripts as well, and printed this."""
        ...

    def repeated(self, pattern: str, *nodes: str) -> None:
        """Add that these nodes answered the first script that a pattern is found in just as the node that was asked."""
        ...

    def facts(self, node: str, part: str, change: Callable[[str], str]) -> None:
        """Change a part of what a node said of itself: ``hostname``, ``links``, ``sockets``."""
        ...

    def engine(self, path: str, change: Callable[[Any], Any], *, node: str = "") -> None:
        """Change what engines answered to every path of the API that a pattern matches in full."""
        ...

    def service(self, name: str, change: Callable[[Any], Any]) -> None:
        """Change a service."""
        ...

    def tasks(self, name: str, change: Callable[[Any], Any]) -> None:
        """Change the list of a service's tasks."""
        ...

    def containers(self, change: Callable[[dict[str, Any]], Any]) -> None:
        """Change each container that nodes were asked for: its ``id`` and ``state``."""
        ...

    def container_lists(self, change: Callable[[list[dict[str, Any]]], Any]) -> None:
        """Change the list of containers of every node."""
        ...

    def gone(self, name: str) -> None:
        """Take a service out."""
        ...

    def has(self, capability: Capability) -> None:
        """Say that the nodes have a capability that they lacked."""
        ...

    def meshed(self, port: int, *stretches: Stretch) -> None:
        """Say that the nodes have the routing mesh, and how requests were answered while a check acted."""
        ...

    def served(
        self, port: int, pages: Sequence[str], *, shut: Collection[str] = (), unanswered: Collection[str] = ()
    ) -> None:
        """Say that the nodes have the routing mesh, and which pages come from a port, in turn.

        :param shut: names of nodes on which the port is open on the loopback only.
        :param unanswered: names of nodes that do not answer the first manager.
        """
        ...

    def asked_alone(self, name: str) -> None:
        """Add that the manager was asked for a service alone, at the end."""
        ...

    def now(self) -> datetime:
        """When the swarm was looked at, by the manager's clock."""
        ...


MISSING = object()
"""What a change returns for an item that is not there."""

QUICK = "on nodes it takes about half a minute, and another fault turns the same checks there"
BY_CHANCE = "nodes get into it by chance, not on demand"
NO_FAULT = "nothing is wrong, and no check may turn"
"""Why a fault is brought about in a recording only."""

SAME_ANSWERS = "in a recording it looks like another fault of the list"
MANY_ANSWERS = "in a recording the answers to many scripts would have to be made up"
"""Why a fault is brought about on nodes only."""

Act = Callable[[LiveLab], None]
Edit = Callable[[RecordedLab], Any]


def nothing(_: LiveLab) -> None:
    """Leave the lab as it is: the next fault does not mind."""


@dataclass(frozen=True)
class Fault:
    """A fault, and every check that has another verdict because of it; all others keep theirs.

    A check is named within the exercise (``running``, ``pages[swarm-worker1]``; ``pages`` for every node), one of the
    swarm in full (``cluster.names[swarm-worker1]``). A check that is not applicable to the nodes stays so.

    :param title: what somebody did, or what happened; no other fault of the exercise has the same.
    :param fail: the checks that fail; likewise ``blocked`` and ``inconclusive``.
    :param on_nodes: brings it about on nodes.
    :param mend: makes the lab right again on nodes, where the next fault needs that.
    :param on_recording: brings it about in a recording.
    :param only: why one of the two is missing.
    :param needs: what nodes must be able to do for it to be seen there.
    :param cause: name of the cause that a failing check must begin with, on nodes if it can be brought about there;
        empty where any will do.
    :param exercise: its exercise; empty in an exercise's own folder.
    """

    title: str
    fail: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()
    inconclusive: tuple[str, ...] = ()
    on_nodes: Act | None = None
    mend: Act = nothing
    on_recording: Edit | None = None
    only: str = ""
    needs: tuple[Capability, ...] = ()
    cause: str = ""
    exercise: str = ""

    def __post_init__(self) -> None:
        """See that it can be brought about, and that a missing way has its reason.

        :raises ValueError: it cannot be, or has none, or has one too many.
        """
        ways = (self.on_nodes is not None) + (self.on_recording is not None)
        if not ways:
            raise ValueError(f"{self.title}: nothing brings it about")
        if bool(self.only) is (ways == 2):
            raise ValueError(
                f"{self.title}: `only` says why one of on_nodes and on_recording is missing, and nothing else"
            )

    def turns(self, checks: Iterable[str]) -> dict[str, str]:
        """Give the id of every check that it turns, with its verdict.

        :param checks: ids of the checks of the lab: ``loadbalance.pages[swarm-worker1]``.
        :raises ValueError: it names a check that there is not.
        """
        ids = list(checks)
        verdicts = {"fail": self.fail, "blocked": self.blocked, "inconclusive": self.inconclusive}
        return {
            check: verdict for verdict, names in verdicts.items() for name in names for check in self._expand(name, ids)
        }

    def _expand(self, name: str, checks: Sequence[str]) -> list[str]:
        full = name if "." in name else f"{self.exercise}.{name}"
        matching = [check for check in checks if full in (check, check.partition("[")[0])]
        if not matching:
            raise ValueError(f"{self.title}: there is no check {full}")
        return matching


def faults_of(exercise: Exercise) -> tuple[Fault, ...]:
    """Give the faults of an exercise; of one from elsewhere that has no module ``faults``, none.

    :raises ExerciseError: the module cannot be imported: names file and line.
    """
    if importlib.util.find_spec(f"{exercise.package}.faults") is None:
        return ()
    return tuple(replace(fault, exercise=exercise.name) for fault in import_part(exercise, "faults").FAULTS)
