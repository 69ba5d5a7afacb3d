"""Faults that learners really get into, for each the cause that is to be told."""

from __future__ import annotations

from labgen.core.errors import LabgenError
from labgen.core.polling import NotYet
from labgen.docker.swarm import Swarm
from labgen.exercise import fault_acts as acts
from labgen.exercise.faults import WORKER1, WORKER2, Act, Fault, LiveLab
from labgen.exercises.discovery import exercise as discovery
from labgen.exercises.globalmode import exercise as globalmode
from labgen.exercises.loadbalance import exercise as loadbalance
from labgen.exercises.update import exercise as update
from tests.e2e.sabotage.task_causes import CAUSE, balanced, updated

WEB, DATABASE, GLOBAL = loadbalance.Parameters().service, update.Parameters().service, globalmode.Parameters().service


def _leaderless(lab: LiveLab) -> None:
    """Two managers, and the engine of one is stopped: neither leads."""
    lab.manager(f"docker node promote {WORKER1}")
    lab.wait("two managers", lambda swarm: sum(node.reachable for node in swarm.nodes) == 2)
    lab.on(WORKER1, "systemctl stop docker.socket docker.service")
    _until_refused(lab)


def _led_again(lab: LiveLab) -> None:
    lab.on(WORKER1, "systemctl start docker.socket docker.service")
    acts.reset(lab)


def _locked(lab: LiveLab) -> None:
    lab.manager("docker swarm update --autolock=true >/dev/null", "systemctl restart docker")
    _until_refused(lab)


def _until_refused(lab: LiveLab) -> None:
    def look() -> None:
        try:
            lab.swarm()
        except LabgenError:
            return
        raise NotYet("the manager still answers")

    lab.wait_until("the manager to refuse", look, within=60)


def _hidden_by_a_full_disk(lab: LiveLab) -> None:
    """A disk that is full lies over the engine's data, and the engine does not start on it."""
    lab.on(
        WORKER2,
        "systemctl stop docker.socket docker.service",
        "mount -t tmpfs -o size=64k tmpfs /var/lib/docker",
        "head -c 65536 /dev/zero >/var/lib/docker/full 2>/dev/null || true",
        "systemctl start docker.service || true",
    )
    lab.missed(WORKER2)


def _emptied(lab: LiveLab) -> None:
    lab.on(WORKER2, "systemctl stop docker.socket docker.service || true", "umount /var/lib/docker")
    lab.on(WORKER2, "systemctl reset-failed docker.service || true", "systemctl start docker.socket docker.service")
    lab.wait(f"{WORKER2} to be back", lambda swarm: all(node.ready for node in swarm.nodes))


def _instead(name: str) -> Act:
    """The service, under another name."""

    def act(lab: LiveLab) -> None:
        lab.remove(WEB.name)
        acts.make(lab, WEB.but(name=name))

    return act


def _history_cut(lab: LiveLab) -> None:
    lab.manager("docker swarm update --task-history-limit 0 >/dev/null")
    lab.manager(f"docker service update --detach=false --force {DATABASE.name} >/dev/null", within=180)

    def forgotten(swarm: Swarm) -> bool:
        return len(swarm.services[DATABASE.name].tasks) == DATABASE.replicas

    lab.wait("the history to be forgotten", forgotten)


def _another_network(lab: LiveLab) -> None:
    network, name = discovery.Parameters().network, discovery.Parameters().virtual.name
    lab.manager("docker network create --driver overlay --attachable another >/dev/null")
    lab.manager(
        f"docker service update --detach=false --network-rm {network} --network-add another {name} >/dev/null",
        within=180,
    )


def _right_network(lab: LiveLab) -> None:
    network, name = discovery.Parameters().network, discovery.Parameters().virtual.name
    lab.manager(
        f"docker service update --detach=false --network-rm another --network-add {network} {name} >/dev/null",
        within=180,
    )
    lab.manager("for turn in 1 2 3 4 5 6 7 8 9; do docker network rm another && break; sleep 2; done >/dev/null")


def _paused(lab: LiveLab) -> None:
    lab.manager(f"docker node update --availability pause {WORKER2} >/dev/null")
    lab.on(
        WORKER2, f"docker rm -f $(docker ps -q --filter label=com.docker.swarm.service.name={GLOBAL.name}) >/dev/null"
    )
    lab.settled(GLOBAL.name, 2)


def _active(lab: LiveLab) -> None:
    lab.manager(f"docker node update --availability active {WORKER2} >/dev/null")
    lab.settled(GLOBAL.name, 3)


def _powered_off(lab: LiveLab) -> None:
    lab.labgen("halt", "--force", WORKER2)
    lab.missed(WORKER2)


def _powered_on(lab: LiveLab) -> None:
    lab.labgen("up")
    lab.wait(f"{WORKER2} to be back", lambda swarm: all(node.ready for node in swarm.nodes))


FAULTS = (
    Fault(
        "two managers, and one of them stopped",
        exercise="cluster",
        fail=("engine_running[swarm-worker1]", "swarm_begun"),
        blocked=(
            "advertised_address[swarm-worker1]",
            "gateway_bridge[swarm-worker1]",
            "gossip_port[swarm-worker1-tcp]",
            "gossip_port[swarm-worker1-udp]",
            "gossip_reached[swarm-worker1-tcp]",
            "gossip_reached[swarm-worker1-udp]",
            "ingress_network",
            "no_strangers",
            "node_ready",
            "node_role",
            "overlay_reached",
            "overlay_subnets",
            "swarm_active[swarm-worker1]",
        ),
        on_nodes=_leaderless,
        mend=_led_again,
        cause="no-leader",
        only=CAUSE,
    ),
    Fault(
        "the swarm locked, and the manager's engine restarted",
        exercise="cluster",
        fail=("swarm_active[swarm-manager]", "swarm_begun"),
        blocked=(
            "advertised_address[swarm-manager]",
            "gateway_bridge[swarm-manager]",
            "gossip_port[swarm-manager-tcp]",
            "gossip_port[swarm-manager-udp]",
            "gossip_reached[swarm-manager-tcp]",
            "gossip_reached[swarm-manager-udp]",
            "ingress_network",
            "management_port",
            "management_reached",
            "no_strangers",
            "node_ready",
            "node_role",
            "overlay_reached",
            "overlay_subnets",
        ),
        on_nodes=_locked,
        mend=acts.reset,
        cause="locked",
        only=CAUSE,
    ),
    Fault(
        "a disk that is full",
        exercise="cluster",
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
        on_nodes=_hidden_by_a_full_disk,
        mend=_emptied,
        cause="disk-full",
        only=CAUSE,
    ),
    Fault(
        "the service under nearly its name",
        exercise="loadbalance",
        fail=("service_exists",),
        blocked=(
            "constraint",
            "on_workers",
            "pages",
            "pages_from_itself",
            "port_open",
            "published",
            "replicated",
            "running",
        ),
        on_nodes=_instead("web-alb2"),
        mend=balanced,
        cause="near-name",
        only=CAUSE,
    ),
    Fault(
        "another service has the port",
        exercise="loadbalance",
        fail=("service_exists",),
        blocked=(
            "constraint",
            "on_workers",
            "pages",
            "pages_from_itself",
            "port_open",
            "published",
            "replicated",
            "running",
        ),
        on_nodes=_instead("registry-page"),
        mend=balanced,
        cause="port-taken",
        only=CAUSE,
    ),
    Fault(
        "no history is kept",
        exercise="update",
        fail=("history",),
        blocked=("one_at_a_time",),
        on_nodes=_history_cut,
        mend=updated,
        cause="history-cut",
        only=CAUSE,
    ),
    Fault(
        "a service on another network",
        exercise="discovery",
        fail=("virtual",),
        blocked=("name_is_virtual_ip", "tasks_answer", "tasks_name", "virtual_ip_answers"),
        on_nodes=_another_network,
        mend=_right_network,
        cause="wrong-network",
        only=CAUSE,
    ),
    Fault(
        "a node is paused, and has lost its task",
        exercise="globalmode",
        fail=("joined_later", "task_here[swarm-worker2]"),
        blocked=("whole",),
        on_nodes=_paused,
        mend=_active,
        cause="node-paused",
        only=CAUSE,
    ),
    Fault(
        "a machine that is off",
        exercise="cluster",
        inconclusive=(
            "address[swarm-worker2]",
            "advertised_address[swarm-worker2]",
            "engine_running[swarm-worker2]",
            "gateway_bridge[swarm-worker2]",
            "gossip_port[swarm-worker2-tcp]",
            "gossip_port[swarm-worker2-udp]",
            "gossip_reached[swarm-worker2-tcp]",
            "gossip_reached[swarm-worker2-udp]",
            "host_name[swarm-worker2]",
            "names[swarm-worker2]",
            "node_ready[swarm-worker2]",
            "node_role[swarm-worker2]",
            "overlay_reached[swarm-worker2]",
            "swarm_active[swarm-worker2]",
        ),
        on_nodes=_powered_off,
        mend=_powered_on,
        cause="node-off",
        only=CAUSE,
    ),
)
