"""What a swarm is like now: read-only facts from the engine's own JSON.

Provisioning decides by them, grading judges by them. Parsed tolerantly (what is missing is empty), but
an answer that is no JSON, or none at all, is an error that says what was seen.

Nothing here reads a join token: they are in ``/swarm``, which is never asked for.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from labgen.docker.api import Answer, as_list, as_object, ask, part, reading, text_of
from labgen.docker.hopeless import settled
from labgen.docker.model import LocalSwarm, Network, SwarmNode
from labgen.docker.question import Ask
from labgen.docker.tasks import PublishedPort, Service, Task, Update, run_of

__all__ = [
    "LocalSwarm",
    "Network",
    "PublishedPort",
    "Service",
    "Swarm",
    "SwarmNode",
    "Task",
    "Update",
    "local",
    "look",
    "networks",
    "nodes",
    "run_of",
    "service",
    "services",
]


@dataclass(frozen=True)
class Swarm:
    """A whole swarm at one moment, as a manager tells it.

    :param services: every service, by name.
    """

    nodes: tuple[SwarmNode, ...]
    networks: tuple[Network, ...]
    services: Mapping[str, Service]

    def settled(self, names: Collection[str]) -> bool:
        """Say whether the swarm is at rest: the state of every node is known, and the named services have settled.

        A service whose tasks fail again and again has settled.
        """
        nodes_known = all(node.state != "unknown" for node in self.nodes)
        return nodes_known and all(settled(service) for name, service in self.services.items() if name in names)

    def node(self, node_id: str) -> SwarmNode | None:
        """Give the node of that id."""
        return next((node for node in self.nodes if node.id == node_id), None)


def local(ask_node: Ask) -> LocalSwarm:
    """Ask an engine for the swarm as it sees it; it need not be a manager.

    :raises NodeError: the engine does not answer.
    """
    answer = _ask_one(ask_node, "/info")
    with reading("/info"):
        return LocalSwarm.of(part(as_object(answer, "/info"), "Swarm"))


def nodes(ask_node: Ask) -> list[SwarmNode]:
    """Ask for every node of the swarm.

    :raises SwarmError: the node asked is not a manager.
    :raises NodeError: the engine does not answer.
    """
    answer = _ask_one(ask_node, "/nodes")
    with reading("/nodes"):
        return [SwarmNode.of(entry) for entry in as_list(answer, "/nodes")]


def networks(ask_node: Ask) -> list[Network]:
    """Ask for every network that this engine knows, on a manager also those of the swarm.

    :raises NodeError: the engine does not answer.
    """
    answer = _ask_one(ask_node, "/networks")
    with reading("/networks"):
        return [Network.of(entry) for entry in as_list(answer, "/networks")]


def service(ask_node: Ask, name: str) -> Service | None:
    """Ask for a service with its tasks, ``None`` if there is none of that name.

    :raises SwarmError: the node asked is not a manager.
    :raises NodeError: the engine does not answer.
    """
    answers = ask(ask_node, _service_paths(name))
    with reading(f"/services/{name}"):
        return _service(answers, name)


def services(ask_node: Ask) -> list[Service]:
    """Ask for every service of the swarm, without its tasks.

    :raises SwarmError: the node asked is not a manager.
    :raises NodeError: the engine does not answer.
    """
    answer = _ask_one(ask_node, "/services")
    with reading("/services"):
        return [Service.of(entry) for entry in as_list(answer, "/services")]


def look(ask_node: Ask) -> Swarm:
    """Ask for everything at once, in one command that is the same for every swarm.

    :raises SwarmError: the node asked is not a manager.
    :raises NodeError: the engine does not answer.
    """
    paths = ("/nodes", "/networks", "/services", "/tasks")
    answers = ask(ask_node, paths)
    with reading("the engine"):
        return _swarm({path: as_list(answers[path].value(path), path) for path in paths})


def _swarm(lists: Mapping[str, Sequence[Mapping[str, Any]]]) -> Swarm:
    tasks: dict[str, list[Task]] = {}
    for task in map(Task.of, lists["/tasks"]):
        tasks.setdefault(task.service_id, []).append(task)
    listed = [Service.of(entry, _in_order(tasks.get(text_of(entry, "ID"), ()))) for entry in lists["/services"]]
    return Swarm(
        nodes=tuple(map(SwarmNode.of, lists["/nodes"])),
        networks=tuple(map(Network.of, lists["/networks"])),
        services={entry.name: entry for entry in listed},
    )


def _ask_one(ask_node: Ask, path: str) -> Any:
    return ask(ask_node, [path])[path].value(path)


def _service_paths(name: str) -> list[str]:
    filters = json.dumps({"service": [name]})
    return [f"/services/{quote(name, safe='')}", f"/tasks?filters={quote(filters, safe='')}"]


def _service(answers: Mapping[str, Answer], name: str) -> Service | None:
    at, tasks_at = _service_paths(name)
    if answers[at].status == 404:
        return None
    body = as_object(answers[at].value(at), at)
    # The engine also finds a service by its id, or the beginning of one.
    if text_of(part(body, "Spec"), "Name") != name:
        return None
    # A service removed between the two questions has no tasks any more.
    gone = answers[tasks_at].status == 404
    tasks = [] if gone else [Task.of(entry) for entry in as_list(answers[tasks_at].value(tasks_at), tasks_at)]
    return Service.of(body, _in_order(tasks))


def _in_order(tasks: Iterable[Task]) -> list[Task]:
    return sorted(tasks, key=lambda task: (task.slot, str(task.created)))
