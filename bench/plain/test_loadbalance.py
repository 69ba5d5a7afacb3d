"""Load balancing, as its exercise judges it; asked of the manager, unless a node's own port is meant."""

from __future__ import annotations

import json
from typing import Any

import pytest

MANAGER = "swarm-manager"
WORKERS = ("swarm-worker1", "swarm-worker2")
ADDRESSES = {MANAGER: "10.0.2.101", "swarm-worker1": "10.0.2.102", "swarm-worker2": "10.0.2.103"}
PAGES = {"<h1>Hi Docker Swarm 1</h1>", "<h1>Hi Docker Swarm 2</h1>"}
REQUESTS = "1 2 3 4 5 6 7 8 9 10 11 12"

on_manager = pytest.mark.only_on(MANAGER)


def pages(host: Any, address: str) -> set[str]:
    # A process for each, because a connection that is kept open leads to the same container every time.
    ask = f"for each in {REQUESTS}; do curl --silent --fail --max-time 3 http://%s:8001/ && echo || exit; done"
    return set(host.check_output(ask, address).split("\n")) - {""}


@on_manager
def test_service_exists(host: Any) -> None:
    image = host.check_output("docker service inspect web-alb --format '{{.Spec.TaskTemplate.ContainerSpec.Image}}'")
    assert image.partition("@")[0].rpartition("/")[2].partition(":")[0] == "nginx"


@on_manager
def test_replicated(host: Any) -> None:
    mode = host.check_output("docker service inspect web-alb --format '{{json .Spec.Mode}}'")
    assert json.loads(mode) == {"Replicated": {"Replicas": 2}}


@on_manager
def test_running(host: Any) -> None:
    states = host.check_output(
        "docker service ps web-alb --filter desired-state=running --format '{{.CurrentState}}'"
    ).splitlines()
    assert sum(state.startswith("Running") for state in states) == 2


@on_manager
def test_constraint(host: Any) -> None:
    told = host.check_output(
        "docker service inspect web-alb --format '{{json .Spec.TaskTemplate.Placement.Constraints}}'"
    )
    written = {"".join(constraint.split()) for constraint in json.loads(told) or ()}
    assert written & {"node.role==worker", "node.role!=manager"}


@on_manager
def test_on_workers(host: Any) -> None:
    told = host.check_output("docker service ps web-alb --filter desired-state=running --format '{{.Node}}'")
    assert set(told.splitlines()) <= set(WORKERS)
    assert told


@on_manager
def test_published(host: Any) -> None:
    ports = json.loads(host.check_output("docker service inspect web-alb --format '{{json .Endpoint.Ports}}'"))
    assert ports == [{"Protocol": "tcp", "TargetPort": 80, "PublishedPort": 8001, "PublishMode": "ingress"}]


@pytest.mark.mesh
def test_port_open(host: Any) -> None:
    assert host.socket(f"tcp://{ADDRESSES[host.backend.get_hostname()]}:8001").is_listening


@pytest.mark.mesh
@on_manager
@pytest.mark.parametrize("node", ADDRESSES)
def test_pages(host: Any, node: str) -> None:
    assert pages(host, ADDRESSES[node]) == PAGES


@pytest.mark.mesh
@pytest.mark.only_on(*WORKERS)
def test_pages_from_itself(host: Any) -> None:
    assert pages(host, ADDRESSES[host.backend.get_hostname()]) == PAGES
