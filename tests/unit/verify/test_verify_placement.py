"""The checks of the exercise on placement, called as they are: each constraint, label and count that they compare."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from labgen.docker.swarm import Service, Swarm, SwarmNode
from labgen.exercises.placement import checks as test_placement
from tests.past import service, task

PARAMETERS = test_placement.Parameters()
LABEL = {PARAMETERS.label: PARAMETERS.value}
EXAM: Any = SimpleNamespace(
    staying=SimpleNamespace(restarts=lambda _service: None, latest=lambda service: service),
    stored=SimpleNamespace(absent=lambda _service: []),
)
"""An exam in which every task that runs stays up."""


def node(name: str, **more: Any) -> SwarmNode:
    return replace(SwarmNode(name, name, "worker", "active", "ready", False, "10.0.2.102", "27.3.1"), **more)


NODES = (node("m", role="manager"), node("w1", labels=LABEL), node("w2", labels={PARAMETERS.label: "another"}))


def swarm_with(name: str, *places: str, nodes: tuple[SwarmNode, ...] = NODES, **changed: Any) -> Swarm:
    """A swarm with a service whose tasks run on these nodes."""
    tasks = [replace(task(slot, 0), node_id=place) for slot, place in enumerate(places, 1)]
    plain = replace(service(*tasks), name=name, replicas=len(places))
    return Swarm(nodes, (), {name: replace(plain, **changed)})


def judge(check: Callable[..., None], swarm: Swarm, why: str) -> None:
    """See that a check passes, or says why it does not."""
    arguments = (swarm, EXAM) if check in WITH_EXAM else (swarm,)
    if not why:
        check(*arguments, PARAMETERS)
        return
    with pytest.raises(AssertionError, match=why):
        check(*arguments, PARAMETERS)


WITH_EXAM = (test_placement.test_off_managers, test_placement.test_on_labelled, test_placement.test_spread)


@pytest.mark.parametrize(
    ("places", "changed", "why"),
    [
        (["w1"] * 9, {}, ""),
        (["w1"] * 9, {"constraints": ("node.role == worker",)}, ""),
        (["w1"] * 9, {"constraints": ()}, "its constraints: none"),
        (["w1"] * 9, {"constraints": ("node.hostname!=m",)}, "its constraints: node.hostname!=m"),
        (["w1"] * 9, {"mode": "global"}, " is global"),
        (["w1"] * 9, {"replicas": 10}, "9 of 10 run"),
        ([], {"replicas": 0}, " has 0 replicas, not "),
        (["w1"], {"replicas": None}, " has None replicas, not "),
    ],
)
def test_off_managers_is_constrained_and_runs(places: list[str], changed: Mapping[str, Any], why: str) -> None:
    swarm = swarm_with(PARAMETERS.off_managers_name, *places, **{"constraints": ("node.role!=manager",), **changed})
    judge(test_placement.test_off_managers, swarm, why)


@pytest.mark.parametrize(("places", "why"), [("w1 w2", ""), ("w1 m", "tasks on managers: 1 on m")])
def test_none_on_managers_counts_tasks_there(places: str, why: str) -> None:
    judge(test_placement.test_none_on_managers, swarm_with(PARAMETERS.off_managers_name, *places.split()), why)


@pytest.mark.parametrize(
    ("nodes", "why"),
    [
        (NODES, ""),
        ((NODES[0], NODES[2]), "no node has the label "),
        ((NODES[1], replace(NODES[1], name="w3")), "every node has the label"),
    ],
)
def test_label_is_on_one_node_at_least_and_not_on_all(nodes: tuple[SwarmNode, ...], why: str) -> None:
    judge(test_placement.test_label, Swarm(nodes, (), {}), why)


@pytest.mark.parametrize(
    ("places", "changed", "why"),
    [
        (["w1"] * 9, {}, ""),
        (["w1"] * 9, {"constraints": ()}, "its constraints: none"),
        (["w1"] * 9, {"constraints": ("node.role==worker",)}, "its constraints: node.role==worker"),
        (["w1"] * 9, {"replicas": 10}, "9 of 10 run"),
        ([*["w1"] * 8, "w2"], {}, "tasks on nodes without the label: 1 on w2"),
    ],
)
def test_on_labelled_is_constrained_and_runs_there(places: list[str], changed: Mapping[str, Any], why: str) -> None:
    constraints = {"constraints": (PARAMETERS.labelled.constraint, "node.role!=manager")}
    judge(
        test_placement.test_on_labelled,
        swarm_with(PARAMETERS.labelled_name, *places, **{**constraints, **changed}),
        why,
    )


@pytest.mark.parametrize(
    ("places", "changed", "why"),
    [
        ("m w1 w2 m w1 w2", {}, ""),
        ("m w1 w2 m w1 w2 m", {}, ""),
        ("m w1 w2 m w1 w2 m m", {}, "its tasks: 4 on m, 2 on w1, 2 on w2"),
        ("m w1 m w1 m w1", {}, "its tasks: 3 on m, 3 on w1, 0 on w2"),
        ("m w1 w2 m w1 w2", {"constraints": ("node.role==worker",)}, "keep it off m"),
        ("m w1 w2 m w1 w2", {"replicas": 7}, "6 of 7 run"),
    ],
)
def test_spread_is_even_and_kept_off_no_node(places: str, changed: Mapping[str, Any], why: str) -> None:
    judge(test_placement.test_spread, swarm_with(PARAMETERS.spread_name, *places.split(), **changed), why)


def too_big(reserved: tuple[int, float], **changed: Any) -> Swarm:
    waiting = replace(task(1, 0, "pending"), desired="running", node_id="", error="no suitable node")
    big: Service = replace(service(replace(waiting, **changed)), name=PARAMETERS.too_big_name, reserved=reserved)
    return Swarm(NODES, (), {big.name: big})


@pytest.mark.parametrize(
    ("reserved", "changed", "why"),
    [
        ((10**12, 0.0), {}, ""),
        ((0, 500.0), {}, ""),
        ((0, 0.0), {}, "it reserves nothing"),
        ((10**12, 0.0), {"node_id": "w1"}, "it reserves 931.3 GB and 0 CPUs; tasks: pending"),
        ((0, 500.0), {"state": "running"}, "it reserves 0.0 GB and 500 CPUs; tasks: running"),
    ],
)
def test_pending_reserves_more_than_any_node_has(
    reserved: tuple[int, float], changed: Mapping[str, Any], why: str
) -> None:
    judge(test_placement.test_pending, too_big(reserved, **changed), why)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"error": "no suitable node (insufficient resources on 3 nodes)"}, ""),
        ({"error": "no suitable node (scheduling constraints not satisfied on 3 nodes)"}, "its error: no suitable"),
        ({"error": "insufficient resources", "state": "rejected"}, "its error: none"),
        ({"error": ""}, "its error: none"),
    ],
)
def test_says_why_is_that_no_node_has_the_resources(changed: Mapping[str, Any], why: str) -> None:
    judge(test_placement.test_says_why, too_big((1, 1.0), **changed), why)
