"""Ways to break the swarm itself: acts on nodes and edits of its recording, for the faults in ``faults.py``."""

from __future__ import annotations

import json
from typing import Any

from labgen.core.polling import NotYet
from labgen.exercise import fault_acts as acts
from labgen.exercise import fault_edits as edits
from labgen.exercise.faults import MANAGER, WORKER1, WORKER2, Act, Edit, LiveLab, RecordedLab


def left(lab: LiveLab) -> None:
    lab.on(WORKER2, "docker swarm leave")
    lab.missed(WORKER2)


def engine_stopped(lab: LiveLab) -> None:
    lab.on(WORKER2, "systemctl stop docker.socket docker.service")
    lab.missed(WORKER2)


def engine_started(lab: LiveLab) -> None:
    lab.on(WORKER2, "systemctl start docker.socket docker.service")
    lab.wait(f"{WORKER2} to be back", lambda swarm: all(node.ready for node in swarm.nodes))


def rejoined(*options: str) -> Act:
    def act(lab: LiveLab) -> None:
        lab.on(WORKER2, "docker swarm leave")
        lab.missed(WORKER2)
        lab.manager(f"docker node rm {WORKER2}")
        lab.join(WORKER2, *(option.format(other=other_address(lab)) for option in options))
        lab.wait(f"{WORKER2} to be ready", lambda swarm: sum(node.ready for node in swarm.nodes) == 3)

    return act


def other_address(lab: LiveLab) -> str:
    """The worker's address on adapter 1."""
    device = lab.on(WORKER2, "ip -json route show default").split('"dev":"')[1].split('"')[0]
    return lab.on(WORKER2, f"ip -4 -o address show dev {device}").split(" inet ")[1].split("/")[0]


def address_lost(lab: LiveLab) -> None:
    address = lab.node(WORKER2).address
    find_adapter = f"ip -4 -o address show to {address} | awk '{{print $2}}' >/root/adapter"
    lab.on(WORKER2, find_adapter, f"ip address del {address}/24 dev $(cat /root/adapter)")
    lab.missed(WORKER2)


def address_back(lab: LiveLab) -> None:
    lab.on(WORKER2, f"ip address add {lab.node(WORKER2).address}/24 dev $(cat /root/adapter)")
    lab.wait(f"{WORKER2} to be back", lambda swarm: all(node.ready for node in swarm.nodes))


def bridge_removed(lab: LiveLab) -> None:
    lab.on(
        WORKER2,
        "docker network inspect --format '{{(index .IPAM.Config 0).Subnet}}' docker_gwbridge >/root/bridge",
        "docker network disconnect --force docker_gwbridge gateway_ingress-sbox",
        "docker network rm docker_gwbridge",
    )


def bridge_back(lab: LiveLab) -> None:
    options = "--opt com.docker.network.bridge.name=docker_gwbridge --opt com.docker.network.bridge.enable_icc=false"
    lab.on(WORKER2, f"docker network create --subnet $(cat /root/bridge) {options} docker_gwbridge")
    acts.reset(lab)


def demoted(lab: LiveLab) -> None:
    lab.manager(f"docker node demote {WORKER2}")

    def look() -> None:
        # Its place among the managers is given up a little later than its role.
        if lab.on(WORKER2, "docker info --format '{{.Swarm.ControlAvailable}}'").strip() != "false":
            raise NotYet("it is still a manager")

    lab.wait_until(f"{WORKER2} to be a worker again", look, within=60)


def walled_off(lab: LiveLab) -> None:
    """The manager's firewall drops what the worker sends it."""
    lab.manager(f"iptables -I INPUT -s {lab.node(WORKER2).address} -j DROP")
    lab.missed(WORKER2)


def gossip_walled(lab: LiveLab) -> None:
    for protocol in ("tcp", "udp"):
        acts.drops(WORKER2, f"INPUT -s {lab.node(WORKER1).address} -p {protocol} --dport 7946")(lab)


def gossip_unwalled(lab: LiveLab) -> None:
    for protocol in ("tcp", "udp"):
        acts.passes(WORKER2, f"INPUT -s {lab.node(WORKER1).address} -p {protocol} --dport 7946")(lab)


def elsewhere(lab: LiveLab) -> None:
    """Let a worker leave, and begin a swarm of its own; the managers still list it."""
    lab.on(WORKER2, "docker swarm leave", "docker swarm init --advertise-addr 10.0.2.103 >/dev/null")


def wall_down(lab: LiveLab) -> None:
    lab.manager(f"iptables -D INPUT -s {lab.node(WORKER2).address} -j DROP")
    lab.wait(f"{WORKER2} to be back", lambda swarm: all(node.ready for node in swarm.nodes))


def named(name: str) -> Act:
    """Give a worker another host name; its engine tells the managers within 20 s (moby ``nodeUpdatePeriod``)."""

    def act(lab: LiveLab) -> None:
        lab.on(WORKER1, f"hostname {name}")
        lab.wait("its new name", lambda swarm: any(node.name == name for node in swarm.nodes))

    return act


def another_port(lab: LiveLab) -> None:
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


def clash(lab: LiveLab) -> None:
    lab.manager(f"docker network create --driver overlay --subnet {lab.lab.plan.lab} clash")


def never_begun(lab: LiveLab) -> None:
    for name in (WORKER2, WORKER1, MANAGER):
        lab.on(name, "docker swarm leave --force")


ADDRESSES = {MANAGER: "10.0.2.101", WORKER1: "10.0.2.102", WORKER2: "10.0.2.103"}
"""Addresses of the nodes in the recording."""

GOSSIP, MANAGEMENT = 7946, 2377


def named_in_recording(name: str) -> Edit:
    """Give a worker another host name, of which its engine has told the managers."""
    return edits.all_of(
        lambda lab: lab.facts(WORKER1, "hostname", lambda _: name),
        edits.member(WORKER1, lambda node: node["Description"].update(Hostname=name)),
    )


def names_of(node: str, old: str, new: str) -> Edit:
    """Change what the names of the lab mean on a node."""
    return lambda lab: lab.facts(node, "names", lambda text: text.replace(old, new))


def subnet(value: str) -> Edit:
    """Give the ingress network another subnet."""

    def change(networks: list[dict[str, Any]]) -> None:
        for network in networks:
            if network.get("Ingress"):
                network["IPAM"]["Config"][0]["Subnet"] = value

    return edits.networks(change)


def no_ingress() -> Edit:
    """Take the ingress network out."""
    return edits.networks(lambda networks: [network for network in networks if not network.get("Ingress")])


def no_bridge(lab: RecordedLab) -> None:
    """Take docker_gwbridge out of what a worker's engine lists."""

    def change(networks: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [network for network in networks if network["Name"] != "docker_gwbridge"]

    lab.engine("/networks", change, node=WORKER2)


def gossip_dropped(node: str, *sources: str, tcp: bool = True, udp: bool = True) -> Edit:
    """Let a node's firewall drop the gossip of other nodes."""
    steps = [edits.unreached(source, ADDRESSES[node], GOSSIP) for source in sources if tcp]
    return edits.all_of(*steps, edits.unheard(node, *(ADDRESSES[source] for source in sources if udp)))


def overlay_dropped(node: str, *peers: str) -> Edit:
    """Let a node's firewall drop the packets of overlay networks: they pass in neither direction."""
    ways = [(node, peer) for peer in peers] + [(peer, node) for peer in peers]
    return edits.all_of(*(edits.unreached(source, ADDRESSES[target]) for source, target in ways))


def management_dropped(manager: str, *workers: str) -> Edit:
    """Let a manager's firewall drop new connections to its management port."""
    return edits.all_of(*(edits.unreached(worker, ADDRESSES[manager], MANAGEMENT) for worker in workers))


def silent(node: str, *peers: str) -> Edit:
    """Let nothing pass between a node and its peers, in either direction."""
    steps = [edits.down(node)]
    for peer in peers:
        steps += [
            gossip_dropped(node, peer),
            gossip_dropped(peer, node),
            edits.unreached(node, ADDRESSES[peer], MANAGEMENT),
        ]
    return edits.all_of(*steps)


def no_address(lab: RecordedLab) -> None:
    """Take the lab address from a worker's adapter: nobody reaches it, and it reaches nobody."""

    def change(text: str) -> str:
        links = json.loads(text)
        for link in links:
            link["addr_info"] = [entry for entry in link["addr_info"] if entry.get("local") != ADDRESSES[WORKER2]]
        return json.dumps(links)

    lab.facts(WORKER2, "links", change)
    silent(WORKER2, MANAGER, WORKER1)(lab)


def no_engine(lab: RecordedLab) -> None:
    """Let a worker's engine not run."""
    edits.in_no_swarm(WORKER2)(lab)
    for part in ("engine", "info"):
        lab.facts(WORKER2, part, lambda _: "")
    edits.down(WORKER2)(lab)


def loopback_only(lab: RecordedLab) -> None:
    """Let a worker's engine listen for the gossip on the loopback only."""
    for protocol in ("tcp", "udp"):
        edits.listens(WORKER2, protocol, GOSSIP, "127.0.0.1")(lab)


def engine_swarm(**values: Any) -> Edit:
    """Change what a worker's engine says of its swarm: ``NodeID``, ``NodeAddr``."""
    return edits.info(WORKER2, lambda engine: engine["Swarm"].update(values))
