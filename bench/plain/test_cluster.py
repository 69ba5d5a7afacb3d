"""The swarm itself, as its exercise judges it: on each node, and on the manager about each node."""

from __future__ import annotations

import json
from ipaddress import ip_network
from typing import Any

import pytest

MANAGER = "swarm-manager"
WORKERS = ("swarm-worker1", "swarm-worker2")
ADDRESSES = {MANAGER: "10.0.2.101", "swarm-worker1": "10.0.2.102", "swarm-worker2": "10.0.2.103"}
ROLES = {MANAGER: "manager"} | dict.fromkeys(WORKERS, "worker")
LAB_ADAPTER = "eth1"
MACHINES = ("10.0.2.0/24", "192.168.221.0/24")

on_manager = pytest.mark.only_on(MANAGER)
each_node = pytest.mark.parametrize("node", ADDRESSES)


def address_of(host: Any) -> str:
    return ADDRESSES[host.backend.get_hostname()]


def test_address(host: Any) -> None:
    adapter = host.interface(LAB_ADAPTER)
    assert address_of(host) in adapter.addresses
    assert "UP" in adapter.link[0]["flags"]


def test_host_name(host: Any) -> None:
    assert host.check_output("hostname") == host.backend.get_hostname()


def test_names(host: Any) -> None:
    lines = [line.partition("#")[0].split() for line in host.file("/etc/hosts").content_string.splitlines()]
    for name, address in ADDRESSES.items():
        assert {line[0] for line in lines if name in line[1:]} == {address}


def test_engine_running(host: Any) -> None:
    # First: where the engine does not run, asking it would have systemd start it.
    assert host.service("docker").is_running
    assert host.run("docker version").succeeded


def test_swarm_active(host: Any) -> None:
    assert host.check_output("docker info --format '{{.Swarm.LocalNodeState}}'") == "active"


def test_advertised_address(host: Any) -> None:
    assert host.check_output("docker info --format '{{.Swarm.NodeAddr}}'") == address_of(host)


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_gossip_port(host: Any, protocol: str) -> None:
    assert host.socket(f"{protocol}://{address_of(host)}:7946").is_listening


@on_manager
def test_management_port(host: Any) -> None:
    assert host.socket(f"tcp://{address_of(host)}:2377").is_listening


@on_manager
def test_swarm_begun(host: Any) -> None:
    assert "Leader" in host.check_output("docker node ls --format '{{.ManagerStatus}}'").splitlines()


@on_manager
@each_node
def test_node_ready(host: Any, node: str) -> None:
    assert host.check_output("docker node inspect %s --format '{{.Status.State}}'", node) == "ready"


@on_manager
@each_node
def test_node_role(host: Any, node: str) -> None:
    assert host.check_output("docker node inspect %s --format '{{.Spec.Role}}'", node) == ROLES[node]


@on_manager
def test_no_strangers(host: Any) -> None:
    seen = [
        line.split() for line in host.check_output("docker node ls --format '{{.Hostname}} {{.Status}}'").split("\n")
    ]
    assert {name for name, _ in seen} <= set(ADDRESSES)
    ready = [name for name, status in seen if status == "Ready"]
    assert len(ready) == len(set(ready))


@on_manager
def test_ingress_network(host: Any) -> None:
    told = host.check_output("docker network inspect $(docker network ls --quiet --no-trunc)")
    ingress = [network for network in json.loads(told) if network["Ingress"]]
    assert [(network["Driver"], network["Scope"]) for network in ingress] == [("overlay", "swarm")]


@on_manager
def test_overlay_subnets(host: Any) -> None:
    told = host.check_output("docker network inspect $(docker network ls --quiet --no-trunc --filter driver=overlay)")
    subnets = [one["Subnet"] for network in json.loads(told) for one in network["IPAM"]["Config"] or ()]
    assert subnets
    assert not [one for one in subnets for other in MACHINES if ip_network(one).overlaps(ip_network(other))]


def test_gateway_bridge(host: Any) -> None:
    told = host.check_output("docker network inspect docker_gwbridge --format '{{.Driver}} {{.Scope}}'")
    assert told == "bridge local"
