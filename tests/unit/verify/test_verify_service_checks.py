"""Checks of a service and of a node's ports, called as they are: each thing that they compare, and what differs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from labgen.docker.swarm import Port, Service, Swarm
from labgen.exercises.cluster import checks as test_cluster
from labgen.exercises.scaling import checks as test_scaling
from labgen.exercises.service import checks as test_service
from tests.past import service, task
from verify.services import changed_image

UNASKED: Any = None
"""Stands for what a check must not ask."""

SCALING = test_scaling.Parameters()
WEB = replace(
    service(),
    name=SCALING.name,
    image=SCALING.image,
    constraints=("node.role == worker",),
    ports=(Port(SCALING.port, SCALING.target, "tcp", "ingress"),),
)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({}, ""),
        ({"constraints": ("node.role!=manager", "node.hostname!=gone")}, ""),
        ({"image": "httpd"}, "web-alb is made from httpd"),
        ({"args": ("sleep", "9")}, "its containers run `sleep 9` instead"),
        ({"constraints": ()}, "its constraints: none"),
        ({"constraints": ("node.role==manager",)}, "its constraints: node.role==manager"),
        ({"ports": ()}, "web-alb publishes "),
        ({"ports": (Port(9, SCALING.target, "tcp", "ingress"),)}, "web-alb publishes "),
    ],
)
def test_same_service_compares_image_program_constraint_and_port(changed: Mapping[str, Any], why: str) -> None:
    web = replace(WEB, **changed)
    swarm = Swarm((), (), {web.name: web})
    if not why:
        test_scaling.test_same_service(web, swarm, SCALING)
        return
    with pytest.raises(AssertionError, match=why):
        test_scaling.test_same_service(web, swarm, SCALING)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"replicas": 0}, "its replicas are 0"),
        ({"mode": "global", "replicas": None}, "it is global"),
        ({"mode": "global", "replicas": 1}, "it is global"),
    ],
)
def test_service_running_wants_a_task_of_a_replicated_service(changed: Mapping[str, Any], why: str) -> None:
    with pytest.raises(AssertionError, match=why):
        test_service.test_running(replace(service(), **changed), UNASKED)


def exam_of(image_ids: Mapping[str, str]) -> Any:
    return SimpleNamespace(stored=SimpleNamespace(image_ids=lambda _tasks: image_ids))


def renamed(old: Mapping[str, Any], new: Mapping[str, Any]) -> Service:
    """A service whose first replica was updated, or is being updated."""
    return service(replace(task(1, 0, "shutdown", 9), id="old", **old), replace(task(1, 9), id="new", **new))


@pytest.mark.parametrize("old", [{"state": "running", "desired": "running"}, {}])
def test_changed_image_compares_tasks_that_run_with_those_that_do_not(old: Mapping[str, str]) -> None:
    both = renamed({"image": "redis:6.0@sha256:1", **old}, {"image": "redis:6.2@sha256:1"})
    if old:
        changed_image(exam_of({"old": "1", "new": "1"}), both)
        return
    with pytest.raises(AssertionError, match=r"redis:6\.2 and redis:6\.0 are one image with two names"):
        changed_image(exam_of({}), both)
    with pytest.raises(AssertionError, match="are one image with two names"):
        changed_image(exam_of({"old": "1", "new": "1"}), renamed({"image": "redis:6.0"}, {"image": "redis:6.2"}))


def test_changed_image_takes_the_same_name_for_no_change() -> None:
    changed_image(exam_of({"old": "1", "new": "1"}), renamed({"image": "redis:6.2"}, {"image": "redis:6.2"}))


def host_with(*sockets: str) -> Any:
    return SimpleNamespace(socket=SimpleNamespace(get_listening_sockets=lambda: list(sockets)))


NODE: Any = SimpleNamespace(name="m", address="10.0.2.101")
AT_NODE, ELSEWHERE = "tcp://10.0.2.101", "tcp://127.0.0.1"


@pytest.mark.parametrize(
    ("sockets", "holds"),
    [
        ((f"{AT_NODE}:2377",), True),
        (("tcp://0.0.0.0:2377",), True),
        ((f"{ELSEWHERE}:2377",), False),
        ((f"{AT_NODE}:7946",), False),
        (("udp://10.0.2.101:2377",), False),
        ((), False),
    ],
)
def test_management_port_is_open_at_the_address_of_the_node(sockets: tuple[str, ...], holds: bool) -> None:
    if holds:
        test_cluster.test_management_port(NODE, host_with(*sockets))
        return
    with pytest.raises(AssertionError, match="on port 2377 there is "):
        test_cluster.test_management_port(NODE, host_with(*sockets))


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_gossip_port_is_open_for_both_protocols(protocol: str) -> None:
    test_cluster.test_gossip_port(NODE, host_with(f"{protocol}://10.0.2.101:7946"), protocol)
    for absent in (f"{protocol}://127.0.0.1:7946", f"{'udp' if protocol == 'tcp' else 'tcp'}://10.0.2.101:7946"):
        with pytest.raises(AssertionError, match="on port 7946 there is "):
            test_cluster.test_gossip_port(NODE, host_with(absent), protocol)
