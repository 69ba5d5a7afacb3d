"""Faults in the swarm itself."""

from __future__ import annotations

from labgen.core.polling import NotYet, wait_until
from tests.e2e.sabotage.fault import Act, Fault, turned
from tests.e2e.sabotage.stage import MANAGER, W1, W2, Stage
from tests.e2e.sabotage.walls import drops, passes


def _gossip_reached(*nodes: str) -> tuple[str, ...]:
    return tuple(f"cluster.gossip_reached[{node}-{protocol}]" for node in nodes for protocol in ("tcp", "udp"))


def _overlay_reached(*nodes: str) -> tuple[str, ...]:
    return tuple(f"cluster.overlay_reached[{node}]" for node in nodes)


_UNREACHED = (*_gossip_reached(W2), *_overlay_reached(W2))

_GONE = (
    f"cluster.advertised_address[{W2}]",
    f"cluster.gossip_port[{W2}-tcp]",
    f"cluster.gossip_port[{W2}-udp]",
    f"cluster.gateway_bridge[{W2}]",
    *_UNREACHED,
)
"""What cannot be seen of a worker that is in no swarm."""

_UNSEEN = (f"cluster.node_ready[{W2}]",)


def _fresh(stage: Stage) -> None:
    stage.must("labgen", "reset")


def _on(name: str, *lines: str) -> Act:
    def act(stage: Stage) -> None:
        stage.on(name, *lines)

    return act


def _left(stage: Stage) -> None:
    stage.on(W2, "docker swarm leave")
    stage.missed(W2)


def _engine_stopped(stage: Stage) -> None:
    stage.on(W2, "systemctl stop docker.socket docker.service")
    stage.missed(W2)


def _engine_started(stage: Stage) -> None:
    stage.on(W2, "systemctl start docker.socket docker.service")
    stage.wait(f"{W2} to be back", lambda swarm: all(node.ready for node in swarm.nodes))


def _rejoined(*options: str) -> Act:
    def act(stage: Stage) -> None:
        stage.on(W2, "docker swarm leave")
        stage.missed(W2)
        stage.manager(f"docker node rm {W2}")
        told = [option.format(other=_other_address(stage)) for option in options]
        stage.join(W2, *told)
        stage.wait(f"{W2} to be ready", lambda swarm: sum(node.ready for node in swarm.nodes) == 3)

    return act


def _other_address(stage: Stage) -> str:
    """The worker's address on adapter 1."""
    device = stage.on(W2, "ip -json route show default").split('"dev":"')[1].split('"')[0]
    return stage.on(W2, f"ip -4 -o address show dev {device}").split(" inet ")[1].split("/")[0]


def _address_lost(stage: Stage) -> None:
    address = stage.node(W2).address
    found = f"ip -4 -o address show to {address} | awk '{{print $2}}' >/root/adapter"
    stage.on(W2, found, f"ip address del {address}/24 dev $(cat /root/adapter)")
    stage.missed(W2)


def _address_back(stage: Stage) -> None:
    stage.on(W2, f"ip address add {stage.node(W2).address}/24 dev $(cat /root/adapter)")
    stage.wait(f"{W2} to be back", lambda swarm: all(node.ready for node in swarm.nodes))


def _bridge_removed(stage: Stage) -> None:
    stage.on(
        W2,
        "docker network inspect --format '{{(index .IPAM.Config 0).Subnet}}' docker_gwbridge >/root/bridge",
        "docker network disconnect --force docker_gwbridge gateway_ingress-sbox",
        "docker network rm docker_gwbridge",
    )


def _bridge_back(stage: Stage) -> None:
    options = "--opt com.docker.network.bridge.name=docker_gwbridge --opt com.docker.network.bridge.enable_icc=false"
    stage.on(W2, f"docker network create --subnet $(cat /root/bridge) {options} docker_gwbridge")
    _fresh(stage)


def _demoted(stage: Stage) -> None:
    stage.manager(f"docker node demote {W2}")

    def seen() -> None:
        # Its place among the managers is given up a little later than its role.
        if stage.on(W2, "docker info --format '{{.Swarm.ControlAvailable}}'").strip() != "false":
            raise NotYet("it is still a manager")

    wait_until(f"{W2} to be a worker again", seen, within=stage.there.patience.seconds(60), every=1)


def _walled_off(stage: Stage) -> None:
    """The manager's firewall drops what the worker sends it."""
    stage.manager(f"iptables -I INPUT -s {stage.node(W2).address} -j DROP")
    stage.missed(W2)


def _gossip_walled(stage: Stage) -> None:
    for protocol in ("tcp", "udp"):
        drops(W2, f"INPUT -s {stage.node(W1).address} -p {protocol} --dport 7946")(stage)


def _gossip_unwalled(stage: Stage) -> None:
    for protocol in ("tcp", "udp"):
        passes(W2, f"INPUT -s {stage.node(W1).address} -p {protocol} --dport 7946")(stage)


def _elsewhere(stage: Stage) -> None:
    """It has left, and begun a swarm of its own; its old entry bears its name still."""
    stage.on(W2, "docker swarm leave", "docker swarm init --advertise-addr 10.0.2.103 >/dev/null")


def _wall_down(stage: Stage) -> None:
    stage.manager(f"iptables -D INPUT -s {stage.node(W2).address} -j DROP")
    stage.wait(f"{W2} to be back", lambda swarm: all(node.ready for node in swarm.nodes))


def _named(name: str) -> Act:
    """Give a worker another host name; its engine tells the managers within 20 s (moby ``nodeUpdatePeriod``)."""

    def act(stage: Stage) -> None:
        stage.on(W1, f"hostname {name}")
        stage.wait("its new name", lambda swarm: any(node.name == name for node in swarm.nodes))

    return act


def _another_port(stage: Stage) -> None:
    for name in (W2, W1, MANAGER):
        stage.on(name, "docker swarm leave --force")
    address = stage.node(MANAGER).address
    stage.manager(
        f"docker swarm init --listen-addr {address}:2400 --advertise-addr {address}:2400"
        f" --default-addr-pool 10.77.0.0/16 --default-addr-pool-mask-length 24"
    )
    for name in (W1, W2):
        stage.join(name, f"--advertise-addr {stage.node(name).address}", port=2400)
    stage.wait("all three to be ready", lambda swarm: sum(node.ready for node in swarm.nodes) == 3)


def _clash(stage: Stage) -> None:
    stage.manager(f"docker network create --driver overlay --subnet {stage.lab.plan.lab} clash")


def _never_begun(stage: Stage) -> None:
    for name in (W2, W1, MANAGER):
        stage.on(name, "docker swarm leave --force")


def _all(check: str, *names: str) -> tuple[str, ...]:
    return tuple(f"cluster.{check}[{name}]" for name in names or (MANAGER, W1, W2))


FAULTS = (
    Fault(
        "a worker's name is another",
        "cluster",
        _named("ubuntu"),
        turned(fail=(*_all("host_name", W1), "cluster.no_strangers")),
        _named(W1),
    ),
    Fault(
        "/etc/hosts has 127.0.1.1 for the node itself",
        "cluster",
        _on(W1, "cp /etc/hosts /root/hosts.right", f"echo '127.0.1.1 {W1}' >>/etc/hosts"),
        turned(fail=_all("names", W1)),
        _on(W1, "cat /root/hosts.right >/etc/hosts"),
    ),
    Fault(
        "a name is missing in /etc/hosts",
        "cluster",
        _on(W2, "cp /etc/hosts /root/hosts.right", f"grep -v {W1} /root/hosts.right >/etc/hosts"),
        turned(fail=_all("names", W2)),
        _on(W2, "cat /root/hosts.right >/etc/hosts"),
    ),
    Fault(
        "an overlay network inside the lab's subnet",
        "cluster",
        _clash,
        turned(fail=("cluster.overlay_subnets",)),
        _on(MANAGER, "docker network rm clash"),
        cause="overlay-in-lab-network",
    ),
    Fault(
        "a worker was promoted",
        "cluster",
        _on(MANAGER, f"docker node promote {W2}"),
        turned(fail=_all("node_role", W2)),
        _demoted,
    ),
    Fault(
        "a port blocked by the firewall",
        "cluster",
        _walled_off,
        turned(
            fail=(*_UNSEEN, f"cluster.management_reached[{MANAGER}]", *_gossip_reached(MANAGER, W2)),
            blocked=(*_all("node_role", W2), *_overlay_reached(MANAGER, W2)),
        ),
        _wall_down,
        cause="firewall",
    ),
    Fault(
        "a firewall drops 7946/tcp on a worker",
        "cluster",
        drops(W2, "INPUT -p tcp --dport 7946"),
        turned(fail=(f"cluster.gossip_reached[{W2}-tcp]",), blocked=_overlay_reached(W2)),
        passes(W2, "INPUT -p tcp --dport 7946"),
    ),
    Fault(
        "a firewall drops 7946/udp on a worker",
        "cluster",
        drops(W2, "INPUT -p udp --dport 7946"),
        turned(fail=(f"cluster.gossip_reached[{W2}-udp]",), blocked=_overlay_reached(W2)),
        passes(W2, "INPUT -p udp --dport 7946"),
    ),
    Fault(
        "a firewall drops 7946 between two workers",
        "cluster",
        _gossip_walled,
        turned(fail=_gossip_reached(W1, W2), blocked=_overlay_reached(W1, W2)),
        _gossip_unwalled,
    ),
    Fault(
        "a firewall drops 4789/udp on a worker",
        "cluster",
        drops(W2, "INPUT -p udp --dport 4789"),
        turned(fail=_overlay_reached(W2)),
        passes(W2, "INPUT -p udp --dport 4789"),
    ),
    Fault(
        "a firewall drops new connections to 2377/tcp on the manager",
        "cluster",
        drops(MANAGER, "INPUT -p tcp --syn --dport 2377"),
        turned(fail=(f"cluster.management_reached[{MANAGER}]",)),
        passes(MANAGER, "INPUT -p tcp --syn --dport 2377"),
    ),
    Fault(
        "a worker in another swarm",
        "cluster",
        _elsewhere,
        turned(fail=_UNSEEN, blocked=_all("node_role", W2)),
        _fresh,
    ),
    Fault(
        "an engine stopped",
        "cluster",
        _engine_stopped,
        turned(
            fail=(*_all("engine_running", W2), *_UNSEEN),
            blocked=(*_all("swarm_active", W2), *_GONE, *_all("node_role", W2)),
        ),
        _engine_started,
        cause="engine-stopped",
    ),
    Fault(
        "the lab address was taken from its adapter",
        "cluster",
        _address_lost,
        turned(
            fail=(*_all("address", W2), *_UNSEEN, *_gossip_reached(W2)),
            blocked=(*_all("node_role", W2), *_overlay_reached(W2)),
        ),
        _address_back,
        cause="node-down",
    ),
    Fault(
        "docker_gwbridge was removed",
        "cluster",
        _bridge_removed,
        turned(fail=_all("gateway_bridge", W2)),
        _bridge_back,
    ),
    Fault(
        "a worker left",
        "cluster",
        _left,
        turned(fail=(*_all("swarm_active", W2), *_UNSEEN), blocked=(*_GONE, *_all("node_role", W2))),
        _fresh,
        cause="node-left",
    ),
    Fault(
        "the advertise address on the wrong adapter",
        "cluster",
        _rejoined("--advertise-addr {other}"),
        # Whether packets find their way back to that address is the provider's networks' doing.
        turned(fail=_all("advertised_address", W2), blocked=_overlay_reached(W2)),
        _fresh,
    ),
    Fault(
        "a worker listens on the loopback only",
        "cluster",
        _rejoined("--advertise-addr 10.0.2.103", "--listen-addr 127.0.0.1:2377"),
        turned(fail=(f"cluster.gossip_port[{W2}-tcp]", f"cluster.gossip_port[{W2}-udp]"), blocked=_UNREACHED),
        _fresh,
    ),
    Fault(
        "the ingress network was removed",
        "cluster",
        _on(MANAGER, "echo y | docker network rm ingress"),
        turned(fail=("cluster.ingress_network",), blocked=_overlay_reached(MANAGER, W1, W2)),
        _fresh,
    ),
    Fault(
        "the swarm was begun on another port",
        "cluster",
        _another_port,
        turned(fail=_all("management_port", MANAGER), blocked=(f"cluster.management_reached[{MANAGER}]",)),
        _fresh,
    ),
    Fault(
        "no swarm was begun",
        "cluster",
        _never_begun,
        turned(
            fail=(*_all("swarm_active"), "cluster.swarm_begun"),
            blocked=(
                *_all("advertised_address"),
                *_all("gateway_bridge"),
                *(
                    f"cluster.gossip_port[{name}-{protocol}]"
                    for name in (MANAGER, W1, W2)
                    for protocol in ("tcp", "udp")
                ),
                *_all("management_port", MANAGER),
                f"cluster.management_reached[{MANAGER}]",
                *_gossip_reached(MANAGER, W1, W2),
                *_overlay_reached(MANAGER, W1, W2),
                *_all("node_ready"),
                *_all("node_role"),
                "cluster.no_strangers",
                "cluster.ingress_network",
                "cluster.overlay_subnets",
            ),
        ),
        _fresh,
        cause="no-swarm",
    ),
)
