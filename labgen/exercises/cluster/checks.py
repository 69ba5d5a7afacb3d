"""The swarm itself: addresses, names, engines, ports, membership, networks."""

from __future__ import annotations

import pytest

from labgen.core.words import Words
from labgen.docker.reachability import GOSSIP, MANAGEMENT, Failure
from labgen.docker.swarm import Swarm, SwarmNode
from labgen.exercise.hint import in_folder, on_manager, on_node
from labgen.model.capabilities import Capability, Lacks
from labgen.model.lab import Lab, Node
from verify.checks import check
from verify.exam import Exam
from verify.facts import NodeFacts

from .exercise import BRIDGE


@check(
    ko="노드가 실습망 어댑터에 자기 주소를 가지고 있고, 그 어댑터는 켜져 있다.",
    hint=(
        on_node(
            "ip -brief address",
            look=Words("See which addresses the node has.", "노드가 어떤 주소를 가지고 있는지 확인하세요."),
        ),
        in_folder(
            "fab bootstrap.network",
            look=Words("This gives every node its address.", "이 명령이 노드마다 주소를 넣어 줍니다."),
        ),
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
    hint=on_node("sudo hostnamectl set-hostname {node}"),
)
def test_host_name(node: Node, facts: NodeFacts) -> None:
    """The node bears its name."""
    assert facts.hostname == node.name, f"its host name is {facts.hostname}"


@check(
    ko="노드가 /etc/hosts에서 모든 노드의 이름을 실습망 주소로 찾는다.",
    hint=on_node(
        "sudo vi /etc/hosts",
        look=Words(
            "/etc/hosts needs one line for each node, and no line that gives a node's name an address 127.0.x.1.",
            "/etc/hosts에 노드마다 한 줄이 있어야 하고, 노드 이름이 127.0.x.1로 적힌 줄은 없어야 합니다.",
        ),
    ),
)
def test_names(facts: NodeFacts, lab: Lab) -> None:
    """The node finds every node by its name, at its lab address, in /etc/hosts."""
    wrong = {
        name: ", ".join(addresses) or "not found"
        for name, addresses, right in (
            (node.name, facts.names.get(node.name, ()), str(node.address)) for node in lab.nodes
        )
        if addresses != (right,)
    }
    assert not wrong, "; ".join(f"{name}: {addresses}" for name, addresses in wrong.items())


@check(
    ko="노드의 도커 엔진이 실행 중이고 응답한다.",
    topics=("node",),
    hint=(
        on_node("sudo systemctl start docker"),
        on_node(
            "sudo journalctl -u docker --no-pager --lines 50",
            look=Words("If it does not start, its log says why.", "시작되지 않으면 로그에 이유가 나옵니다."),
        ),
    ),
)
def test_engine_running(facts: NodeFacts) -> None:
    """The node's Docker engine runs, and answers."""
    answers = facts.engine_running and bool(facts.swarm.state)
    assert answers, "there is no process dockerd"


@check(
    ko="노드가 스웜에 들어 있다.",
    needs=("cluster.engine_running",),
    topics=("node",),
    hint=(
        on_manager(
            "docker swarm join-token worker",
            look=Words(
                "This prints another command. Run that one on {node}.",
                "다른 명령이 출력됩니다. 그 명령을 {node}에서 실행하세요.",
            ),
        ),
        in_folder("fab bootstrap", look=Words("Or let labgen join the node.", "또는 labgen이 노드를 넣게 하세요.")),
    ),
)
def test_swarm_active(facts: NodeFacts) -> None:
    """The node is part of a swarm."""
    assert facts.swarm.active, f"its engine says {facts.swarm.state} {facts.swarm.error}".rstrip()


@check(
    ko="스웜이 노드를 실습망 주소로 알고 있다.",
    needs=("cluster.swarm_active",),
    hint=(
        on_manager(
            "docker swarm join-token worker",
            words=Words(
                "A node gives its address when it joins. A worker may leave and join again: Swarm starts its tasks on "
                "other nodes meanwhile. The only manager must not leave: the swarm and all services would be lost.",
                "노드의 주소는 스웜에 들어올 때 정해집니다. 워커는 떠났다가 다시 들어와도 됩니다. 그동안 태스크는 다른 "
                "노드에서 실행됩니다. 하나뿐인 매니저는 떠나면 안 됩니다. 스웜과 모든 서비스가 사라집니다.",
            ),
            look=Words(
                "This prints the command with which the node joins. Add --advertise-addr {address} to it.",
                "노드가 들어오는 명령이 출력됩니다. 그 명령에 --advertise-addr {address}를 붙입니다.",
            ),
        ),
        on_node(
            "docker swarm leave",
            look=Words(
                "Leave first, then run the command with the address.", "먼저 떠난 뒤, 주소를 붙인 명령을 실행하세요."
            ),
        ),
    ),
)
def test_advertised_address(node: Node, facts: NodeFacts) -> None:
    """The node is known to the swarm by its lab address."""
    address = facts.swarm.address
    assert address == str(node.address), f"it advertises {address or 'nothing'}"


@check(
    ko="노드끼리 상태를 주고받는 7946 포트가 열려 있다.",
    needs=("cluster.swarm_active",),
    topics=("node",),
    hint=on_node("sudo netstat -nlp | grep dockerd"),
)
@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_gossip_port(node: Node, facts: NodeFacts, protocol: str) -> None:
    """Port 7946 is open, where the nodes tell one another how they are."""
    assert facts.listens(protocol, 7946, str(node.address)), facts.listening(7946)


@check(
    ko="매니저에서 노드가 들어오는 2377 포트가 열려 있다.",
    nodes="managers",
    needs=("cluster.swarm_active",),
    topics=("node",),
    hint=on_node(
        "docker info --format '{{.Swarm.ControlAvailable}}'",
        look=Words(
            "Only a manager opens this port: true means that the node is a manager.",
            "매니저만 여는 포트입니다. true가 나오면 매니저입니다.",
        ),
    ),
)
def test_management_port(node: Node, facts: NodeFacts) -> None:
    """Port 2377 is open on a manager, where nodes join."""
    assert facts.listens("tcp", 2377, str(node.address)), facts.listening(2377)


_FIREWALL = (
    on_node(
        "sudo iptables --list-rules --verbose | grep -e DROP -e REJECT",
        "sudo ufw status",
        look=Words(
            "Is there a rule on one of the nodes named above that drops this traffic? Ports 2377/tcp, 7946/tcp, "
            "7946/udp and 4789/udp must be open between the nodes.",
            "위에 나온 노드 가운데 이 통신을 막는 규칙이 있습니까? 노드 사이에 2377/tcp, 7946/tcp, 7946/udp, 4789/udp "
            "포트가 열려 있어야 합니다.",
        ),
    ),
)


def _describe(failures: list[Failure]) -> str:
    return "; ".join(map(str, failures))


@check(
    ko="다른 모든 노드가 이 매니저의 2377 포트에 연결할 수 있다.",
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
    ko="이 노드와 다른 노드가 서로 7946 포트에 닿는다.",
    needs=("cluster.gossip_port",),
    topics=("node",),
    hint=_FIREWALL,
)
@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_gossip_reached(node: Node, exam: Exam, protocol: str) -> None:
    """The node and the other nodes reach each other at port 7946."""
    failures = exam.reach.connections(node, GOSSIP) if protocol == "tcp" else exam.reach.datagrams(node)
    assert not failures, f"port 7946/{protocol}: {_describe(failures)}"


@check(
    ko="이 노드와 다른 노드 사이에 오버레이 네트워크의 패킷이 오간다(4789/udp).",
    needs=("cluster.advertised_address", "cluster.gossip_reached", "cluster.ingress_network"),
    topics=("node",),
    hint=_FIREWALL,
)
def test_overlay_reached(node: Node, exam: Exam) -> None:
    """Packets of overlay networks (4789/udp) pass between the node and the other nodes."""
    failures = exam.reach.overlay(node)
    assert not failures, f"port 4789/udp: {_describe(failures)}"


@check(
    ko="스웜이 있고 리더가 있다.",
    topics=("node",),
    hint=(
        in_folder(
            "fab bootstrap",
            look=Words(
                "This makes one swarm of all nodes.",
                "이 명령이 모든 노드를 스웜 하나로 묶습니다.",
            ),
        ),
        on_manager(
            "docker swarm init --advertise-addr {address}",
            look=Words("Or by hand.", "또는 직접 하세요."),
        ),
    ),
)
def test_swarm_begun(swarm: Swarm) -> None:
    """There is a swarm, and it has a leader."""
    assert any(node.leader for node in swarm.nodes), "no manager leads it"


@check(
    ko="매니저가 보기에 노드는 Ready이고, 노드는 그 매니저의 스웜에 들어 있다.",
    needs=("cluster.swarm_begun",),
    topics=("node",),
    hint=on_manager(
        "docker node ls",
        look=Words(
            "Does the engine of {node} run, and does its firewall let port 7946 through?",
            "{node}의 엔진이 실행 중이고, 방화벽에서 7946 포트가 열려 있습니까?",
        ),
    ),
)
def test_node_ready(node: Node, facts: NodeFacts, swarm: Swarm, lab: Lab) -> None:
    """The manager sees the node Ready, and the node is in the manager's swarm."""
    elsewhere = _foreign_managers(swarm, lab, facts)
    assert not elsewhere, f"it is in another swarm, with its managers at {', '.join(elsewhere)}"
    member = _member(swarm, node, facts)
    assert member or not facts.swarm.active, "the manager does not know it: it is in another swarm"
    state = member.state if member else "not at all"
    assert state == "ready", f"the manager sees it {state}"


@check(
    ko="노드의 역할이 lab.yml에 정한 대로다.",
    needs=("cluster.node_ready",),
    hint=(
        on_manager(
            "docker node promote {node}",
            look=Words("If lab.yml has it as a manager:", "lab.yml에 매니저로 적혀 있으면:"),
        ),
        on_manager(
            "docker node demote {node}",
            look=Words("If lab.yml has it as a worker:", "lab.yml에 워커로 적혀 있으면:"),
        ),
    ),
)
def test_node_role(node: Node, facts: NodeFacts, swarm: Swarm) -> None:
    """The node has the role that the lab gives it."""
    member = _member(swarm, node, facts)
    role = member.role if member else "stranger"
    assert role == node.role, f"to the manager it is a {role}"


@check(
    ko="스웜에 다른 노드가 없고, 같은 노드가 두 번 있지 않다.",
    needs=("cluster.swarm_begun",),
    hint=on_manager(
        "docker node ls",
        "docker node rm --force ID",
        look=Words(
            "Remove each entry that is not of this lab, and of a name that is listed twice the one that is Down.",
            "이 실습의 노드가 아닌 것을 지우세요. 이름이 두 번 나오면 Down인 쪽을 지웁니다.",
        ),
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
    hint=(
        on_manager("docker network ls"),
        on_manager(
            "docker network create --driver overlay --ingress ingress",
            look=Words("If there is no network ingress, create it.", "ingress 네트워크가 없으면 만드세요."),
        ),
    ),
)
def test_ingress_network(swarm: Swarm) -> None:
    """The swarm has its ingress network: an overlay network over every node, for the routing mesh."""
    ingress = [network for network in swarm.networks if network.ingress]
    good = [network for network in ingress if (network.driver, network.scope) == ("overlay", "swarm")]
    listed = ", ".join(f"{network.name} ({network.driver}, {network.scope})" for network in ingress)
    assert len(good) == 1, f"ingress networks: {listed or 'none'}"


@check(
    ko="스웜의 오버레이 네트워크가 노드들이 실제로 쓰는 네트워크와 겹치지 않는다.",
    needs=("cluster.swarm_begun",),
    topics=("subnets",),
    hint=(
        on_manager(
            "docker network rm NETWORK",
            words=Words(
                "One network that was created by hand has to go, not the swarm.",
                "직접 만든 네트워크 하나만 지우면 됩니다. 스웜은 그대로 두세요.",
            ),
            look=Words(
                "Docker refuses while a service uses the network: nothing else is lost.",
                "서비스가 쓰고 있으면 도커가 거절하므로 다른 것은 사라지지 않습니다.",
            ),
        ),
        in_folder(
            "labgen reset",
            look=Words(
                "Only if ingress itself overlaps: this makes a new swarm. All services and secrets are lost.",
                "ingress가 겹칠 때만 쓰세요. 스웜을 새로 만듭니다. 서비스와 시크릿이 모두 사라집니다.",
            ),
        ),
    ),
)
def test_overlay_subnets(swarm: Swarm, lab: Lab) -> None:
    """No overlay network of the swarm overlaps a network that the machines themselves are on."""
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
    ko="노드에 docker_gwbridge 브리지가 있다. 오버레이 네트워크의 컨테이너는 이것으로 노드 밖과 통한다.",
    needs=("cluster.swarm_active",),
    hint=(
        on_node("docker network ls"),
        on_node(
            "sudo systemctl restart docker",
            look=Words(
                "The engine creates this bridge when it starts in a swarm. A restart stops the node's containers for a "
                "moment; Swarm starts them again.",
                "스웜에 든 엔진이 시작할 때 이 브리지를 만듭니다. 다시 시작하면 노드의 컨테이너가 잠시 멈추고, 스웜이 "
                "다시 실행합니다.",
            ),
        ),
    ),
)
def test_gateway_bridge(node: Node, exam: Exam) -> None:
    """The node has its docker_gwbridge, the bridge by which containers on overlay networks reach beyond them."""
    bridges = [network for network in exam.networks(node) if network.name == BRIDGE]
    assert bridges, f"it has no network {BRIDGE}"
    assert (bridges[0].driver, bridges[0].scope) == ("bridge", "local"), (
        f"its network {BRIDGE} is {bridges[0].driver}, {bridges[0].scope}"
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
