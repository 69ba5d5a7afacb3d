"""Faults in the swarm itself."""

from __future__ import annotations

from labgen.core.polling import NotYet
from labgen.exercise import fault_acts as acts
from labgen.exercise.faults import MANAGER, MANY_ANSWERS, WORKER1, WORKER2, Act, Fault, LiveLab


def _on(name: str, *lines: str) -> Act:
    def act(lab: LiveLab) -> None:
        lab.on(name, *lines)

    return act


def _left(lab: LiveLab) -> None:
    lab.on(WORKER2, "docker swarm leave")
    lab.missed(WORKER2)


def _engine_stopped(lab: LiveLab) -> None:
    lab.on(WORKER2, "systemctl stop docker.socket docker.service")
    lab.missed(WORKER2)


def _engine_started(lab: LiveLab) -> None:
    lab.on(WORKER2, "systemctl start docker.socket docker.service")
    lab.wait(f"{WORKER2} to be back", lambda swarm: all(node.ready for node in swarm.nodes))


def _rejoined(*options: str) -> Act:
    def act(lab: LiveLab) -> None:
        lab.on(WORKER2, "docker swarm leave")
        lab.missed(WORKER2)
        lab.manager(f"docker node rm {WORKER2}")
        told = [option.format(other=_other_address(lab)) for option in options]
        lab.join(WORKER2, *told)
        lab.wait(f"{WORKER2} to be ready", lambda swarm: sum(node.ready for node in swarm.nodes) == 3)

    return act


def _other_address(lab: LiveLab) -> str:
    """The worker's address on adapter 1."""
    device = lab.on(WORKER2, "ip -json route show default").split('"dev":"')[1].split('"')[0]
    return lab.on(WORKER2, f"ip -4 -o address show dev {device}").split(" inet ")[1].split("/")[0]


def _address_lost(lab: LiveLab) -> None:
    address = lab.node(WORKER2).address
    found = f"ip -4 -o address show to {address} | awk '{{print $2}}' >/root/adapter"
    lab.on(WORKER2, found, f"ip address del {address}/24 dev $(cat /root/adapter)")
    lab.missed(WORKER2)


def _address_back(lab: LiveLab) -> None:
    lab.on(WORKER2, f"ip address add {lab.node(WORKER2).address}/24 dev $(cat /root/adapter)")
    lab.wait(f"{WORKER2} to be back", lambda swarm: all(node.ready for node in swarm.nodes))


def _bridge_removed(lab: LiveLab) -> None:
    lab.on(
        WORKER2,
        "docker network inspect --format '{{(index .IPAM.Config 0).Subnet}}' docker_gwbridge >/root/bridge",
        "docker network disconnect --force docker_gwbridge gateway_ingress-sbox",
        "docker network rm docker_gwbridge",
    )


def _bridge_back(lab: LiveLab) -> None:
    options = "--opt com.docker.network.bridge.name=docker_gwbridge --opt com.docker.network.bridge.enable_icc=false"
    lab.on(WORKER2, f"docker network create --subnet $(cat /root/bridge) {options} docker_gwbridge")
    acts.reset(lab)


def _demoted(lab: LiveLab) -> None:
    lab.manager(f"docker node demote {WORKER2}")

    def seen() -> None:
        # Its place among the managers is given up a little later than its role.
        if lab.on(WORKER2, "docker info --format '{{.Swarm.ControlAvailable}}'").strip() != "false":
            raise NotYet("it is still a manager")

    lab.wait_until(f"{WORKER2} to be a worker again", seen, within=60)


def _walled_off(lab: LiveLab) -> None:
    """The manager's firewall drops what the worker sends it."""
    lab.manager(f"iptables -I INPUT -s {lab.node(WORKER2).address} -j DROP")
    lab.missed(WORKER2)


def _gossip_walled(lab: LiveLab) -> None:
    for protocol in ("tcp", "udp"):
        acts.drops(WORKER2, f"INPUT -s {lab.node(WORKER1).address} -p {protocol} --dport 7946")(lab)


def _gossip_unwalled(lab: LiveLab) -> None:
    for protocol in ("tcp", "udp"):
        acts.passes(WORKER2, f"INPUT -s {lab.node(WORKER1).address} -p {protocol} --dport 7946")(lab)


def _elsewhere(lab: LiveLab) -> None:
    """It has left, and begun a swarm of its own; its old entry bears its name still."""
    lab.on(WORKER2, "docker swarm leave", "docker swarm init --advertise-addr 10.0.2.103 >/dev/null")


def _wall_down(lab: LiveLab) -> None:
    lab.manager(f"iptables -D INPUT -s {lab.node(WORKER2).address} -j DROP")
    lab.wait(f"{WORKER2} to be back", lambda swarm: all(node.ready for node in swarm.nodes))


def _named(name: str) -> Act:
    """Give a worker another host name; its engine tells the managers within 20 s (moby ``nodeUpdatePeriod``)."""

    def act(lab: LiveLab) -> None:
        lab.on(WORKER1, f"hostname {name}")
        lab.wait("its new name", lambda swarm: any(node.name == name for node in swarm.nodes))

    return act


def _another_port(lab: LiveLab) -> None:
    for name in (WORKER2, WORKER1, MANAGER):
        lab.on(name, "docker swarm leave --force")
    address = lab.node(MANAGER).address
    lab.manager(
        f"docker swarm init --listen-addr {address}:2400 --advertise-addr {address}:2400"
        f" --default-addr-pool 10.77.0.0/16 --default-addr-pool-mask-length 24"
    )
    for name in (WORKER1, WORKER2):
        lab.join(name, f"--advertise-addr {lab.node(name).address}", port=2400)
    lab.wait("all three to be ready", lambda swarm: sum(node.ready for node in swarm.nodes) == 3)


def _clash(lab: LiveLab) -> None:
    lab.manager(f"docker network create --driver overlay --subnet {lab.lab.plan.lab} clash")


def _never_begun(lab: LiveLab) -> None:
    for name in (WORKER2, WORKER1, MANAGER):
        lab.on(name, "docker swarm leave --force")


FAULTS = (
    Fault(
        "a worker's name is another",
        fail=("host_name[swarm-worker1]", "no_strangers"),
        on_nodes=_named("ubuntu"),
        mend=_named(WORKER1),
        only=MANY_ANSWERS,
    ),
    Fault(
        "/etc/hosts has 127.0.1.1 for the node itself",
        fail=("names[swarm-worker1]",),
        on_nodes=_on(WORKER1, "cp /etc/hosts /root/hosts.right", f"echo '127.0.1.1 {WORKER1}' >>/etc/hosts"),
        mend=_on(WORKER1, "cat /root/hosts.right >/etc/hosts"),
        only=MANY_ANSWERS,
    ),
    Fault(
        "a name is missing in /etc/hosts",
        fail=("names[swarm-worker2]",),
        on_nodes=_on(WORKER2, "cp /etc/hosts /root/hosts.right", f"grep -v {WORKER1} /root/hosts.right >/etc/hosts"),
        mend=_on(WORKER2, "cat /root/hosts.right >/etc/hosts"),
        only=MANY_ANSWERS,
    ),
    Fault(
        "an overlay network inside the lab's subnet",
        fail=("overlay_subnets",),
        on_nodes=_clash,
        mend=_on(MANAGER, "docker network rm clash"),
        only=MANY_ANSWERS,
        cause="overlay-in-lab-network",
    ),
    Fault(
        "a worker was promoted",
        fail=("node_role[swarm-worker2]",),
        on_nodes=_on(MANAGER, f"docker node promote {WORKER2}"),
        mend=_demoted,
        only=MANY_ANSWERS,
    ),
    Fault(
        "a port blocked by the firewall",
        fail=(
            "gossip_reached[swarm-manager-tcp]",
            "gossip_reached[swarm-manager-udp]",
            "gossip_reached[swarm-worker2-tcp]",
            "gossip_reached[swarm-worker2-udp]",
            "management_reached",
            "node_ready[swarm-worker2]",
        ),
        blocked=("node_role[swarm-worker2]", "overlay_reached[swarm-manager]", "overlay_reached[swarm-worker2]"),
        on_nodes=_walled_off,
        mend=_wall_down,
        only=MANY_ANSWERS,
        cause="firewall",
    ),
    Fault(
        "a firewall drops 7946/tcp on a worker",
        fail=("gossip_reached[swarm-worker2-tcp]",),
        blocked=("overlay_reached[swarm-worker2]",),
        on_nodes=acts.drops(WORKER2, "INPUT -p tcp --dport 7946"),
        mend=acts.passes(WORKER2, "INPUT -p tcp --dport 7946"),
        only=MANY_ANSWERS,
    ),
    Fault(
        "a firewall drops 7946/udp on a worker",
        fail=("gossip_reached[swarm-worker2-udp]",),
        blocked=("overlay_reached[swarm-worker2]",),
        on_nodes=acts.drops(WORKER2, "INPUT -p udp --dport 7946"),
        mend=acts.passes(WORKER2, "INPUT -p udp --dport 7946"),
        only=MANY_ANSWERS,
    ),
    Fault(
        "a firewall drops 7946 between two workers",
        fail=(
            "gossip_reached[swarm-worker1-tcp]",
            "gossip_reached[swarm-worker1-udp]",
            "gossip_reached[swarm-worker2-tcp]",
            "gossip_reached[swarm-worker2-udp]",
        ),
        blocked=("overlay_reached[swarm-worker1]", "overlay_reached[swarm-worker2]"),
        on_nodes=_gossip_walled,
        mend=_gossip_unwalled,
        only=MANY_ANSWERS,
    ),
    Fault(
        "a firewall drops 4789/udp on a worker",
        fail=("overlay_reached[swarm-worker2]",),
        on_nodes=acts.drops(WORKER2, "INPUT -p udp --dport 4789"),
        mend=acts.passes(WORKER2, "INPUT -p udp --dport 4789"),
        only=MANY_ANSWERS,
    ),
    Fault(
        "a firewall drops new connections to 2377/tcp on the manager",
        fail=("management_reached",),
        on_nodes=acts.drops(MANAGER, "INPUT -p tcp --syn --dport 2377"),
        mend=acts.passes(MANAGER, "INPUT -p tcp --syn --dport 2377"),
        only=MANY_ANSWERS,
    ),
    Fault(
        "a worker in another swarm",
        fail=("node_ready[swarm-worker2]",),
        blocked=("node_role[swarm-worker2]",),
        on_nodes=_elsewhere,
        mend=acts.reset,
        only=MANY_ANSWERS,
    ),
    Fault(
        "an engine stopped",
        fail=("engine_running[swarm-worker2]", "node_ready[swarm-worker2]"),
        blocked=(
            "advertised_address[swarm-worker2]",
            "gateway_bridge[swarm-worker2]",
            "gossip_port[swarm-worker2-tcp]",
            "gossip_port[swarm-worker2-udp]",
            "gossip_reached[swarm-worker2-tcp]",
            "gossip_reached[swarm-worker2-udp]",
            "node_role[swarm-worker2]",
            "overlay_reached[swarm-worker2]",
            "swarm_active[swarm-worker2]",
        ),
        on_nodes=_engine_stopped,
        mend=_engine_started,
        only=MANY_ANSWERS,
        cause="engine-stopped",
    ),
    Fault(
        "the lab address was taken from its adapter",
        fail=(
            "address[swarm-worker2]",
            "gossip_reached[swarm-worker2-tcp]",
            "gossip_reached[swarm-worker2-udp]",
            "node_ready[swarm-worker2]",
        ),
        blocked=("node_role[swarm-worker2]", "overlay_reached[swarm-worker2]"),
        on_nodes=_address_lost,
        mend=_address_back,
        only=MANY_ANSWERS,
        cause="node-down",
    ),
    Fault(
        "docker_gwbridge was removed",
        fail=("gateway_bridge[swarm-worker2]",),
        on_nodes=_bridge_removed,
        mend=_bridge_back,
        only=MANY_ANSWERS,
    ),
    Fault(
        "a worker left",
        fail=("node_ready[swarm-worker2]", "swarm_active[swarm-worker2]"),
        blocked=(
            "advertised_address[swarm-worker2]",
            "gateway_bridge[swarm-worker2]",
            "gossip_port[swarm-worker2-tcp]",
            "gossip_port[swarm-worker2-udp]",
            "gossip_reached[swarm-worker2-tcp]",
            "gossip_reached[swarm-worker2-udp]",
            "node_role[swarm-worker2]",
            "overlay_reached[swarm-worker2]",
        ),
        on_nodes=_left,
        mend=acts.reset,
        only=MANY_ANSWERS,
        cause="node-left",
    ),
    Fault(
        "the advertise address on the wrong adapter",
        fail=("advertised_address[swarm-worker2]",),
        blocked=("overlay_reached[swarm-worker2]",),
        on_nodes=_rejoined("--advertise-addr {other}"),
        mend=acts.reset,
        only=MANY_ANSWERS,
    ),
    Fault(
        "a worker listens on the loopback only",
        fail=("gossip_port[swarm-worker2-tcp]", "gossip_port[swarm-worker2-udp]"),
        blocked=(
            "gossip_reached[swarm-worker2-tcp]",
            "gossip_reached[swarm-worker2-udp]",
            "overlay_reached[swarm-worker2]",
        ),
        on_nodes=_rejoined("--advertise-addr 10.0.2.103", "--listen-addr 127.0.0.1:2377"),
        mend=acts.reset,
        only=MANY_ANSWERS,
    ),
    Fault(
        "the ingress network was removed",
        fail=("ingress_network",),
        blocked=("overlay_reached",),
        on_nodes=_on(MANAGER, "echo y | docker network rm ingress"),
        mend=acts.reset,
        only=MANY_ANSWERS,
    ),
    Fault(
        "the swarm was begun on another port",
        fail=("management_port",),
        blocked=("management_reached",),
        on_nodes=_another_port,
        mend=acts.reset,
        only=MANY_ANSWERS,
    ),
    Fault(
        "no swarm was begun",
        fail=("swarm_active", "swarm_begun"),
        blocked=(
            "advertised_address",
            "gateway_bridge",
            "gossip_port",
            "gossip_reached",
            "ingress_network",
            "management_port",
            "management_reached",
            "no_strangers",
            "node_ready",
            "node_role",
            "overlay_reached",
            "overlay_subnets",
        ),
        on_nodes=_never_begun,
        mend=acts.reset,
        only=MANY_ANSWERS,
        cause="no-swarm",
    ),
)
