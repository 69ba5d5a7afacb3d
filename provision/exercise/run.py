"""One carrying-out of an exercise: the lab, a shell per node, facts, and where to tell what happens."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import TypeVar

from labgen.core.errors import ExerciseError, LabgenError
from labgen.core.i18n import Text, _, shown
from labgen.core.polling import NotYet, wait_until
from labgen.docker import container_times, swarm
from labgen.docker.swarm import Service, SwarmNode, Task
from labgen.exercise.model import Exercise
from labgen.exercise.parameters import P
from labgen.machines.inventory import Inventory
from labgen.model.lab import Node
from labgen.observation.causes import Topic
from labgen.transport.output import Say
from provision.causes import explained
from provision.shell import Shell

T = TypeVar("T")


class _Late(LabgenError):
    """The deadline of a wait passed."""


def look_with(command: str) -> Text:
    """Compose the hint to look with a command."""
    return _("Look with: %(command)s", command=command)


class Run:
    """One carrying-out of an exercise.

    :ivar notes: what one step leaves for a later one, by a name of its own.
    """

    def __init__(self, inventory: Inventory, exercise: Exercise, say: Say) -> None:
        self.inventory = inventory
        self.lab = inventory.lab
        self.exercise = exercise
        self._say = say
        self.notes: dict[str, str] = {}
        self._shells: dict[str, Shell] = {}

    def say(self, line: str | Text) -> None:
        """Print a line in the learner's language."""
        self._say(shown(line))

    def tell(self, observation: str | Text) -> None:
        """Print what was seen, below the command."""
        self._say(f"  {shown(observation)}")

    def remark(self, words: str | Text) -> None:
        """Print why a command follows that is no step of the exercise."""
        self._say(f"# {shown(words)}")

    @property
    def start_over(self) -> Text:
        """The hint to begin the exercise again from nothing."""
        return _("Start the exercise over: fab exercise.reset %(exercise)s", exercise=self.exercise.name)

    @property
    def correct_or_reset(self) -> Text:
        """The hint to correct what differs by hand, or to remove it."""
        return _("Correct it by hand, or remove it with: fab exercise.reset %(exercise)s", exercise=self.exercise.name)

    def parameters(self, kind: type[P]) -> P:
        """Give the parameters of the exercise.

        :param kind: the class that the exercise declares for them.
        """
        parameters = self.exercise.parameters
        if not isinstance(parameters, kind):
            raise TypeError(f"{self.exercise.name} has {type(parameters)}, not {kind}")
        return parameters

    def shell(self, node: Node) -> Shell:
        """Return root's shell on a node: the same one each time."""
        return self._shells.setdefault(node.name, Shell(self.inventory, node))

    def another_shell(self, node: Node) -> Shell:
        """Return a new shell on a node, for what runs beside the steps."""
        return Shell(self.inventory, node)

    @property
    def manager(self) -> Shell:
        """Root's shell on the first manager."""
        return self.shell(self.lab.first_manager)

    def nodes(self) -> list[SwarmNode]:
        """Ask the first manager for the swarm's nodes."""
        return swarm.nodes(self.manager.ask)

    def service(self, name: str) -> Service:
        """Read a service as it is now.

        :raises NotYet: there is none of that name.
        """
        service = swarm.service(self.manager.ask, name)
        if service is None:
            raise NotYet(_("there is no service %(service)s", service=name))
        return service

    def lived(self, name: str) -> Service:
        """Read a service whose tasks know when their containers began and ended, by the first manager's clock.

        :raises NotYet: there is none of that name.
        :raises NodeError: a node cannot be asked.
        """
        service, ids = self.service(name), {node.name: node.id for node in self.nodes()}
        times = {}
        for node in self.lab.nodes:
            before = time.monotonic()
            text = self.shell(node).ask(container_times.question(name))
            times[ids[node.name]] = container_times.read(text, (before, time.monotonic()))
        return container_times.dated(service, times, ids[self.lab.first_manager.name])

    def placed(self, service: Service) -> dict[str, list[Task]]:
        """Group the running tasks of a service by the name of their node."""
        names = {node.id: node.name for node in self.nodes()}
        by_node: dict[str, list[Task]] = {}
        for task in service.running:
            by_node.setdefault(names.get(task.node_id, task.node_id), []).append(task)
        return by_node

    def host(self, task: Task) -> Node:
        """Find the lab's node that a task is on.

        :raises NotYet: it is on none yet, or on one that is not of the lab.
        """
        name = next((node.name for node in self.nodes() if node.id == task.node_id), "")
        for node in self.lab.nodes:
            if node.name == name:
                return node
        raise NotYet(_("task %(task)s is on no node of the lab", task=task.id[:12]))

    def wait(self, what: str | Text, look: Callable[[], None], *, within: float = 60.0, hint: str | Text = "") -> None:
        """Wait until ``look`` returns, and discard its result."""
        self.look(what, look, within=within, hint=hint)

    def look(self, what: str | Text, look: Callable[[], T], *, within: float = 60.0, hint: str | Text = "") -> T:
        """Wait until ``look`` returns, and give its result.

        :param look: returns it; raises :class:`labgen.core.polling.NotYet` with what is seen instead.
        :param within: deadline in seconds on an ordinary machine.
        :raises ExerciseError: it did not come, with the last thing seen.
        """
        names = [service.name for service in self.exercise.services]
        look_at = f"docker service ps --no-trunc {names[0]}" if names else "docker node ls"
        within = self.inventory.patience.seconds(within)
        try:
            return wait_until(what, look, within=within, error=_Late, hint=hint or look_with(look_at))
        except _Late as late:
            raise self.explained(ExerciseError(late.words, late.hints), {"tasks", "node"}) from None

    def explained(self, error: LabgenError, topics: Collection[Topic]) -> LabgenError:
        """Put the cause before an error, if it is recognised; else return the error unchanged.

        :param topics: what the error is about.
        """
        return explained(error, self.lab, lambda node: self.shell(node).ask, topics, self.exercise)
