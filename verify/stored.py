"""What the engines of the nodes have: containers and images, each asked of the node that has them.

A manager's word of a task is held against it: the container of a task that runs is there, and of the image that the
task names.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from labgen.core.errors import LabgenError
from labgen.docker import api
from labgen.docker.api import Answer, as_list, text_of
from labgen.docker.swarm import Service, Task
from labgen.model.lab import Node
from verify.cached import Cached, side_by_side

if TYPE_CHECKING:
    from verify.exam import Exam

_CONTAINERS, _IMAGES = "/containers/json?all=1", "/images/json"


@dataclass(frozen=True)
class StoredContainer:
    """A container, running or not.

    :param image: as it was asked for; ``image_id``: which it is.
    :param state: ``running``, ``exited`` …
    """

    id: str
    names: tuple[str, ...]
    image: str
    image_id: str
    state: str
    labels: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> StoredContainer:
        """Read an entry of ``/containers/json``."""
        return cls(
            id=text_of(answer, "Id"),
            names=tuple(str(name).lstrip("/") for name in answer.get("Names") or ()),
            image=text_of(answer, "Image"),
            image_id=text_of(answer, "ImageID"),
            state=text_of(answer, "State"),
            labels=dict(answer.get("Labels") or {}),
        )


class Stored:
    """Containers and images of each node, asked once: all nodes at the same time."""

    def __init__(self, exam: Exam) -> None:
        self._exam = exam
        self._answers: dict[str, Cached[Mapping[str, Answer]]] = {}

    def containers(self, node: Node) -> tuple[StoredContainer, ...]:
        """Give the containers on a node, running or not; none where no engine runs.

        :raises NodeError: its engine does not answer.
        """
        return _containers(self._fetch(node)) if self._exam.facts(node).engine_running else ()

    def images(self, node: Node) -> dict[str, str]:
        """Give the id of each image on a node, by each of its references; none where no engine runs.

        :raises NodeError: its engine does not answer.
        """
        if not self._exam.facts(node).engine_running:
            return {}
        images = as_list(self._fetch(node)[_IMAGES].value(_IMAGES), _IMAGES)
        return {
            str(name): text_of(image, "Id")
            for image in images
            for name in (*(image.get("RepoTags") or ()), *(image.get("RepoDigests") or ()))
        }

    def absent(self, service: Service) -> list[Task]:
        """Find tasks of a service that the manager says to run and whose container their node does not have.

        A task may have ended between the two answers: both are asked once more before it counts. A node that cannot be
        asked contradicts nobody.
        """
        absent = [task for task in service.running if not self._runs(task)]
        if not absent:
            return []
        latest = self._exam.service(service.name)
        running = {task.id for task in latest.running} if latest else set()
        for node in {node.name: node for task in absent if (node := self._exam.host(task))}.values():
            self._answers[node.name] = Cached(partial(self._ask, node))
        return [task for task in absent if task.id in running and not self._runs(task)]

    def image_ids(self, tasks: tuple[Task, ...]) -> dict[str, str]:
        """Give the id of the image that each task's container was made from; without containers that are gone."""
        ids = {}
        for task in tasks:
            for container in self._around(task) or ():
                if container.id == task.container_id and container.image_id:
                    ids[task.id] = container.image_id
        return ids

    def _runs(self, task: Task) -> bool:
        containers = self._around(task)
        return containers is None or any(
            container.id == task.container_id and container.state == "running" for container in containers
        )

    def _around(self, task: Task) -> tuple[StoredContainer, ...] | None:
        """Give the containers on a task's node; ``None`` where no node of the lab tells them."""
        node = self._exam.host(task)
        with suppress(LabgenError):
            return self.containers(node) if node and self._exam.facts(node).engine_running else None
        return None

    def _fetch(self, node: Node) -> Mapping[str, Answer]:
        if node.name not in self._answers:
            targets = [
                candidate
                for candidate in self._exam.lab.nodes
                if candidate.name not in self._answers and (candidate == node or self._may_be_asked(candidate))
            ]
            self._answers |= side_by_side(targets, self._ask)
        return self._answers[node.name].get()

    def _may_be_asked(self, node: Node) -> bool:
        # To ask an engine that does not run would start it: its socket is systemd's.
        return self._exam.answers(node) and self._exam.facts(node).engine_running

    def _ask(self, node: Node) -> Mapping[str, Answer]:
        return api.ask(partial(self._exam.ask_node, node), [_CONTAINERS, _IMAGES])


def _containers(answers: Mapping[str, Answer]) -> tuple[StoredContainer, ...]:
    return tuple(map(StoredContainer.of, as_list(answers[_CONTAINERS].value(_CONTAINERS), _CONTAINERS)))
