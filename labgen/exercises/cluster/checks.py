"""The swarm itself: addresses, names, engines, ports, membership, networks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from labgen.core.i18n import Messages
from labgen.docker.reachability import GOSSIP, MANAGEMENT, Failure
from labgen.docker.swarm import Swarm, SwarmNode
from labgen.exercise.hint import in_folder, on_manager, on_node
from labgen.model.capabilities import Capability, Lacks
from labgen.model.lab import Lab, Node
from labgen.observation.node_facts import NodeFacts
from verify.checks import check
from verify.exam import Exam
from verify.hosts_file import addresses_of
from verify.listeners import listening, listens

from .exercise import Parameters

if TYPE_CHECKING:
    from verify.testinfra_host import NodeHost

_ = Messages.beside(__file__)


@check(
    hint=(
        on_node(
            "ip -brief address",
            look=_("See which addresses the node has."),
        ),
        in_folder(
            "fab bootstrap.network",
            note=_("This gives every node its address."),
        ),
    ),
)
def test_address(node: Node, host: NodeHost, lacks: Lacks) -> None:
    """The node's adapter for the lab network is up and has the node's lab address."""
    # Where a node is given its address from outside, its adapter is given another MAC address, too.
    known_by = str(node.address) if Capability.NETPLAN in lacks else node.mac
    adapter = host.interface.find(known_by)
    right = adapter is not None and adapter.is_up and str(node.address) in adapter.addresses
    assert right, f"the adapter {known_by}: {adapter or 'there is none'}"


@check(
    hint=on_node(
        "sudo hostnamectl set-hostname {node}",
        look=_("Compare the node's host name with its name in lab.yml."),
    ),
)
def test_host_name(node: Node, facts: NodeFacts) -> None:
    """The node's host name is correct."""
    assert facts.hostname == node.name, f"its host name is {facts.hostname}"


@check(
    hint=on_node(
        "sudo vi /etc/hosts",
        look=_("/etc/hosts needs one line for each node, and no line that gives a node's name an address 127.0.x.1."),
    ),
)
def test_names(host: NodeHost, lab: Lab) -> None:
    """/etc/hosts on the node has the name and the lab address of every node."""
    text = host.file("/etc/hosts").content_string
    wrong = {
        name: ", ".join(addresses) or "not found"
        for name, addresses, right in ((node.name, addresses_of(node.name, text), node.address) for node in lab.nodes)
        if addresses != [str(right)]
    }
    assert not wrong, "; ".join(f"{name}: {addresses}" for name, addresses in wrong.items())


@check(
    topics=("node",),
    hint=(
        on_node("sudo systemctl start docker", look=_("See whether the Docker engine runs.")),
        on_node(
            "sudo journalctl -u docker --no-pager --lines 50",
            note=_("If it does not start, its log says why."),
        ),
    ),
)
def test_engine_running(host: NodeHost, facts: NodeFacts) -> None:
    """The node's Docker engine runs and answers."""
    # An engine that is no service of systemd's runs as well.
    runs = host.service("docker").is_running or facts.engine_running
    answers = runs and bool(facts.swarm.state)
    assert answers, "there is no process dockerd"


@check(
    needs=("cluster.engine_running",),
    topics=("node",),
    hint=(
        on_manager(
            "docker swarm join-token worker",
            look=_("The node has to join the swarm. A manager has the token for that."),
            note=_("This prints another command. Run that one on {node}."),
        ),
        in_folder("fab bootstrap", note=_("Or let labgen join the node.")),
    ),
)
def test_swarm_active(facts: NodeFacts) -> None:
    """The node is part of a swarm."""
    assert facts.swarm.active, f"its engine says {facts.swarm.state} {facts.swarm.error}".rstrip()


@check(
    needs=("cluster.swarm_active",),
    hint=(
        on_manager(
            "docker swarm join-token worker",
            words=_(
                "A node gives its address when it joins. A worker may leave and join again: Swarm starts its tasks on "
                "other nodes meanwhile. The only manager must not leave: the swarm and all services would be lost."
            ),
            note=_("This prints the command with which the node joins. Add --advertise-addr {address} to it."),
        ),
        on_node(
            "docker swarm leave",
            note=_("Leave first, then run the command with the address."),
        ),
    ),
)
def test_advertised_address(node: Node, facts: NodeFacts) -> None:
    """The swarm knows the node by its lab address."""
    address = facts.swarm.address
    assert address == str(node.address), f"it advertises {address or 'nothing'}"


@check(
    needs=("cluster.swarm_active",),
    topics=("node",),
    hint=on_node("sudo netstat -nlp | grep dockerd", look=_("See on which ports the Docker engine listens.")),
)
@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_gossip_port(node: Node, host: NodeHost, protocol: str) -> None:
    """Port 7946 is open. The nodes exchange their state through it."""
    assert listens(host, protocol, 7946, str(node.address)), listening(host, 7946)


@check(
    nodes="managers",
    needs=("cluster.swarm_active",),
    topics=("node",),
    hint=on_node(
        "docker info --format '{{.Swarm.ControlAvailable}}'",
        look=_("Only a manager opens this port. Is the node a manager?"),
        note=_("The answer true means that the node is a manager."),
    ),
)
def test_management_port(node: Node, host: NodeHost) -> None:
    """Port 2377 is open on the manager. Nodes join through it."""
    assert listens(host, "tcp", 2377, str(node.address)), listening(host, 2377)


_FIREWALL = (
    on_node(
        "sudo iptables --list-rules --verbose | grep -e DROP -e REJECT",
        "sudo ufw status",
        look=_(
            "Is there a rule on one of the nodes named above that drops this traffic? Ports 2377/tcp, 7946/tcp, "
            "7946/udp and 4789/udp must be open between the nodes."
        ),
    ),
)


def _describe(failures: list[Failure]) -> str:
    return "; ".join(map(str, failures))


@check(
    nodes="managers",
    needs=("cluster.management_port",),
    topics=("node",),
    hint=_FIREWALL,
)
def test_management_reached(node: Node, exam: Exam) -> None:
    """Every other node can connect to port 2377 of the manager."""
    failures = exam.reach.connections(node, MANAGEMENT)
    assert not failures, f"port 2377/tcp: {_describe(failures)}"


@check(
    needs=("cluster.gossip_port",),
    topics=("node",),
    hint=_FIREWALL,
)
@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_gossip_reached(node: Node, exam: Exam, protocol: str) -> None:
    """The node and the other nodes can reach each other on port 7946."""
    failures = exam.reach.connections(node, GOSSIP) if protocol == "tcp" else exam.reach.datagrams(node)
    assert not failures, f"port 7946/{protocol}: {_describe(failures)}"


@check(
    needs=("cluster.advertised_address", "cluster.gossip_reached", "cluster.ingress_network"),
    topics=("node",),
    hint=(
        *_FIREWALL,
        on_node(
            "sudo systemctl restart docker",
            look=_(
                "If no rule drops it, the engine has lost the way to another node. This starts the engine again, and "
                "with it the containers of this node."
            ),
        ),
    ),
)
def test_overlay_reached(node: Node, exam: Exam) -> None:
    """Packets of overlay networks (4789/udp) pass between the node and the other nodes."""
    failures = exam.reach.overlay(node)
    assert not failures, f"port 4789/udp: {_describe(failures)}"


@check(
    topics=("node",),
    hint=(
        in_folder(
            "fab bootstrap",
            look=_("A manager has to start the swarm. Then the other nodes join it."),
            note=_("This makes one swarm of all nodes."),
        ),
        on_manager(
            "docker swarm init --advertise-addr {address}",
            note=_("Or by hand."),
        ),
    ),
)
def test_swarm_begun(swarm: Swarm) -> None:
    """There is a swarm, and it has a leader."""
    assert any(node.leader for node in swarm.nodes), "the swarm has no leader"


@check(
    needs=("cluster.swarm_begun",),
    topics=("node",),
    hint=on_manager(
        "docker node ls",
        look=_("Does the engine of {node} run, and does its firewall let port 7946 through?"),
    ),
)
def test_node_ready(node: Node, facts: NodeFacts, swarm: Swarm, lab: Lab) -> None:
    """The manager lists the node as Ready, and the node is in this manager's swarm."""
    elsewhere = _foreign_managers(swarm, lab, facts)
    assert not elsewhere, f"it is in another swarm, with its managers at {', '.join(elsewhere)}"
    member = _member(swarm, node, facts)
    assert member or not facts.swarm.active, "the manager does not list it: it is in another swarm"
    assert member, "the manager does not list it"
    assert member.state == "ready", f"the manager lists it as {member.state}"


@check(
    needs=("cluster.node_ready",),
    hint=(
        on_manager(
            "docker node promote {node}",
            look=_("Compare the node's role with its role in lab.yml."),
            note=_("If lab.yml has it as a manager:"),
        ),
        on_manager(
            "docker node demote {node}",
            note=_("If lab.yml has it as a worker:"),
        ),
    ),
)
def test_node_role(node: Node, facts: NodeFacts, swarm: Swarm) -> None:
    """The node has the role that lab.yml gives it."""
    member = _member(swarm, node, facts)
    assert member, "the manager does not list it"
    assert member.role == node.role, f"the manager lists it as a {member.role}"


@check(
    needs=("cluster.swarm_begun",),
    hint=on_manager(
        "docker node ls",
        "docker node rm --force ID",
        look=_("Remove nodes that are not part of this lab. If a name is listed twice, remove the one that is Down."),
    ),
)
def test_no_strangers(swarm: Swarm, lab: Lab) -> None:
    """The swarm contains only this lab's nodes, each once."""
    ours = {node.name for node in lab.nodes}
    ready = [node.name for node in swarm.nodes if node.ready]
    strange = [node.name for node in swarm.nodes if node.name not in ours]
    strange += [name for name in ours if ready.count(name) > 1]
    assert not strange, f"not part of the lab, or listed twice: {', '.join(strange)}"


@check(
    needs=("cluster.swarm_begun",),
    hint=(
        on_manager("docker network ls", look=_("See which networks the swarm has.")),
        on_manager(
            "docker network create --driver overlay --ingress ingress",
            look=_("If there is no network ingress, create it."),
        ),
    ),
)
def test_ingress_network(swarm: Swarm) -> None:
    """The swarm has its ingress network, the overlay network of the routing mesh."""
    ingress = [network for network in swarm.networks if network.ingress]
    good = [network for network in ingress if (network.driver, network.scope) == ("overlay", "swarm")]
    listed = ", ".join(f"{network.name} ({network.driver}, {network.scope})" for network in ingress)
    assert len(good) == 1, f"ingress networks: {listed or 'none'}"


@check(
    needs=("cluster.swarm_begun",),
    topics=("subnets",),
    hint=(
        on_manager(
            "docker network rm NETWORK",
            words=_("One network that was created by hand has to go, not the swarm."),
            note=_("Docker refuses while a service uses the network: nothing else is lost."),
        ),
        in_folder(
            "labgen reset",
            note=_("Only if ingress itself overlaps: this makes a new swarm. All services and secrets are lost."),
        ),
    ),
)
def test_overlay_subnets(swarm: Swarm, lab: Lab) -> None:
    """No overlay network of the swarm overlaps a network of the machines."""
    machines = (("the lab network", lab.plan.lab), ("adapter 1", lab.plan.adapter1))
    clashes = [
        f"{network.name} {subnet} overlaps {name} {machine_subnet}"
        for network in swarm.networks
        for subnet in network.subnets
        for name, machine_subnet in machines
        if network.driver == "overlay" and subnet.overlaps(machine_subnet)
    ]
    assert not clashes, "; ".join(clashes)


@check(
    needs=("cluster.swarm_active",),
    hint=(
        on_node("docker network ls", look=_("See which networks the node has.")),
        on_node(
            "sudo systemctl restart docker",
            look=_("The engine creates this bridge when it starts in a swarm."),
            note=_("A restart stops the node's containers for a moment; Swarm starts them again."),
        ),
    ),
)
def test_gateway_bridge(node: Node, exam: Exam, parameters: Parameters) -> None:
    """The node has the bridge docker_gwbridge. It connects containers on overlay networks to other networks."""
    bridges = [network for network in exam.networks(node) if network.name == parameters.bridge]
    assert bridges, f"it has no network {parameters.bridge}"
    assert (bridges[0].driver, bridges[0].scope) == ("bridge", "local"), (
        f"its network {parameters.bridge} is {bridges[0].driver}, {bridges[0].scope}"
    )


def _member(swarm: Swarm, node: Node, facts: NodeFacts) -> SwarmNode | None:
    """The manager's entry for a node: by the id the node has now; by name only where it is in no swarm (it has left).

    One that is in a swarm under an id that the manager does not know is in another.
    """
    if facts.swarm.active:
        return swarm.node(facts.swarm.node_id)
    return next((member for member in swarm.nodes if member.name == node.name), None)


def _foreign_managers(swarm: Swarm, lab: Lab, facts: NodeFacts) -> list[str]:
    """List a node's managers' addresses, if none of them is a manager of this swarm."""
    swarm_addresses = {str(node.address) for node in lab.nodes} | {node.address for node in swarm.nodes}
    addresses = [manager.rpartition(":")[0] for manager in facts.swarm.managers]
    return [] if swarm_addresses & set(addresses) else addresses
