"""Containers and images of the nodes, asked once, and a manager's word held against them."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from labgen.core.errors import NodeError
from labgen.docker.question import Question
from labgen.docker.swarm import Service, Task
from tests.past import service, task
from verify.stored import Stored, StoredContainer

NODES = tuple(SimpleNamespace(name=name) for name in ("m", "w1", "w2"))
MANAGER, W1, W2 = NODES


def answers(containers: list[dict[str, Any]], images: list[dict[str, Any]]) -> str:
    return "".join(f"{json.dumps(body)}\n\n200\n" for body in (containers, images))


class Lab:
    """As much of an exam as is asked: each node's containers and images, and how often they were asked for."""

    def __init__(self, **containers: list[dict[str, Any]]) -> None:
        self.lab = SimpleNamespace(nodes=NODES)
        self.containers = containers
        self.asked: list[str] = []
        self.silent: set[str] = set()
        self.stopped: set[str] = set()
        self.now: Service | None = None

    def facts(self, node: Any) -> Any:
        if node.name in self.silent:
            raise NodeError(f"{node.name} cannot be reached")
        return SimpleNamespace(engine_running=node.name not in self.stopped)

    def host(self, of: Task) -> Any:
        return next((node for node in NODES if node.name == of.node_id), None)

    def service(self, _name: str) -> Service | None:
        return self.now

    def answers(self, node: Any) -> bool:
        return node.name not in self.silent

    def ask_node(self, node: Any, question: Question) -> str:
        self.asked.append(node.name)
        assert "/containers/json" in question.script
        images = [
            {"Id": "sha256:1", "RepoTags": ["nginx:latest"], "RepoDigests": ["nginx@sha256:d"]},
            {"Id": "sha256:2", "RepoTags": None, "RepoDigests": None},
        ]
        return answers(self.containers.get(node.name, []), images)


def container(name: str, state: str = "running", image: str = "sha256:1") -> dict[str, Any]:
    return {"Id": name, "Names": [f"/web.1.{name}"], "Image": "nginx", "ImageID": image, "State": state, "Labels": None}


def stored(lab: Lab) -> Stored:
    return Stored(lab)  # type: ignore[arg-type]


def on(node: str, name: str, slot: int = 1) -> Task:
    return replace(task(slot, 0), id=f"t-{name}", node_id=node, container_id=name)


def test_containers_of_a_node_are_asked_once_and_of_all_together() -> None:
    lab = Lab(w1=[container("a")])
    node_containers = stored(lab)
    assert node_containers.containers(W1) == (  # type: ignore[arg-type]
        StoredContainer("a", ("web.1.a",), "nginx", "sha256:1", "running", {}),
    )
    assert node_containers.images(W2) == {"nginx:latest": "sha256:1", "nginx@sha256:d": "sha256:1"}  # type: ignore[arg-type]
    assert node_containers.containers(MANAGER) == ()  # type: ignore[arg-type]
    assert sorted(lab.asked) == ["m", "w1", "w2"]


def test_containers_of_a_node_without_an_engine_are_none() -> None:
    lab = Lab(w1=[container("a")])
    lab.stopped = {"w1"}
    node_containers = stored(lab)
    assert node_containers.containers(W1) == ()  # type: ignore[arg-type]
    assert node_containers.images(W1) == {}  # type: ignore[arg-type]
    assert lab.asked == []


def test_absent_are_tasks_of_whose_container_their_node_does_not_know() -> None:
    lab = Lab(w1=[container("a"), container("b", "exited")], w2=[])
    tasks = (on("w1", "a", 1), on("w1", "b", 2), on("w2", "c", 3), on("elsewhere", "d", 4))
    lab.now = service(*tasks)
    node_containers = stored(lab)
    assert [absent_task.id for absent_task in node_containers.absent(lab.now)] == ["t-b", "t-c"]
    # What does not run any more, as the manager says now, contradicts nobody.
    lab.now = service(*tasks[:2])
    assert [absent_task.id for absent_task in node_containers.absent(service(*tasks))] == ["t-b"]
    lab.now = None
    assert node_containers.absent(service(*tasks)) == []


def test_absent_asks_once_more_before_it_counts() -> None:
    lab = Lab(w1=[])
    lab.now = service(on("w1", "a"))
    node_containers = stored(lab)
    node_containers.containers(W1)  # type: ignore[arg-type]
    lab.containers["w1"] = [container("a")]
    assert node_containers.absent(lab.now) == []
    assert lab.asked.count("w1") == 2
    assert lab.asked.count("w2") == 1


def test_absent_is_nothing_where_all_run() -> None:
    lab = Lab(w1=[container("a")])
    assert stored(lab).absent(service(on("w1", "a"))) == []


def test_absent_says_nothing_of_a_node_that_cannot_be_asked() -> None:
    lab = Lab()
    lab.silent = {"w1"}
    lab.now = service(on("w1", "a"))
    assert stored(lab).absent(lab.now) == []


def test_image_ids_are_those_of_the_containers() -> None:
    lab = Lab(w1=[container("a"), container("b", image="sha256:2"), container("e", image="")])
    tasks = (on("w1", "a"), on("w1", "b"), on("w1", "c"), on("w1", "e"), on("elsewhere", "d"))
    assert stored(lab).image_ids(tasks) == {"t-a": "sha256:1", "t-b": "sha256:2"}


@pytest.mark.parametrize("fields", [{}, {"Names": None, "Labels": {"a": "b"}}])
def test_container_of_little_is_one_of_little(fields: dict[str, Any]) -> None:
    assert StoredContainer.of(fields) == StoredContainer("", (), "", "", "", fields.get("Labels") or {})
