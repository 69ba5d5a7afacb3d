"""What checks make of a service or a node, called as they are: the cases beside those that a whole lab shows."""

from __future__ import annotations

import json
from dataclasses import replace
from ipaddress import IPv4Address
from types import SimpleNamespace
from typing import Any

import pytest

from labgen.core.polling import NotYet
from labgen.docker.swarm import Service, Swarm, SwarmNode, Task
from labgen.exercises.cluster import checks as test_cluster
from labgen.exercises.failover import checks as test_failover
from labgen.exercises.failover import exercise as failover
from labgen.exercises.placement import checks as test_placement
from labgen.exercises.recovery import checks as test_recovery
from labgen.exercises.rollback import checks as test_rollback
from labgen.exercises.scaling import checks as test_scaling
from labgen.exercises.scaling import exercise as scaling
from labgen.observation.commands import INTERFACES, CommandAnswer
from tests.past import at, lived, service, task, turn
from verify.explaining import _short as short
from verify.testinfra_host import host_of

NODE = SimpleNamespace(name="w1", mac="08:00:27:00:02:66", address=IPv4Address("10.0.2.102"))


class Manager:
    """As much of an exam as a check asks: what the manager's engine printed, and a service as it is now."""

    manager = NODE

    def __init__(self, printed: str = "", current: Service | None = None) -> None:
        self.printed = printed
        self.there = current

    def ask_node(self, _node: object, _question: object, **_options: float) -> str:
        return self.printed

    def service(self, _name: str) -> Service | None:
        return self.there


def swarm_of(*nodes: SwarmNode) -> Swarm:
    return Swarm(nodes, (), {})


def node(name: str, **more: Any) -> SwarmNode:
    plain = SwarmNode(name, name, "worker", "active", "ready", False, "10.0.2.102", "27.3.1")
    return replace(plain, **more)


@pytest.mark.parametrize(
    ("flags", "addresses", "holds"),
    [
        (("UP",), ("10.0.2.102",), True),
        (("UP",), ("10.0.2.9", "10.0.2.102"), True),
        ((), ("10.0.2.102",), False),
        (("UP",), ("10.0.2.10",), False),
        (None, (), False),
    ],
)
def test_address_is_on_an_adapter_that_is_up(
    flags: tuple[str, ...] | None, addresses: tuple[str, ...], holds: bool
) -> None:
    entries = [{"family": "inet", "local": address} for address in addresses]
    link = {"ifname": "eth1", "address": NODE.mac, "flags": flags, "addr_info": entries}
    answer = CommandAnswer(0, json.dumps([] if flags is None else [link]))
    host = host_of(NODE, str, prefetched=lambda: {INTERFACES: answer})
    if holds:
        test_cluster.test_address(NODE, host, {})
        return
    with pytest.raises(AssertionError, match=NODE.mac):
        test_cluster.test_address(NODE, host, {})


def event(action: str, service_id: str, **attributes: str) -> str:
    return json.dumps({"Action": action, "Actor": {"ID": service_id, "Attributes": attributes}})


def test_remembered_takes_a_number_that_is_not_told_for_none() -> None:
    printed = "\n".join(
        [
            event("create", "s"),
            event("update", "s", **{"replicas.new": "3", "replicas.old": "2"}),
            event("update", "s", **{"replicas.new": "2"}),
            event("update", "other", **{"replicas.new": "9", "replicas.old": "1"}),
            event("update", "s", image="nginx"),
            json.dumps({"Action": "update", "Actor": {"ID": "s", "Attributes": None}}),
            json.dumps({"Action": "update", "Actor": {"ID": "s"}}),
            json.dumps({"Action": "prune", "Actor": None}),
        ]
    )
    remembered = test_scaling._remembered(Manager(printed), service())  # type: ignore[arg-type]
    assert (remembered.creation, remembered.changes) == (True, ((2, 3), (0, 2)))
    assert not test_scaling._remembered(Manager(event("update", "s")), service()).creation  # type: ignore[arg-type]


def test_last_change_is_from_what_it_was_to_what_it_is() -> None:
    scaled = replace(service(), replicas=3, replicas_before=0)
    assert test_scaling._last_change(scaled) == [(0, 3)]
    assert test_scaling._last_change(replace(scaled, replicas_before=None)) == []
    assert test_scaling._last_change(replace(scaled, replicas=None)) == []


@pytest.mark.parametrize(
    ("tasks", "words"),
    [
        ([task(1, 0), task(2, 0)], ""),
        ([task(1, 0)], "1 of 2 run, 0 on the way out"),
        ([task(1, 0), task(2, 0), task(3, 0)], "2 of 2 run, 1 more, 0 on the way out"),
        ([task(1, 0), task(2, 0), replace(task(3, 0), desired="remove")], "2 of 2 run, 1 on the way out"),
        ([task(1, 0), task(2, 0), replace(task(3, 0, "preparing"), desired="running")], "2 of 2 run, 0 on the way out"),
    ],
)
def test_running_is_told_once_nothing_is_on_its_way(tasks: list[Task], words: str) -> None:
    exam: Any = Manager(current=service(*tasks))
    if not words:
        assert test_scaling._running(exam, 2, parameters=test_scaling.Parameters()) == tuple(tasks)
        return
    with pytest.raises(NotYet, match=rf"^{words}"):
        test_scaling._running(exam, 2, parameters=test_scaling.Parameters())
    assert scaling.Parameters.within > 0


def test_recovered_counts_others_once_one_of_them_runs_in_the_place() -> None:
    killed = task(1, 0)
    exam: Any = Manager(current=service(killed, task(1, 5), task(2, 0)))
    assert test_recovery._recovered(exam, killed, 2, parameters=test_recovery.Parameters()) == 2
    assert (
        test_recovery._recovered(
            Manager(current=service(task(1, 5), task(2, 0), task(3, 0))),
            killed,
            2,
            parameters=test_recovery.Parameters(),
        )
        == 3
    )  # type: ignore[arg-type]
    for tasks in ((killed, task(2, 0), task(3, 0)), (task(1, 5),)):
        with pytest.raises(NotYet):
            test_recovery._recovered(Manager(current=service(*tasks)), killed, 2, parameters=test_recovery.Parameters())  # type: ignore[arg-type]


def failed(created: float, spec: str, since: float) -> Task:
    return replace(task(1, created, "failed", since), spec=spec)


OLD, AGAIN = lived(1, 0, "old", (1, 9)), lived(1, 20, "old", (21, None))


@pytest.mark.parametrize(
    ("tasks", "seconds"),
    [
        # From the first failure of the update that was taken back,
        (
            [lived(1, 0, "old", (1, 9)), failed(10, "bad", 12), failed(13, "bad", 15), lived(1, 20, "old", (21, None))],
            8.0,
        ),
        # not of what failed since in the way that it is again,
        (
            [OLD, failed(10, "bad", 12), failed(13, "old", 15), AGAIN],
            8.0,
        ),
        # nor of an earlier update.
        (
            [
                failed(-30, "worse", -28),
                lived(1, 0, "old", (1, 9)),
                failed(10, "bad", 12),
                lived(1, 20, "old", (21, None)),
            ],
            8.0,
        ),
        # It had not failed there yet.
        ([lived(1, 0, "old", (1, 9)), lived(1, 10, "bad", (11, 12)), lived(1, 20, "old", (21, None))], 0.0),
        ([lived(1, 20, "old", (21, None))], 0.0),
    ],
)
def test_way_back_is_counted_from_the_first_failure(tasks: list[Task], seconds: float) -> None:
    assert test_rollback._way_back(service(*tasks), "1") == seconds


def moved_of_a_lost_node(slot: int, created: float) -> list[Task]:
    """A replica that came to another node, whose own said late that its task had ended."""
    old = replace(lived(slot, -60, "a", (-59, created + 30)), node_id="w1")
    return [old, replace(lived(slot, created, "a", (created + 1, created + 40)), node_id="w2")]


@pytest.mark.parametrize(
    ("update", "image", "slots", "holds"),
    [
        (60.0, "nginx", (1, 2), True),
        # Before the node was lost,
        (-90.0, "nginx", (1, 2), False),
        # to another image,
        (60.0, "httpd", (1, 2), False),
        # not of every replica.
        (60.0, "nginx", (1,), False),
    ],
)
def test_replaced_is_after_a_node_was_lost_and_whole(
    update: float, image: str, slots: tuple[int, ...], holds: bool
) -> None:
    tasks = moved_of_a_lost_node(1, 0)
    tasks += [replace(lived(2, -60, "a", (-59, 50)), node_id="w3")]
    if update > 0:
        tasks += [replace(lived(slot, update, "b", (update + 1, None)), image=image, node_id="w3") for slot in slots]
        tasks += [lived(slot, 55, "a", (56, None)) for slot in (1, 2) if slot not in slots]
    else:
        first = [replace(lived(slot, update, "0", (update + 1, update + 20)), node_id="w1") for slot in slots]
        tasks = [*first, *tasks[:1], replace(tasks[1], state="running", since=at(1), ended=None, desired="running")]
        tasks += [replace(lived(2, -60, "a", (-59, None)), node_id="w3")]
    replaced = service(*tasks)
    if holds:
        test_failover.test_replaced(replaced)
        return
    with pytest.raises(AssertionError, match="no update of every replica"):
        test_failover.test_replaced(replaced)


def test_back_says_what_is_wrong_with_each_node() -> None:
    lab: Any = SimpleNamespace(
        nodes=(SimpleNamespace(name="w1"), SimpleNamespace(name="w2"), SimpleNamespace(name="w3"))
    )
    good = swarm_of(node("w1"), node("w2"), node("w3"), node("stranger", state="down"))
    test_failover.test_back(good, lab)
    # A node that has joined again has an entry that is down, too.
    test_failover.test_back(swarm_of(node("w1", state="down"), *good.nodes), lab)
    bad = swarm_of(node("w1", state="down"), node("w2", availability="drain"))
    with pytest.raises(AssertionError, match=r"^w1 is down, active; w2 is ready, drain; w3 is not in the swarm"):
        test_failover.test_back(bad, lab)


@pytest.mark.parametrize(("counts", "holds"), [((2, 2), True), ((1, 2), True), ((1, 3), False), ((0, 2), False)])
def test_spread_is_even_where_none_has_two_more(counts: tuple[int, int], holds: bool) -> None:
    lab: Any = SimpleNamespace(workers=(SimpleNamespace(name="w1"), SimpleNamespace(name="w2")))
    placed = [name for name, many in zip(("w1", "w2"), counts, strict=True) for _ in range(many)]
    spread = service(*(replace(task(slot, 0), node_id=name) for slot, name in enumerate(placed, 1)))
    swarm = swarm_of(node("w1"), node("w2"), node("m", role="manager"))
    if holds:
        test_failover.test_spread(spread, swarm, lab)
        return
    with pytest.raises(AssertionError, match=r"tasks run: "):
        test_failover.test_spread(spread, swarm, lab)


def test_moves_are_told_with_what_came_before() -> None:
    lost = moved_of_a_lost_node(1, 0)
    drained = [replace(lived(2, -60, "a", (-59, 9)), node_id="w1"), replace(lived(2, 9, "a", (10, None)), node_id="w2")]
    killed = [
        replace(lived(3, -60, "a", (-59, 9)), state="failed", node_id="w1"),
        replace(lived(3, 9, "a", (10, None)), node_id="w2"),
    ]
    moved = service(*lost, *drained, *killed)
    sentence = test_failover._describe(test_failover.moves(moved))
    assert sentence == (
        "replicas that moved to another node: 1 (after a node was lost), 2 (after it was stopped), 3 (failed)"
    )
    one, other = turn(1, 0, 1), turn(2, 0, 1)
    changed = replace(other, new=replace(other.new, image="another"))
    assert test_failover._keeps_images([one, other])
    assert not test_failover._keeps_images([one, changed])
    assert test_failover._describe([]) == "the history shows no task that moved to another node"
    test_failover.test_failed_over(moved)
    test_failover.test_drained(moved)
    with pytest.raises(AssertionError):
        test_failover.test_failed_over(service(*drained, *killed))
    with pytest.raises(AssertionError):
        test_failover.test_drained(service(*lost, *killed))
    assert failover.Parameters.replicas == 4


def test_constraints_are_compared_without_blanks() -> None:
    constrained = replace(service(), constraints=("node.labels.disk == ssd", "node.role!=manager"))
    assert test_placement._constraints(constrained) == {"node.labels.disk==ssd", "node.role!=manager"}


def test_labelled_are_the_nodes_with_that_value() -> None:
    swarm = swarm_of(node("w1", labels={"disk": "ssd"}), node("w2", labels={"disk": "hdd"}), node("w3"))
    assert test_placement._labelled(swarm, parameters=test_placement.Parameters()) == {"w1"}


def test_short_says_how_many_characters_are_left_out() -> None:
    marks, lines = 400, 16

    def shown(text: str) -> list[str]:
        return list(short(text, "en", False))

    assert shown("one\ntwo") == ["one", "two"]
    assert shown("x" * marks) == ["x" * marks]
    assert shown("x" * (marks + 1)) == ["x" * (marks - 1) + "…", "(1 characters more: --full)"]
    assert shown("x\n" * (lines - 1) + "y") == [*["x"] * (lines - 1), "y"]
    assert shown("x\n" * lines + "yz") == [*["x"] * lines, "(3 characters more: --full)"]
    assert list(short("x" * 999, "en", True)) == ["x" * 999]
