"""What nodes reach of one another, put together from what each of them tried."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from labgen import config
from labgen.core.errors import NodeError
from labgen.core.polling import NotYet
from labgen.docker import reachability
from labgen.docker.reachability import DATA_PATH, GOSSIP, MANAGEMENT, OPEN, REFUSED, SILENT, Attempts
from labgen.model.lab import Node
from verify.reach import Reach

LAB = config.load(None)
MANAGER, W1, W2 = LAB.nodes
ALL = LAB.nodes


@dataclass
class Net:
    """A network of three nodes; tests close parts of it.

    :ivar shut: source, target, port and what came of it.
    :ivar unheard: source and target of datagrams that do not arrive.
    :ivar overlay: source and target of the ends of the ingress network, with whether they answer.
    :ivar away: nodes that are in no swarm.
    :ivar mute: nodes that cannot be asked.
    :ivar rules: nodes whose firewalls drop a port of the swarm's, with that port.
    """

    shut: dict[tuple[Node, Node, int], str] = field(default_factory=dict)
    unheard: set[tuple[Node, Node]] = field(default_factory=set)
    overlay: dict[tuple[Node, Node], bool | None] = field(default_factory=dict)
    away: set[Node] = field(default_factory=set)
    rules: set[tuple[Node, int]] = field(default_factory=set)
    mute: set[Node] = field(default_factory=set)
    rounds: int = 0
    lab: Any = LAB

    def facts(self, node: Node) -> Any:
        return SimpleNamespace(
            swarm=SimpleNamespace(active=node not in self.away), time=datetime(2026, 1, 1, tzinfo=UTC)
        )

    @property
    def symptoms(self) -> Any:
        return SimpleNamespace(drops=lambda node, _another, port: (node, port) in self.rules)

    def seconds(self, plain: float) -> float:
        return plain

    def on(self, node: Node, _script: str, **_options: Any) -> str:
        if node in self.mute:
            raise NodeError(f"{node.name} cannot be reached.", "Does it run?")
        return node.name

    def settle(self, _what: str, look: Callable[[], None], **_options: Any) -> None:
        """Look five times at most."""
        for _ in range(5):
            self.rounds += 1
            try:
                return look()
            except NotYet:
                pass
        return None

    def tried(self, name: str) -> Attempts:
        source = next(node for node in ALL if node.name == name)
        tcp = {
            (str(target.address), port): self.shut.get((source, target, port), OPEN)
            for target in ALL
            for port in (GOSSIP, MANAGEMENT)
        }
        ends = {target: self.overlay.get((source, target), True) for target in ALL}
        return Attempts(tcp, {str(target.address): ends[target] for target in ends if ends[target] is not None})

    def heard(self, name: str) -> frozenset[str]:
        target = next(node for node in ALL if node.name == name)
        return frozenset(str(source.address) for source in ALL if (source, target) not in self.unheard)


@pytest.fixture
def reach(monkeypatch: pytest.MonkeyPatch) -> Callable[[Net], Reach]:
    def of(net: Net) -> Reach:
        monkeypatch.setattr(reachability, "read", net.tried)
        monkeypatch.setattr(reachability, "heard", net.heard)
        return Reach(net)  # type: ignore[arg-type]

    return of


Of = Callable[[Net], Reach]


def told(failures: list[reachability.Failure]) -> list[str]:
    return [f"{failure.source}>{failure.target}" for failure in failures]


def test_reach_of_a_network_that_is_open_has_no_failures(reach: Of) -> None:
    net = Net()
    reached = reach(net)
    for node in ALL:
        assert reached.connections(node, GOSSIP) == reached.connections(node, MANAGEMENT) == []
        assert reached.datagrams(node) == reached.overlay(node) == []
    assert net.rounds == 1


def test_reach_tells_a_port_that_is_shut_at_the_node_that_shuts_it(reach: Of) -> None:
    net = Net(shut={(source, W2, GOSSIP): REFUSED for source in (MANAGER, W1)})
    reached = reach(net)
    assert told(reached.connections(W2, GOSSIP)) == [f"{MANAGER.name}>{W2.name}", f"{W1.name}>{W2.name}"]
    assert reached.connections(W1, GOSSIP) == []
    assert reached.connections(W2, MANAGEMENT) == []


def test_reach_asks_managers_only_for_the_port_of_management(reach: Of) -> None:
    net = Net(shut={(source, target, MANAGEMENT): SILENT for source in ALL for target in (W1, W2) if source != target})
    assert [reach(net).connections(node, MANAGEMENT) for node in ALL] == [[], [], []]
    shut = Net(shut={(source, MANAGER, MANAGEMENT): SILENT for source in (W1, W2)})
    assert told(reach(shut).connections(MANAGER, MANAGEMENT)) == [f"{node.name}>{MANAGER.name}" for node in (W1, W2)]


def test_reach_tells_datagrams_that_do_not_arrive(reach: Of) -> None:
    net = Net(unheard={(MANAGER, W1), (W2, W1)})
    reached = reach(net)
    assert told(reached.datagrams(W1)) == [f"{MANAGER.name}>{W1.name}", f"{W2.name}>{W1.name}"]
    assert reached.datagrams(MANAGER) == []
    # They are tried twice more: one may be lost on the way.
    assert net.rounds == 3


def test_reach_tries_twice_more_where_any_was_lost_and_no_more(reach: Of) -> None:
    net = Net(unheard={(MANAGER, W1)})
    reach(net).datagrams(W2)
    assert net.rounds == 3


def test_reach_tries_once_what_a_firewall_is_known_to_drop(reach: Of) -> None:
    ends = [(MANAGER, W1), (W1, MANAGER), (MANAGER, W2), (W2, MANAGER)]
    net = Net(overlay=dict.fromkeys(ends, False), rules={(MANAGER, DATA_PATH)})
    assert reach(net).overlay(MANAGER)
    assert net.rounds == 1


def test_reach_tries_again_what_no_firewall_of_the_two_nodes_drops(reach: Of) -> None:
    net = Net(
        overlay={(MANAGER, W1): False, (W1, MANAGER): False},
        unheard={(MANAGER, W2)},
        rules={(MANAGER, DATA_PATH), (W1, GOSSIP)},
    )
    assert reach(net).datagrams(MANAGER)
    assert net.rounds == 3


def test_reach_of_what_comes_through_in_the_third_round_has_no_failures(
    reach: Of, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = Net(overlay={(MANAGER, W1): False, (W1, MANAGER): False})
    reached = reach(net)

    def tried(name: str) -> Attempts:
        if net.rounds == 3:
            net.overlay.clear()
        return net.tried(name)

    monkeypatch.setattr(reachability, "read", tried)
    assert [reached.overlay(node) for node in ALL] == [[], [], []]
    assert net.rounds == 3


def test_reach_of_a_connection_that_comes_about_late_has_no_failures(
    reach: Of, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = Net(shut={(W2, MANAGER, GOSSIP): SILENT, (W1, MANAGER, MANAGEMENT): SILENT})
    reached = reach(net)

    def tried(name: str) -> Attempts:
        if net.rounds == 3:
            net.shut.clear()
        return net.tried(name)

    monkeypatch.setattr(reachability, "read", tried)
    assert [reached.connections(node, port) for node in ALL for port in (GOSSIP, MANAGEMENT)] == [[]] * 6
    assert net.rounds == 3


def test_reach_of_a_connection_that_has_come_about_once_has_no_failures(
    reach: Of, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = [{(W2, MANAGER, GOSSIP): SILENT}, {(W1, MANAGER, GOSSIP): SILENT}]
    net = Net()
    reached = reach(net)

    def tried(name: str) -> Attempts:
        net.shut = late[net.rounds - 1]
        return net.tried(name)

    monkeypatch.setattr(reachability, "read", tried)
    assert [reached.connections(node, GOSSIP) for node in ALL] == [[], [], []]
    assert net.rounds == 2


def test_reach_of_an_overlay_that_has_answered_once_has_no_failures(reach: Of, monkeypatch: pytest.MonkeyPatch) -> None:
    late = [{(W1, W2): False, (W2, W1): False}, {(MANAGER, W1): False, (W1, MANAGER): False}]
    net = Net()
    reached = reach(net)

    def tried(name: str) -> Attempts:
        net.overlay = dict(late[net.rounds - 1])
        return net.tried(name)

    monkeypatch.setattr(reachability, "read", tried)
    assert [reached.overlay(node) for node in ALL] == [[], [], []]
    assert net.rounds == 2


def test_reach_tries_once_a_connection_that_is_refused_or_dropped_by_a_known_rule(reach: Of) -> None:
    for net in (
        Net(shut={(W2, MANAGER, GOSSIP): REFUSED}),
        Net(shut={(W2, MANAGER, GOSSIP): SILENT}, rules={(W2, GOSSIP)}),
    ):
        assert reach(net).connections(W2, GOSSIP)
        assert net.rounds == 1


def test_reach_waits_for_ends_that_the_gossip_has_not_told_of_yet(reach: Of) -> None:
    silent = dict.fromkeys([(source, target) for source in ALL for target in ALL if source != target])
    some = Net(overlay={(W1, W2): None, (W2, W1): None})
    reach(some).overlay(W1)
    assert some.rounds == 5
    # Where no node has an end, no overlay network is there that could be waited for.
    none = Net(overlay={**silent, **dict.fromkeys((node, node) for node in ALL)})
    assert reach(none).overlay(W1) == []
    assert none.rounds == 1


def test_reach_of_ends_that_the_gossip_never_tells_of_is_a_failure(reach: Of) -> None:
    """As of engines that were all restarted: a worker's that was quicker than the manager's has found no node."""
    alone = Net(overlay=dict.fromkeys([(W2, MANAGER), (W2, W1), (MANAGER, W2), (W1, W2)]))
    reached = reach(alone)
    assert (
        str(reached.overlay(W2)[0]) == f"{MANAGER.name} does not reach {W2.name} (their engines do not know each other)"
    )
    assert reached.overlay(MANAGER) == reached.overlay(W1) == []


def test_reach_of_a_node_without_an_end_is_tried_for_some_rounds_and_no_failure(reach: Of) -> None:
    joining = Net(overlay=dict.fromkeys([(W2, W2), (W2, MANAGER), (W2, W1), (MANAGER, W2), (W1, W2)]))
    assert reach(joining).overlay(W2) == []
    assert joining.rounds == 5


def test_reach_of_the_overlay_takes_one_way_for_both(reach: Of) -> None:
    one_way = Net(overlay={(W1, W2): False})
    assert [reach(one_way).overlay(node) for node in ALL] == [[], [], []]
    cut = Net(
        overlay={(node, peer): False for node in (MANAGER, W1) for peer in (W2,)}
        | {(W2, MANAGER): False, (W2, W1): False}
    )
    reached = reach(cut)
    assert W2.name in " ".join(told(reached.overlay(W2)))
    assert reached.overlay(W1) == reached.overlay(MANAGER) == []


def test_reach_of_the_overlay_is_not_told_where_the_gossip_is_cut(reach: Of) -> None:
    pairs = [(source, W2) for source in (MANAGER, W1)] + [(W2, target) for target in (MANAGER, W1)]
    net = Net(shut={(*pair, GOSSIP): SILENT for pair in pairs}, overlay=dict.fromkeys(pairs, False))
    assert reach(net).overlay(W2) == []


def test_reach_of_a_node_that_is_in_no_swarm_is_not_known(reach: Of) -> None:
    reached = reach(Net(away={W2}))
    assert reached.connections(W1, GOSSIP) == []
    with pytest.raises(NodeError, match="was not asked what it reaches"):
        reached.connections(W2, GOSSIP)
    with pytest.raises(NodeError, match="was not asked"):
        reached.datagrams(W2)


@pytest.mark.parametrize(("seconds", "bounded"), [(0.2, 1.0), (2.5, 2.5), (60.0, 5.0)])
def test_reach_connects_for_one_to_five_seconds_however_slow_the_lab_is(
    reach: Of, monkeypatch: pytest.MonkeyPatch, seconds: float, bounded: float
) -> None:
    limits: list[float] = []
    net = Net()
    net.seconds = lambda _plain: seconds  # type: ignore[method-assign]
    monkeypatch.setattr(reachability, "script", lambda _addresses, _managers, limit: limits.append(limit) or "true")
    reach(net)._try_everything()
    assert set(limits) == {bounded}


def test_reach_blames_nobody_for_datagrams_of_a_node_that_cannot_be_asked(reach: Of) -> None:
    net = Net(mute={W2}, unheard={(W2, MANAGER), (MANAGER, W2)})
    reached = reach(net)
    assert reached.datagrams(MANAGER) == reached.datagrams(W1) == []
    assert reached.connections(MANAGER, GOSSIP) == reached.overlay(W1) == []
    for ask in (reached.datagrams, reached.overlay):
        with pytest.raises(NodeError, match=W2.name):
            ask(W2)
