"""The swarm itself: addresses, names, engines, ports, membership, networks."""

from __future__ import annotations

import pytest

from labgen.capabilities import Capability, Lacks
from labgen.lab import Lab, Node
from labgen.swarm import Swarm, SwarmNode
from verify.checks import check
from verify.facts import NodeFacts


@check(points=1, hint="See what {node} has with `ip -brief address`; fab bootstrap.network sees to it.")
def test_address(node: Node, facts: NodeFacts, lacks: Lacks) -> None:
    """The node has its lab address, on its adapter for the lab network, and that adapter is up."""
    # Where a node is given its address from outside, its adapter is given another MAC address, too.
    known_by = str(node.address) if Capability.NETPLAN in lacks else node.mac
    link = facts.link(known_by)
    right = link is not None and link.up and str(node.address) in link.addresses
    assert right, f"the adapter {known_by}: {link or 'there is none'}"


@check(points=1, hint="On {node}: sudo hostnamectl set-hostname {node}")
def test_host_name(node: Node, facts: NodeFacts) -> None:
    """The node bears its name."""
    assert facts.hostname == node.name, f"its host name is {facts.hostname}"


@check(
    points=1,
    hint="On {node}, /etc/hosts needs a line for each node, and none with 127.0.x.1 for any: sudo vi /etc/hosts",
)
def test_names(facts: NodeFacts, lab: Lab) -> None:
    """The node finds every node by its name, at its lab address, in /etc/hosts."""
    wrong = {
        name: ", ".join(found) or "not found"
        for name, found, right in ((one.name, facts.names.get(one.name, ()), str(one.address)) for one in lab.nodes)
        if found != (right,)
    }
    assert not wrong, "; ".join(f"{name}: {found}" for name, found in wrong.items())


@check(points=1, hint="On {node}: sudo systemctl start docker; sudo journalctl -u docker")
def test_engine_running(facts: NodeFacts) -> None:
    """The node's Docker engine runs, and answers."""
    answers = facts.engine_running and bool(facts.swarm.state)
    assert answers, "there is no process dockerd"


@check(
    points=2,
    needs=("cluster.engine_running",),
    hint="On {manager}: docker swarm join-token worker; then run on {node} what it prints. Or: fab bootstrap",
)
def test_swarm_active(facts: NodeFacts) -> None:
    """The node is part of a swarm."""
    assert facts.swarm.active, f"its engine says {facts.swarm.state} {facts.swarm.error}".rstrip()


@check(
    points=1,
    needs=("cluster.swarm_active",),
    hint="{node} must leave (docker swarm leave) and join again with --advertise-addr {address}",
)
def test_advertised_address(node: Node, facts: NodeFacts) -> None:
    """The node is known to the swarm by its lab address."""
    known = facts.swarm.address
    assert known == str(node.address), f"it advertises {known or 'nothing'}"


@check(points=1, needs=("cluster.swarm_active",), hint="On {node}: sudo ss -lntup | grep dockerd")
@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_gossip_port(node: Node, facts: NodeFacts, protocol: str) -> None:
    """Port 7946 is open, where the nodes tell one another how they are."""
    assert facts.listens(protocol, 7946, str(node.address)), facts.listening(7946)


@check(
    points=1,
    nodes="managers",
    needs=("cluster.swarm_active",),
    hint="Only a manager opens it. On {node}: docker info --format '{{{{.Swarm.ControlAvailable}}}}'",
)
def test_management_port(node: Node, facts: NodeFacts) -> None:
    """Port 2377 is open on a manager, where nodes join."""
    assert facts.listens("tcp", 2377, str(node.address)), facts.listening(2377)


@check(points=2, hint="On {manager}: docker swarm init --advertise-addr and its lab address. Or: fab bootstrap")
def test_swarm_begun(swarm: Swarm) -> None:
    """There is a swarm, and it has a leader."""
    assert any(node.leader for node in swarm.nodes), "no manager leads it"


@check(
    points=2,
    needs=("cluster.swarm_begun",),
    hint="On {manager}: docker node ls. Is the engine of {node} running, and port 7946 open in its firewall?",
)
def test_node_ready(node: Node, facts: NodeFacts, swarm: Swarm) -> None:
    """The manager sees the node Ready."""
    known = _known(swarm, node, facts)
    state = known.state if known else "not at all"
    assert state == "ready", f"the manager sees it {state}"


@check(
    points=1,
    needs=("cluster.node_ready",),
    hint="On {manager}: docker node promote {node}, or docker node demote {node}",
)
def test_node_role(node: Node, facts: NodeFacts, swarm: Swarm) -> None:
    """The node has the role that the lab gives it."""
    known = _known(swarm, node, facts)
    role = known.role if known else "stranger"
    assert role == node.role, f"to the manager it is a {role}"


@check(
    points=1,
    needs=("cluster.swarm_begun",),
    hint="On {manager}: docker node ls; docker node rm --force ID for each that is too many",
)
def test_no_strangers(swarm: Swarm, lab: Lab) -> None:
    """The swarm has no node that is not of the lab, and none twice."""
    ours = {node.name for node in lab.nodes}
    ready = [node.name for node in swarm.nodes if node.ready]
    strange = [node.name for node in swarm.nodes if node.name not in ours]
    strange += [name for name in ours if ready.count(name) > 1]
    assert not strange, f"too many: {', '.join(strange)}"


@check(
    points=1,
    needs=("cluster.swarm_begun",),
    hint="On {manager}: docker network ls. To make one anew: docker network create --driver overlay --ingress ingress",
)
def test_ingress_network(swarm: Swarm) -> None:
    """The swarm has its ingress network: an overlay network over every node, for the routing mesh."""
    ingress = [network for network in swarm.networks if network.ingress]
    good = [network for network in ingress if (network.driver, network.scope) == ("overlay", "swarm")]
    seen = ", ".join(f"{network.name} ({network.driver}, {network.scope})" for network in ingress)
    assert len(good) == 1, f"ingress networks: {seen or 'none'}"


@check(
    points=2,
    needs=("cluster.swarm_begun",),
    hint="Begin the swarm anew with another pool: docker swarm init --default-addr-pool. Or: fab bootstrap",
)
def test_overlay_subnets(swarm: Swarm, lab: Lab) -> None:
    """No overlay network of the swarm overlaps a network that the machines themselves are on."""
    machines = (("the lab network", lab.plan.lab), ("adapter 1", lab.plan.adapter1))
    clashes = [
        f"{network.name} {subnet} overlaps {name} {other}"
        for network in swarm.networks
        for subnet in network.subnets
        for name, other in machines
        if network.driver == "overlay" and subnet.overlaps(other)
    ]
    assert not clashes, "; ".join(clashes)


def _known(swarm: Swarm, node: Node, facts: NodeFacts) -> SwarmNode | None:
    """The manager's entry for a node: by the id the node has now, else by name (it may have left)."""
    return swarm.node(facts.swarm.node_id) or next((known for known in swarm.nodes if known.name == node.name), None)
