"""One carrying-out of an exercise: the lab, a shell per node, facts, and where to tell what happens."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import TypeVar

from labgen.core.errors import ExerciseError, LabgenError
from labgen.core.polling import NotYet, wait_until
from labgen.docker import container_times, swarm
from labgen.docker.swarm import Service, SwarmNode, Task
from labgen.exercise.model import Exercise
from labgen.machines.inventory import Inventory
from labgen.model.lab import Node
from labgen.observation.causes import Topic
from provision.causes import explained
from provision.output import Say
from provision.shell import Shell

T = TypeVar("T")


class _Late(LabgenError):
    """A wait ran out."""


class Run:
    """One carrying-out of an exercise.

    :ivar notes: what one step leaves for a later one, by a name of its own.
    """

    def __init__(self, inventory: Inventory, exercise: Exercise, say: Say) -> None:
        self.inventory = inventory
        self.lab = inventory.lab
        self.exercise = exercise
        self.say = say
        self.notes: dict[str, str] = {}
        self._shells: dict[str, Shell] = {}

    def shell(self, node: Node) -> Shell:
        """Root's shell on a node: the same one each time."""
        return self._shells.setdefault(node.name, Shell(self.inventory, node))

    def another_shell(self, node: Node) -> Shell:
        """A shell of its own on a node, for what runs beside the steps."""
        return Shell(self.inventory, node)

    @property
    def manager(self) -> Shell:
        """Root's shell on the first manager."""
        return self.shell(self.lab.first_manager)

    def nodes(self) -> list[SwarmNode]:
        """The swarm's nodes, as the first manager tells them."""
        return swarm.nodes(self.manager.run)

    def service(self, name: str) -> Service:
        """A service, as it is now.

        :raises NotYet: there is none of that name.
        """
        service = swarm.service(self.manager.run, name)
        if service is None:
            raise NotYet(f"there is no service {name}")
        return service

    def lived(self, name: str) -> Service:
        """A service whose tasks say when their containers began and ended, by the first manager's clock.

        :raises NotYet: there is none of that name.
        :raises NodeError: a node cannot be asked.
        """
        service, ids = self.service(name), {node.name: node.id for node in self.nodes()}
        times = {}
        for node in self.lab.nodes:
            before = time.monotonic()
            text = self.shell(node).run(container_times.script(name))
            times[ids[node.name]] = container_times.read(text, (before, time.monotonic()))
        return container_times.dated(service, times, ids[self.lab.first_manager.name])

    def placed(self, service: Service) -> dict[str, list[Task]]:
        """Its running tasks by the name of the node they are on."""
        names = {node.id: node.name for node in self.nodes()}
        by_node: dict[str, list[Task]] = {}
        for task in service.running:
            by_node.setdefault(names.get(task.node_id, task.node_id), []).append(task)
        return by_node

    def host(self, task: Task) -> Node:
        """The lab's node that a task is on.

        :raises NotYet: it is on none yet, or on one that is not of the lab.
        """
        name = next((node.name for node in self.nodes() if node.id == task.node_id), "")
        for node in self.lab.nodes:
            if node.name == name:
                return node
        raise NotYet(f"task {task.id[:12]} is on no node of the lab")

    def wait(self, what: str, look: Callable[[], None], *, within: float = 60.0, hint: str = "") -> None:
        """Wait for something to be seen: :meth:`look` without what it gives."""
        self.look(what, look, within=within, hint=hint)

    def look(self, what: str, look: Callable[[], T], *, within: float = 60.0, hint: str = "") -> T:
        """Wait for something to be seen, and give it.

        :param look: returns it; raises :class:`labgen.core.polling.NotYet` with what is seen instead.
        :param within: deadline in seconds on an ordinary machine.
        :raises ExerciseError: it did not come, with the last thing seen.
        """
        names = [service.name for service in self.exercise.services]
        look_at = f"Look with: docker service ps --no-trunc {names[0]}" if names else "Look with: docker node ls"
        within = self.inventory.patience.seconds(within)
        try:
            return wait_until(what, look, within=within, error=_Late, hint=hint or look_at)
        except _Late as late:
            raise self.explained(ExerciseError(late.message, late.hint), {"tasks", "node"}) from None

    def explained(self, error: LabgenError, topics: Collection[Topic]) -> LabgenError:
        """Give an error that begins with its cause, where one is recognised; else the error as it is.

        :param topics: what the error is about.
        """
        return explained(error, self.lab, lambda node: self.shell(node).run, topics, self.exercise)
