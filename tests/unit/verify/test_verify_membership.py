"""Checks of the swarm's members, of replicas, and of what was removed or finds no room, called as they are."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from labgen import config
from labgen.docker.model import LocalSwarm
from labgen.docker.swarm import Network, Swarm, SwarmNode
from labgen.exercises.cleanup import checks as test_cleanup
from labgen.exercises.cleanup import exercise as cleanup
from labgen.exercises.cluster import checks as test_cluster
from labgen.exercises.placement import checks as test_placement
from tests.past import at, service, task
from verify import session

LAB = config.load(None)
W1 = LAB.nodes[1]
UNASKED: Any = None
"""Stands for what a check must not ask."""


def member(name: str, **more: Any) -> SwarmNode:
    return replace(SwarmNode(name, name, "worker", "active", "ready", False, "10.0.2.102", "27.3.1"), **more)


def facts_of(**more: Any) -> Any:
    return SimpleNamespace(swarm=replace(LocalSwarm("active", node_id=W1.name), **more))


def test_known_is_the_entry_of_a_node_by_its_id_and_by_its_name_once_it_has_left() -> None:
    swarm = Swarm((member("w1", id="id1"), member("w2", id="id2")), (), {})
    w2: Any = SimpleNamespace(name="w2")
    assert test_cluster._member(swarm, w2, facts_of(node_id="id1")) is swarm.nodes[0]
    assert test_cluster._member(swarm, w2, facts_of(node_id="elsewhere")) is None
    assert test_cluster._member(swarm, w2, facts_of(state="inactive")) is swarm.nodes[1]
    assert test_cluster._member(swarm, SimpleNamespace(name="w3"), facts_of(state="inactive")) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("managers", "elsewhere"),
    [
        ((), []),
        (("10.0.2.101:2377",), []),
        (("10.0.2.102:2377", "10.9.9.9:2377"), []),
        (("10.9.9.9:2377", "10.9.9.8:2377"), ["10.9.9.9", "10.9.9.8"]),
    ],
)
def test_elsewhere_are_managers_of_which_none_is_of_this_swarm(managers: tuple[str, ...], elsewhere: list[str]) -> None:
    lab: Any = SimpleNamespace(nodes=[SimpleNamespace(address="10.0.2.101")])
    swarm = Swarm((member("w1"),), (), {})
    assert test_cluster._foreign_managers(swarm, lab, facts_of(managers=managers)) == elsewhere


@pytest.mark.parametrize(
    ("facts", "state", "why"),
    [
        (facts_of(), "ready", ""),
        (facts_of(), "down", "the manager lists it as down"),
        (facts_of(node_id="another"), "ready", "the manager does not list it: it is in another swarm"),
        (facts_of(state="inactive"), "down", "the manager lists it as down"),
        (facts_of(managers=("10.9.9.9:2377",)), "ready", "it is in another swarm, with its managers at 10.9.9.9"),
    ],
)
def test_node_ready_is_a_member_of_the_managers_swarm(facts: Any, state: str, why: str) -> None:
    swarm = Swarm((member(W1.name, state=state),), (), {})
    if not why:
        test_cluster.test_node_ready(W1, facts, swarm, LAB)
        return
    with pytest.raises(AssertionError, match=f"^{why}"):
        test_cluster.test_node_ready(W1, facts, swarm, LAB)


def test_node_ready_of_a_node_that_left_is_told_from_one_in_another_swarm() -> None:
    with pytest.raises(AssertionError, match=r"^the manager does not list it"):
        test_cluster.test_node_ready(W1, facts_of(state="inactive"), Swarm((), (), {}), LAB)


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ([member(W1.name)], ""),
        ([member(W1.name, role="manager")], "the manager lists it as a manager"),
        ([], "the manager does not list it"),
    ],
)
def test_node_role_is_the_labs(members: list[SwarmNode], why: str) -> None:
    swarm = Swarm(tuple(members), (), {})
    if not why:
        test_cluster.test_node_role(W1, facts_of(), swarm)
        return
    with pytest.raises(AssertionError, match=why):
        test_cluster.test_node_role(W1, facts_of(), swarm)


@pytest.mark.parametrize(
    ("networks", "why"),
    [
        ([("bridge", "bridge", "local"), ("docker_gwbridge", "bridge", "local")], ""),
        ([("bridge", "bridge", "local")], "it has no network docker_gwbridge"),
        ([("docker_gwbridge", "overlay", "swarm")], "docker_gwbridge is overlay, swarm"),
        ([("other", "overlay", "swarm"), ("docker_gwbridge", "bridge", "local")], ""),
    ],
)
def test_gateway_bridge_is_the_network_of_that_name(networks: list[tuple[str, str, str]], why: str) -> None:
    exam: Any = SimpleNamespace(
        networks=lambda _node: [Network(name, name, driver, scope, False, ()) for name, driver, scope in networks]
    )
    if not why:
        test_cluster.test_gateway_bridge(W1, exam, parameters=test_cluster.Parameters())
        return
    with pytest.raises(AssertionError, match=why):
        test_cluster.test_gateway_bridge(W1, exam, parameters=test_cluster.Parameters())


class Engines:
    """An exam whose engines tell of the removal of these services, and have these images."""

    def __init__(self, *removed: str, images: tuple[str, ...] = (), started: float = -900.0) -> None:
        events = [{"Type": "service", "Action": "remove", "Actor": {"Attributes": {"name": name}}} for name in removed]
        self.printed = "\n".join([f"engine runs since {int(at(started).timestamp())}", *map(json.dumps, events)])
        self.stored = SimpleNamespace(images=lambda _node: dict.fromkeys(images, "sha256:1"))

    def ask_node(self, _node: object, _question: object) -> str:
        return self.printed


COURSE = min(cleanup.services())
IMAGE = f"{min(cleanup.images())}:latest"


@pytest.mark.parametrize(
    ("engines", "why"),
    [
        (Engines(COURSE), ""),
        (Engines("my-own"), "no engine's event log shows a service of the course$"),
        (Engines(), "no engine's event log shows a service of the course$"),
        # An engine that has begun since knows no event, but has the image.
        (Engines(images=(IMAGE,), started=60.0), ""),
        (Engines(images=(IMAGE,)), "no engine's event log shows a service of the course$"),
        (Engines(images=("debian:12",), started=60.0), "the engine was restarted since"),
    ],
)
def test_something_was_there_is_a_service_of_the_course_that_an_engine_remembers(engines: Any, why: str) -> None:
    swarm = Swarm((member(W1.name, created=at(0)),), (), {})
    if not why:
        test_cleanup.test_something_was_there(swarm, engines, LAB)
        return
    with pytest.raises(AssertionError, match=why):
        test_cleanup.test_something_was_there(swarm, engines, LAB)


# How many replicas run.


@pytest.mark.parametrize(
    ("least", "replicas", "why"),
    [
        (2, 2, ""),
        (2, 3, ""),
        (2, 1, "has 1 replicas, not 2"),
        # Of a service that says nothing there must be one.
        (None, 1, ""),
        (None, 0, "has 0 replicas, not 1"),
        (2, None, "has None replicas, not 2"),
    ],
)
def test_membership_all_run_are_as_many_replicas_as_asked_for(
    monkeypatch: pytest.MonkeyPatch, least: int | None, replicas: int | None, why: str
) -> None:
    counts: list[int | None] = []
    monkeypatch.setattr(test_placement, "runs", lambda _exam, _service, count: counts.append(count))
    spec: Any = SimpleNamespace(replicas=least)
    web = replace(service(), replicas=replicas)
    if not why:
        test_placement._all_run(UNASKED, web, spec)
        assert counts == [replicas]
        return
    with pytest.raises(AssertionError, match=why):
        test_placement._all_run(UNASKED, web, spec)


def test_membership_all_run_are_of_a_replicated_service() -> None:
    with pytest.raises(AssertionError, match="web is global"):
        test_placement._all_run(UNASKED, replace(service(), mode="global"), SimpleNamespace(replicas=2))  # type: ignore[arg-type]


# What no node has room for.


def too_big(*tasks: Any, reserved: tuple[int, float] = (10**12, 0.0)) -> Swarm:
    name = test_placement.Parameters.too_big_name
    return Swarm((), (), {name: replace(service(*tasks), name=name, reserved=reserved)})


WAITING = replace(
    task(1, 0, "pending"), desired="running", node_id="", error="no suitable node (insufficient resources)"
)


@pytest.mark.parametrize(
    ("swarm", "why"),
    [
        (too_big(WAITING), ""),
        (too_big(WAITING, reserved=(0, 64.0)), ""),
        (too_big(WAITING, reserved=(0, 0.0)), "it reserves nothing"),
        (too_big(replace(WAITING, node_id="n")), r"it reserves 9\d\d\.\d GB and 0 CPUs; tasks: "),
        (too_big(task(1, 0)), r"it reserves 9\d\d\.\d GB and 0 CPUs; tasks: "),
    ],
)
def test_pending_is_a_task_on_no_node_of_a_service_that_reserves(swarm: Swarm, why: str) -> None:
    if not why:
        test_placement.test_pending(swarm, parameters=test_placement.Parameters())
        return
    with pytest.raises(AssertionError, match=why):
        test_placement.test_pending(swarm, parameters=test_placement.Parameters())


@pytest.mark.parametrize(
    ("error", "holds"),
    [
        ("no suitable node (insufficient resources on 3 nodes)", True),
        ("no suitable node (scheduling constraints not satisfied on 3 nodes)", False),
        ("no suitable node (insufficient resources on 1 node; scheduling constraints not satisfied on 2 nodes)", True),
    ],
)
def test_says_why_is_that_resources_are_insufficient(error: str, holds: bool) -> None:
    swarm = too_big(replace(WAITING, error=error))
    if holds:
        test_placement.test_says_why(swarm, parameters=test_placement.Parameters())
        return
    with pytest.raises(AssertionError, match="its error: no suitable node"):
        test_placement.test_says_why(swarm, parameters=test_placement.Parameters())


# Which runs ask every node ahead.


@pytest.mark.parametrize(
    ("words", "options", "ahead"),
    [
        (["verify/"], {}, True),
        (["verify/test_mine.py", "verify/"], {}, True),
        (["verify/test_mine.py"], {}, False),
        ([], {}, False),
        (["verify/"], {"keyword": "cluster"}, False),
        (["verify/"], {"evidence_from": "file"}, False),
    ],
)
def test_asks_every_node_if_the_checks_of_the_swarm_will_be_chosen(
    words: list[str], options: dict[str, Any], ahead: bool
) -> None:
    config: Any = SimpleNamespace(args=words, getoption=lambda name, default=None: options.get(name, default), stash={})
    assert session._asks_every_node(config) is ahead
