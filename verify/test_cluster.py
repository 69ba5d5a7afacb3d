"""The swarm itself: addresses, names, engines, ports, membership, networks."""

from __future__ import annotations

import pytest

from labgen.capabilities import Capability, Lacks
from labgen.course import Words
from labgen.course.cluster import BRIDGE
from labgen.lab import Lab, Node
from labgen.swarm import Swarm, SwarmNode
from verify.checks import check
from verify.exam import Exam
from verify.facts import NodeFacts


@check(
    ko="노드가 실습망 어댑터에 자기 주소를 가지고 있고, 그 어댑터는 켜져 있다.",
    hint=Words(
        "See what {node} has with `ip -brief address`; fab bootstrap.network sees to it.",
        "{node}의 주소는 `ip -brief address`로 봅니다. fab bootstrap.network가 바로잡습니다.",
    ),
)
def test_address(node: Node, facts: NodeFacts, lacks: Lacks) -> None:
    """The node has its lab address, on its adapter for the lab network, and that adapter is up."""
    # Where a node is given its address from outside, its adapter is given another MAC address, too.
    known_by = str(node.address) if Capability.NETPLAN in lacks else node.mac
    link = facts.link(known_by)
    right = link is not None and link.up and str(node.address) in link.addresses
    assert right, f"the adapter {known_by}: {link or 'there is none'}"


@check(
    ko="노드의 호스트 이름이 맞다.",
    hint=Words("On {node}: sudo hostnamectl set-hostname {node}", "{node}에서: sudo hostnamectl set-hostname {node}"),
)
def test_host_name(node: Node, facts: NodeFacts) -> None:
    """The node bears its name."""
    assert facts.hostname == node.name, f"its host name is {facts.hostname}"


@check(
    ko="노드가 /etc/hosts에서 모든 노드의 이름을 실습망 주소로 찾는다.",
    hint=Words(
        "On {node}, /etc/hosts needs a line for each node, and none with 127.0.x.1 for any: sudo vi /etc/hosts",
        "{node}의 /etc/hosts에 노드마다 한 줄이 있어야 하고, 노드 이름이 127.0.x.1로 적힌 줄은 없어야 합니다: "
        "sudo vi /etc/hosts",
    ),
)
def test_names(facts: NodeFacts, lab: Lab) -> None:
    """The node finds every node by its name, at its lab address, in /etc/hosts."""
    wrong = {
        name: ", ".join(found) or "not found"
        for name, found, right in ((one.name, facts.names.get(one.name, ()), str(one.address)) for one in lab.nodes)
        if found != (right,)
    }
    assert not wrong, "; ".join(f"{name}: {found}" for name, found in wrong.items())


@check(
    ko="노드의 도커 엔진이 실행 중이고 응답한다.",
    hint=Words(
        "On {node}: sudo systemctl start docker; sudo journalctl -u docker",
        "{node}에서: sudo systemctl start docker; sudo journalctl -u docker",
    ),
)
def test_engine_running(facts: NodeFacts) -> None:
    """The node's Docker engine runs, and answers."""
    answers = facts.engine_running and bool(facts.swarm.state)
    assert answers, "there is no process dockerd"


@check(
    ko="노드가 스웜에 들어 있다.",
    needs=("cluster.engine_running",),
    hint=Words(
        "On {manager}: docker swarm join-token worker; then run on {node} what it prints. Or: fab bootstrap",
        "{manager}에서: docker swarm join-token worker. 출력된 명령을 {node}에서 실행하세요. 또는: fab bootstrap",
    ),
)
def test_swarm_active(facts: NodeFacts) -> None:
    """The node is part of a swarm."""
    assert facts.swarm.active, f"its engine says {facts.swarm.state} {facts.swarm.error}".rstrip()


@check(
    ko="스웜이 노드를 실습망 주소로 알고 있다.",
    needs=("cluster.swarm_active",),
    hint=Words(
        "{node} must leave (docker swarm leave) and join again with --advertise-addr {address}",
        "{node}가 스웜을 떠났다가(docker swarm leave) --advertise-addr {address}를 붙여 다시 들어와야 합니다",
    ),
)
def test_advertised_address(node: Node, facts: NodeFacts) -> None:
    """The node is known to the swarm by its lab address."""
    known = facts.swarm.address
    assert known == str(node.address), f"it advertises {known or 'nothing'}"


@check(
    ko="노드끼리 상태를 주고받는 7946 포트가 열려 있다.",
    needs=("cluster.swarm_active",),
    hint=Words("On {node}: sudo netstat -nlp | grep dockerd", "{node}에서: sudo netstat -nlp | grep dockerd"),
)
@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_gossip_port(node: Node, facts: NodeFacts, protocol: str) -> None:
    """Port 7946 is open, where the nodes tell one another how they are."""
    assert facts.listens(protocol, 7946, str(node.address)), facts.listening(7946)


@check(
    ko="매니저에서 노드가 들어오는 2377 포트가 열려 있다.",
    nodes="managers",
    needs=("cluster.swarm_active",),
    hint=Words(
        "Only a manager opens it. On {node}: docker info --format '{{{{.Swarm.ControlAvailable}}}}'",
        "매니저만 여는 포트입니다. {node}에서: docker info --format '{{{{.Swarm.ControlAvailable}}}}'",
    ),
)
def test_management_port(node: Node, facts: NodeFacts) -> None:
    """Port 2377 is open on a manager, where nodes join."""
    assert facts.listens("tcp", 2377, str(node.address)), facts.listening(2377)


@check(
    ko="스웜이 있고 리더가 있다.",
    hint=Words(
        "On {manager}: docker swarm init --advertise-addr and its lab address. Or: fab bootstrap",
        "{manager}에서: docker swarm init --advertise-addr 뒤에 실습망 주소. 또는: fab bootstrap",
    ),
)
def test_swarm_begun(swarm: Swarm) -> None:
    """There is a swarm, and it has a leader."""
    assert any(node.leader for node in swarm.nodes), "no manager leads it"


@check(
    ko="매니저가 보기에 노드는 Ready다.",
    needs=("cluster.swarm_begun",),
    hint=Words(
        "On {manager}: docker node ls. Is the engine of {node} running, and port 7946 open in its firewall?",
        "{manager}에서: docker node ls. {node}의 엔진이 실행 중이고, 방화벽에서 7946 포트가 열려 있습니까?",
    ),
)
def test_node_ready(node: Node, facts: NodeFacts, swarm: Swarm) -> None:
    """The manager sees the node Ready."""
    known = _known(swarm, node, facts)
    state = known.state if known else "not at all"
    assert state == "ready", f"the manager sees it {state}"


@check(
    ko="노드의 역할이 lab.yml에 정한 대로다.",
    needs=("cluster.node_ready",),
    hint=Words(
        "On {manager}: docker node promote {node}, or docker node demote {node}",
        "{manager}에서: docker node promote {node} 또는 docker node demote {node}",
    ),
)
def test_node_role(node: Node, facts: NodeFacts, swarm: Swarm) -> None:
    """The node has the role that the lab gives it."""
    known = _known(swarm, node, facts)
    role = known.role if known else "stranger"
    assert role == node.role, f"to the manager it is a {role}"


@check(
    ko="스웜에 다른 노드가 없고, 같은 노드가 두 번 있지 않다.",
    needs=("cluster.swarm_begun",),
    hint=Words(
        "On {manager}: docker node ls; docker node rm --force ID for each that is too many",
        "{manager}에서: docker node ls. 남는 노드마다: docker node rm --force ID",
    ),
)
def test_no_strangers(swarm: Swarm, lab: Lab) -> None:
    """The swarm has no node that is not of the lab, and none twice."""
    ours = {node.name for node in lab.nodes}
    ready = [node.name for node in swarm.nodes if node.ready]
    strange = [node.name for node in swarm.nodes if node.name not in ours]
    strange += [name for name in ours if ready.count(name) > 1]
    assert not strange, f"too many: {', '.join(strange)}"


@check(
    ko="스웜에 ingress 네트워크가 있다. 모든 노드에 걸친 오버레이 네트워크로, 라우팅 메시가 쓴다.",
    needs=("cluster.swarm_begun",),
    hint=Words(
        "On {manager}: docker network ls. To make one anew: docker network create --driver overlay --ingress ingress",
        "{manager}에서: docker network ls. 새로 만들려면: docker network create --driver overlay --ingress ingress",
    ),
)
def test_ingress_network(swarm: Swarm) -> None:
    """The swarm has its ingress network: an overlay network over every node, for the routing mesh."""
    ingress = [network for network in swarm.networks if network.ingress]
    good = [network for network in ingress if (network.driver, network.scope) == ("overlay", "swarm")]
    seen = ", ".join(f"{network.name} ({network.driver}, {network.scope})" for network in ingress)
    assert len(good) == 1, f"ingress networks: {seen or 'none'}"


@check(
    ko="스웜의 오버레이 네트워크가 노드들이 실제로 쓰는 네트워크와 겹치지 않는다.",
    needs=("cluster.swarm_begun",),
    hint=Words(
        "Begin the swarm anew with another pool: docker swarm init --default-addr-pool. Or: fab bootstrap",
        "다른 주소 범위로 스웜을 다시 시작하세요: docker swarm init --default-addr-pool. 또는: fab bootstrap",
    ),
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


@check(
    ko="노드에 docker_gwbridge 브리지가 있다. 오버레이 네트워크의 컨테이너는 이것으로 노드 밖과 통한다.",
    needs=("cluster.swarm_active",),
    hint=Words(
        "On {node}: docker network ls. The engine makes it when the node joins: let it leave and join again.",
        "{node}에서: docker network ls. 노드가 스웜에 들어올 때 엔진이 만듭니다. 떠났다가 다시 들어오게 하세요.",
    ),
)
def test_gateway_bridge(node: Node, exam: Exam) -> None:
    """The node has its docker_gwbridge, the bridge by which containers on overlay networks reach beyond them."""
    there = [network for network in exam.networks(node) if network.name == BRIDGE]
    assert there, f"it has no network {BRIDGE}"
    assert (there[0].driver, there[0].scope) == ("bridge", "local"), (
        f"its network {BRIDGE} is {there[0].driver}, {there[0].scope}"
    )


def _known(swarm: Swarm, node: Node, facts: NodeFacts) -> SwarmNode | None:
    """The manager's entry for a node: by the id the node has now, else by name (it may have left)."""
    return swarm.node(facts.swarm.node_id) or next((known for known in swarm.nodes if known.name == node.name), None)
