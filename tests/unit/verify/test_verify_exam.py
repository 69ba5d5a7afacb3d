"""What an exam knows of a lab without asking twice: the node of a task, and who is asked for a page ahead."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
from answering import Answering

from labgen import config
from labgen.core.polling import Patience
from labgen.docker import swarm
from labgen.docker.api import EngineBusy
from labgen.docker.swarm import Swarm, SwarmNode
from tests.past import task
from verify.exam import Exam


def swarm_node(name: str, node_id: str) -> SwarmNode:
    return SwarmNode(node_id, name, "worker", "active", "ready", False, "10.0.2.102", "27.3.1")


def test_host_of_a_task_is_the_labs_node_of_that_name() -> None:
    lab = config.load(None)
    nodes = (*(swarm_node(node.name, f"id-{node.name}") for node in lab.nodes), swarm_node("stranger", "stranger"))
    exam = Exam(lab, Answering(), Patience(1.0))
    exam._swarm = SimpleNamespace(get=lambda: Swarm(nodes, (), {}))  # type: ignore[assignment]
    last = lab.nodes[-1]
    assert exam.host(replace(task(1, 0), node_id=f"id-{last.name}")) is last
    assert exam.host(replace(task(1, 0), node_id="stranger")) is None
    assert exam.host(replace(task(1, 0), node_id="gone")) is None


def test_nodes_are_asked_ahead_for_a_page_only_if_they_are_judged_and_listen() -> None:
    lab = config.load(None)
    manager, w1, w2 = lab.nodes
    exam = Exam(lab, Answering(), Patience(1.0), graded_nodes={manager.name, w1.name})
    requests: list[str] = []
    exam.pages._open = lambda node, _port: node is not manager  # type: ignore[method-assign, assignment]
    exam.pages._request = lambda node, _port: requests.append(node.name) or {}  # type: ignore[method-assign, assignment, func-returns-value]
    assert exam.pages._requests_of(w2, 8001) == {}
    assert sorted(requests) == sorted([w1.name, w2.name])
    # The node that is asked for is asked whatever it listens on, and every node once.
    assert exam.pages._requests_of(manager, 8001) == exam.pages._requests_of(w1, 8001) == {}
    assert sorted(requests) == sorted([manager.name, w1.name, w2.name])


def test_swarm_is_asked_again_while_the_engine_is_busy_and_ends_with_its_error(monkeypatch: pytest.MonkeyPatch) -> None:
    lab = config.load(None)
    exam = Exam(lab, Answering(), Patience(1.0))
    exam._manager = lambda: lab.nodes[0]  # type: ignore[method-assign]
    looks: list[int] = []

    def look(_run: object) -> Swarm:
        looks.append(1)
        raise EngineBusy("the engine answered 500 to /info: context deadline exceeded")

    monkeypatch.setattr(swarm, "look", look)
    with pytest.raises(EngineBusy, match="answered 500 to /info"):
        _ = exam.swarm
    assert len(looks) > 2


def test_begin_asks_every_node_beside_the_run_and_does_not_hold_its_end_up() -> None:
    lab = config.load(None)
    exam = Exam(lab, Answering(), Patience(1.0))
    asked: list[list[str]] = []
    exam._read = lambda nodes: asked.append([node.name for node in nodes])  # type: ignore[method-assign]
    exam.begin()
    assert exam._asking is not None
    assert exam._asking.daemon
    exam._asking.join(5)
    assert asked == [[node.name for node in lab.nodes]]
