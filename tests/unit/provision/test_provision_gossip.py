"""Nodes that find one another: what is waited for, what is not, and what is said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from labgen import config
from labgen.core import polling
from labgen.core.errors import SwarmError
from labgen.core.polling import Patience
from labgen.model.lab import Lab, Node
from labgen.observation.causes.model import NodeState, Observations
from labgen.observation.causes.symptoms import FirewallRule, Symptoms
from provision import gossip

LAB = config.load(None)
MANAGER, WORKER1, WORKER2 = LAB.nodes
EVERYBODY = " ".join(str(node.address) for node in LAB.nodes)

Wait = Callable[..., list[Node]]


@pytest.fixture
def wait(monkeypatch: pytest.MonkeyPatch) -> Wait:
    """Wait with answers of the nodes, by the second and the nodes restarted until then; returns these."""
    now = [0.0]
    time = {"clock": lambda: now[0], "pause": lambda seconds: now.__setitem__(0, now[0] + seconds)}
    monkeypatch.setattr(gossip, "wait_until", partial(polling.wait_until, **time))

    def wait(answers: Callable[[float, list[Node], Node], str], *rules: FirewallRule, lab: Lab = LAB) -> list[Node]:
        states = tuple(NodeState(node.name, str(node.address), node.role, symptoms=Symptoms()) for node in lab.nodes)
        states = (*states[:-1], replace(states[-1], symptoms=Symptoms(rules=rules)))
        monkeypatch.setattr(gossip, "observe", lambda _lab, _asker: Observations(nodes=states))
        restarted: list[Node] = []

        def run(node: Node, script: str) -> str:
            assert script == gossip.SCRIPT
            return answers(now[0], restarted, node)

        nodes = gossip.Nodes(lab, run, asker=lambda _node: lambda _question: "", restart=restarted.append)
        gossip.await_all(nodes, Patience())
        return restarted

    return wait


def alone(_time: float, _restarted: list[Node], node: Node) -> str:
    """Answer as three nodes, of which the second worker has found nobody."""
    return str(node.address) if node is WORKER2 else f"{MANAGER.address} {WORKER1.address}"


def test_nodes_that_know_one_another_are_left_alone(wait: Wait) -> None:
    assert wait(lambda _time, _restarted, _node: EVERYBODY) == []


def test_nodes_without_an_ingress_network_are_left_alone(wait: Wait) -> None:
    assert wait(lambda _time, _restarted, _node: "") == []
    assert wait(lambda *args: "" if args[-1] is WORKER2 else alone(*args)) == []


def test_nodes_that_find_one_another_after_a_second_are_left_alone(wait: Wait) -> None:
    assert wait(lambda time, *args: EVERYBODY if time > 1 else alone(time, *args)) == []


def test_gossip_node_that_comes_to_the_ingress_network_a_moment_later_is_waited_for(wait: Wait) -> None:
    times = []

    def answers(time: float, _restarted: list[Node], node: Node) -> str:
        times.append(time)
        return "" if node is WORKER2 and time < 1 else EVERYBODY

    assert wait(answers) == []
    assert times[-1] >= 1


def test_gossip_engine_of_a_worker_that_has_found_nobody_is_restarted(wait: Wait) -> None:
    def answers(time: float, restarted: list[Node], node: Node) -> str:
        return EVERYBODY if restarted else alone(time, restarted, node)

    assert wait(answers) == [WORKER2]


def test_gossip_manager_that_has_found_nobody_is_waited_for(wait: Wait) -> None:
    lab = replace(LAB, nodes=(MANAGER, replace(WORKER1, role="manager"), WORKER2))

    def answers(time: float, _restarted: list[Node], node: Node) -> str:
        return EVERYBODY if time > 62 or node is WORKER2 else str(node.address)

    assert wait(answers, lab=lab) == [WORKER2]


def test_nodes_that_never_find_one_another_are_named_with_a_way_out(wait: Wait) -> None:
    with pytest.raises(SwarmError) as caught:
        wait(alone)
    assert "swarm-manager does not know swarm-worker2" in caught.value.message
    assert "swarm-worker2 does not know swarm-manager, swarm-worker1" in caught.value.message
    assert "7946/udp" in str(caught.value.hint)


def test_gossip_firewall_that_keeps_nodes_apart_is_named_and_no_engine_restarted(wait: Wait) -> None:
    rule = FirewallRule("-A INPUT -p udp -m udp --dport 7946 -j DROP", (7946,))
    with pytest.raises(SwarmError, match="firewall of swarm-worker2 drops what the swarm sends") as caught:
        wait(lambda *args: pytest.fail("restarted") if args[1] else alone(*args), rule)
    assert "sudo iptables -D INPUT -p udp -m udp --dport 7946 -j DROP" in str(caught.value.hint)
    assert "waited 3 s" in caught.value.message


@pytest.mark.parametrize(
    ("lacking", "restarted"),
    [
        ({WORKER1.name: [MANAGER.name]}, [WORKER1]),
        ({MANAGER.name: [WORKER1.name]}, [WORKER1]),
        ({WORKER1.name: [WORKER2.name]}, []),
    ],
)
def test_lost_workers_are_those_that_do_not_know_the_manager_or_that_it_does_not_know(
    lacking: dict[str, list[str]], restarted: list[Node]
) -> None:
    assert gossip.lost_workers(LAB, lacking) == restarted
