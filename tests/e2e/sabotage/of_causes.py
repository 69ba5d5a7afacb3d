"""Faults that learners really get into, for each the cause that is to be told."""

from __future__ import annotations

from labgen.core.errors import LabgenError
from labgen.core.polling import NotYet, wait_until
from labgen.docker.swarm import Swarm
from labgen.exercises.discovery import exercise as discovery
from labgen.exercises.globalmode import exercise as globalmode
from labgen.exercises.loadbalance import exercise as loadbalance
from labgen.exercises.update import exercise as update
from tests.e2e.sabotage.acts import make
from tests.e2e.sabotage.fault import Act, Fault, turned
from tests.e2e.sabotage.of_tasks import ALB, balanced, updated
from tests.e2e.sabotage.stage import MANAGER, W1, W2, Stage

WEB, DATABASE, GLOBAL = loadbalance.SERVICE, update.SERVICE, globalmode.SERVICE
_NODES = (MANAGER, W1, W2)


def _cluster(check: str, *names: str) -> tuple[str, ...]:
    return tuple(f"cluster.{check}[{name}]" for name in names or _NODES)


_UNTOLD = (
    *_cluster("node_ready"),
    *_cluster("node_role"),
    *_cluster("overlay_reached"),
    "cluster.no_strangers",
    "cluster.ingress_network",
    "cluster.overlay_subnets",
)
"""What only a manager tells."""


def _unseen(name: str) -> tuple[str, ...]:
    """What cannot be seen of a node whose engine is in no swarm."""
    return (
        *_cluster("advertised_address", name),
        *(f"cluster.{check}[{name}-{way}]" for check in ("gossip_port", "gossip_reached") for way in ("tcp", "udp")),
        *_cluster("gateway_bridge", name),
        *_cluster("overlay_reached", name),
    )


_OF_A_NODE = (
    *(f"cluster.{check}[{W2}]" for check in ("address", "host_name", "names", "engine_running", "swarm_active")),
    *_cluster("node_ready", W2),
    *_cluster("node_role", W2),
    *_unseen(W2),
)
"""What cannot be judged of a node that does not answer."""


def _fresh(stage: Stage) -> None:
    stage.must("labgen", "reset")


def _leaderless(stage: Stage) -> None:
    """Two managers, and the engine of one is stopped: neither leads."""
    stage.manager(f"docker node promote {W1}")
    stage.wait("two managers", lambda swarm: sum(node.reachable for node in swarm.nodes) == 2)
    stage.on(W1, "systemctl stop docker.socket docker.service")
    _until_refused(stage)


def _led_again(stage: Stage) -> None:
    stage.on(W1, "systemctl start docker.socket docker.service")
    _fresh(stage)


def _locked(stage: Stage) -> None:
    stage.manager("docker swarm update --autolock=true >/dev/null", "systemctl restart docker")
    _until_refused(stage)


def _until_refused(stage: Stage) -> None:
    def look() -> None:
        try:
            stage.swarm()
        except LabgenError:
            return
        raise NotYet("the manager still answers")

    wait_until("the manager to refuse", look, within=stage.there.patience.seconds(60), every=1)


def _hidden_by_a_full_disk(stage: Stage) -> None:
    """A disk that is full lies over the engine's data, and the engine does not start on it."""
    stage.on(
        W2,
        "systemctl stop docker.socket docker.service",
        "mount -t tmpfs -o size=64k tmpfs /var/lib/docker",
        "head -c 65536 /dev/zero >/var/lib/docker/full 2>/dev/null || true",
        "systemctl start docker.service || true",
    )
    stage.missed(W2)


def _emptied(stage: Stage) -> None:
    stage.on(W2, "systemctl stop docker.socket docker.service || true", "umount /var/lib/docker")
    stage.on(W2, "systemctl reset-failed docker.service || true", "systemctl start docker.socket docker.service")
    stage.wait(f"{W2} to be back", lambda swarm: all(node.ready for node in swarm.nodes))


_NO_ALB = turned(fail=("loadbalance.service_exists",), blocked=ALB)


def _instead(name: str) -> Act:
    """The service, under another name."""

    def act(stage: Stage) -> None:
        stage.remove(WEB.name)
        make(stage, WEB.but(name=name))

    return act


def _history_cut(stage: Stage) -> None:
    stage.manager("docker swarm update --task-history-limit 0 >/dev/null")
    stage.manager(f"docker service update --detach=false --force {DATABASE.name} >/dev/null", within=180)

    def forgotten(swarm: Swarm) -> bool:
        return len(swarm.services[DATABASE.name].tasks) == DATABASE.replicas

    stage.wait("the history to be forgotten", forgotten)


def _another_network(stage: Stage) -> None:
    name = discovery.VIRTUAL.name
    stage.manager("docker network create --driver overlay --attachable another >/dev/null")
    stage.manager(
        f"docker service update --detach=false --network-rm {discovery.NETWORK} --network-add another {name} "
        ">/dev/null",
        within=180,
    )


def _right_network(stage: Stage) -> None:
    name = discovery.VIRTUAL.name
    stage.manager(
        f"docker service update --detach=false --network-rm another --network-add {discovery.NETWORK} {name} "
        ">/dev/null",
        within=180,
    )
    stage.manager("for turn in 1 2 3 4 5 6 7 8 9; do docker network rm another && break; sleep 2; done >/dev/null")


def _paused(stage: Stage) -> None:
    stage.manager(f"docker node update --availability pause {W2} >/dev/null")
    stage.on(W2, f"docker rm -f $(docker ps -q --filter label=com.docker.swarm.service.name={GLOBAL.name}) >/dev/null")
    stage.settled(GLOBAL.name, 2)


def _active(stage: Stage) -> None:
    stage.manager(f"docker node update --availability active {W2} >/dev/null")
    stage.settled(GLOBAL.name, 3)


def _powered_off(stage: Stage) -> None:
    stage.must("labgen", "halt", "--force", W2)
    stage.missed(W2)


def _powered_on(stage: Stage) -> None:
    stage.must("labgen", "up")
    stage.wait(f"{W2} to be back", lambda swarm: all(node.ready for node in swarm.nodes))


FAULTS = (
    Fault(
        "two managers, and one of them stopped",
        "cluster",
        _leaderless,
        turned(
            fail=(*_cluster("engine_running", W1), "cluster.swarm_begun"),
            blocked=(*_cluster("swarm_active", W1), *_unseen(W1), *_UNTOLD),
        ),
        _led_again,
        cause="no-leader",
    ),
    Fault(
        "the swarm locked, and the manager's engine restarted",
        "cluster",
        _locked,
        turned(
            fail=(*_cluster("swarm_active", MANAGER), "cluster.swarm_begun"),
            blocked=(
                *_unseen(MANAGER),
                *_cluster("management_port", MANAGER),
                *_cluster("management_reached", MANAGER),
                *_UNTOLD,
            ),
        ),
        _fresh,
        cause="locked",
    ),
    Fault(
        "a disk that is full",
        "cluster",
        _hidden_by_a_full_disk,
        turned(
            fail=(*_cluster("engine_running", W2), *_cluster("node_ready", W2)),
            blocked=(*_cluster("swarm_active", W2), *_unseen(W2), *_cluster("node_role", W2)),
        ),
        _emptied,
        cause="disk-full",
    ),
    Fault(
        "the service under nearly its name", "loadbalance", _instead("web-alb2"), _NO_ALB, balanced, cause="near-name"
    ),
    Fault(
        "another service has the port",
        "loadbalance",
        _instead("registry-page"),
        _NO_ALB,
        balanced,
        cause="port-taken",
    ),
    Fault(
        "no history is kept",
        "update",
        _history_cut,
        turned(fail=("update.history",), blocked=("update.one_at_a_time",)),
        updated,
        cause="history-cut",
    ),
    Fault(
        "a service on another network",
        "discovery",
        _another_network,
        turned(
            fail=("discovery.virtual",),
            blocked=tuple(
                f"discovery.{name}"
                for name in ("name_is_virtual_ip", "tasks_name", "tasks_answer", "virtual_ip_answers")
            ),
        ),
        _right_network,
        cause="wrong-network",
    ),
    Fault(
        "a node is paused, and has lost its task",
        "globalmode",
        _paused,
        turned(
            fail=(f"globalmode.task_here[{W2}]", "globalmode.joined_later"),
            blocked=("globalmode.whole",),
        ),
        _active,
        cause="node-paused",
    ),
    Fault(
        "a machine that is off",
        "cluster",
        _powered_off,
        turned(unclear=_OF_A_NODE),
        _powered_on,
        cause="node-off",
    ),
)

ON_RECORDINGS = {
    "clock-off": "The nodes of a container lab have one kernel, and with it one clock.",
    "still-starting": "A task that is on its way is waited for: on nodes a grading would take as long as it may take.",
}
"""Causes that no fault on container nodes shows, with the reason: tests/unit/verify shows them on recordings."""
