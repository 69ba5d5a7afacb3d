"""For each cause a lab in which it is seen: the course's three nodes, with one thing wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network, ip_network
from typing import Any

from labgen.docker.swarm import LocalSwarm, Network, PublishedPort, Service, Swarm, SwarmNode, Task
from labgen.exercise.catalogue import exercises
from labgen.exercise.services import ServiceSpec
from labgen.observation.causes import NodeState, Observations, Symptoms, Topic
from labgen.observation.causes.symptoms import Disk, FirewallRule

MANAGER, W1, W2 = "swarm-manager", "swarm-worker1", "swarm-worker2"
ADDRESSES = {MANAGER: "10.0.2.101", W1: "10.0.2.102", W2: "10.0.2.103"}
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LAB = IPv4Network("10.0.2.0/24")
LEADERLESS = (
    "rpc error: code = Unknown desc = The swarm does not have a leader. It's possible that too few managers are "
    "online. Make sure more than half of the managers are online."
)
"""What engines of 20.10 and 26.1 answered with status 500, and in ``/info``."""

LOCKED = (
    'Swarm is encrypted and needs to be unlocked before it can be used. Please use "docker swarm unlock" to unlock it.'
)


def node(name: str, **changed: Any) -> NodeState:
    """A node that is as it should be, but for what is changed."""
    managers = (f"{ADDRESSES[MANAGER]}:2377",)
    local = LocalSwarm(
        "active",
        f"id-{name}",
        is_manager=name == MANAGER,
        address=ADDRESSES[name],
        managers=managers,
        history_limit=5 if name == MANAGER else None,
    )
    role = "manager" if name == MANAGER else "worker"
    healthy = Symptoms(0.0, Disk(10**6, 10**5))
    state = NodeState(name, ADDRESSES[name], role, engine_running=True, swarm=local, symptoms=healthy)
    return replace(state, **changed)


def nodes(**changed: NodeState) -> tuple[NodeState, ...]:
    """The three nodes; ``w1=…`` puts another in one's place."""
    names = {"manager": MANAGER, "w1": W1, "w2": W2}
    return tuple(changed.get(short) or node(name) for short, name in names.items())


def member(name: str, **changed: Any) -> SwarmNode:
    """A node as the managers know it."""
    role = "manager" if name == MANAGER else "worker"
    entry = SwarmNode(f"id-{name}", name, role, "active", "ready", name == MANAGER, ADDRESSES[name], "20.10.24")
    return replace(entry, **changed)


def task(slot: int, image: str, state: str = "running", error: str = "", **changed: Any) -> Task:
    """A task of one replica, on the first worker."""
    desired = "shutdown" if state in ("failed", "rejected", "complete", "shutdown") else "running"
    given = Task(
        id=f"task-{slot}-{state}-{changed.get('created', '')}",
        service_id="s",
        slot=slot,
        node_id=f"id-{W1}",
        state=state,
        desired=desired,
        image=image,
        container_id="c",
        error=error,
        created=NOON,
        updated=NOON,
        since=NOON,
    )
    return replace(given, **changed)


def service(spec: ServiceSpec, *tasks: Task, **changed: Any) -> Service:
    """A service just as an exercise asks for it, but for what is changed."""
    created = Service(
        id=f"s-{spec.name}",
        name=spec.name,
        mode="global" if spec.replicas is None else "replicated",
        replicas=spec.replicas,
        image=spec.image,
        constraints=spec.constraints,
        ports=tuple(PublishedPort(publish.published, publish.target, "tcp", publish.mode) for publish in spec.publish),
        update_state="",
        update_message="",
        tasks=tasks or tuple(task(slot, spec.image) for slot in range(1, (spec.replicas or 1) + 1)),
        networks=("n-course-net",) if spec.network else (),
        created=NOON,
    )
    return replace(created, **changed)


def swarm(*services: Service, members: tuple[SwarmNode, ...] = (), networks: tuple[Network, ...] = ()) -> Swarm:
    """The three nodes with some services."""
    return Swarm(
        nodes=members or tuple(member(name) for name in ADDRESSES),
        networks=(network("ingress", "10.20.0.0/24", ingress=True), *networks),
        services={each.name: each for each in services},
    )


def network(name: str, subnet: str, *, ingress: bool = False) -> Network:
    """An overlay network."""
    given = ip_network(subnet)
    assert isinstance(given, IPv4Network)
    return Network(f"n-{name}", name, "overlay", "swarm", ingress, (given,))


def lab(exercise: str, *services: Service, **changed: Any) -> Observations:
    """A lab in which an exercise is carried out."""
    observations = Observations(
        nodes=nodes(),
        swarm=swarm(*services),
        exercise=exercises()[exercise],
        lab_networks=(("the lab network", LAB),),
        now=NOON + timedelta(seconds=30),
    )
    return replace(observations, **changed)


(WEB,) = exercises()["loadbalance"].services
(DATABASE,) = exercises()["update"].services
VIRTUAL = exercises()["discovery"].services[0]
HOST = exercises()["quorum"].services[0]


def _waits(error: str, **changed: Any) -> Observations:
    """The tasks of web-alb wait, for lack of a node that suits them."""
    waiting = [task(slot, WEB.image, "pending", f"no suitable node ({error})", node_id="") for slot in (1, 2)]
    return lab("loadbalance", service(WEB, *waiting, **changed))


def _fails(error: str, image: str = WEB.image, state: str = "rejected", **changed: Any) -> Observations:
    """The tasks of web-alb fail."""
    return lab(
        "loadbalance", service(WEB, *(task(slot, image, state, error) for slot in (1, 2)), image=image), **changed
    )


def _flapping() -> Observations:
    ended = [
        task(
            1,
            WEB.image,
            "complete",
            created=NOON + timedelta(seconds=4 * turn),
            updated=NOON + timedelta(seconds=4 * turn + 4),
        )
        for turn in range(4)
    ]
    now = task(1, WEB.image, created=NOON + timedelta(seconds=17), updated=NOON + timedelta(seconds=18))
    return lab("loadbalance", service(WEB, *ended, now, task(2, WEB.image)), now=NOON + timedelta(seconds=19))


def _leaderless() -> Observations:
    local = LocalSwarm(
        "active",
        f"id-{MANAGER}",
        is_manager=True,
        address=ADDRESSES[MANAGER],
        error=LEADERLESS,
        managers=(f"{ADDRESSES[MANAGER]}:2377", f"{ADDRESSES[W1]}:2377"),
    )
    stopped = node(W1, engine_running=False, swarm=LocalSwarm.inactive())
    return lab("loadbalance", swarm=None, nodes=nodes(manager=node(MANAGER, swarm=local), w1=stopped))


def _locked() -> Observations:
    local = LocalSwarm("locked", error=LOCKED)
    return lab("loadbalance", swarm=None, nodes=nodes(manager=node(MANAGER, swarm=local)))


def _symptom(name: str, **changed: Any) -> tuple[NodeState, ...]:
    short = {MANAGER: "manager", W1: "w1", W2: "w2"}[name]
    symptoms = replace(Symptoms(0.0, Disk(10**6, 10**5)), **changed)
    return nodes(**{short: node(name, symptoms=symptoms)})


def _missing(**changed: Any) -> Observations:
    return lab("loadbalance", **changed)


def _clash() -> Observations:
    clash = network("clash", "10.0.2.0/24")
    user = service(replace(WEB, name="mine"), networks=("n-clash",))
    return lab("cluster", swarm=swarm(user, networks=(clash,)))


_NO_IMAGE = "No such image: redis:nosuch"
_MISSPELT = [task(slot, "redis:nosuch", "rejected", _NO_IMAGE) for slot in (1, 2, 3)]

SAMPLES: dict[str, tuple[Topic, Callable[[], Observations]]] = {
    "no-leader": ("node", _leaderless),
    "locked": ("node", _locked),
    "no-swarm": (
        "node",
        lambda: lab(
            "loadbalance",
            swarm=None,
            nodes=tuple(node(name, swarm=LocalSwarm.inactive()) for name in ADDRESSES),
        ),
    ),
    "near-name": ("names", lambda: _missing(swarm=swarm(service(replace(WEB, name="web-alb2"))))),
    "port-taken": ("names", lambda: _missing(swarm=swarm(service(replace(WEB, name="mine"))))),
    "wrong-network": (
        "network",
        lambda: lab(
            "discovery",
            swarm=swarm(service(VIRTUAL, networks=()), networks=(network("course-net", "10.20.1.0/24"),)),
        ),
    ),
    "history-cut": (
        "history",
        lambda: lab(
            "update",
            service(DATABASE),
            nodes=nodes(manager=node(MANAGER, swarm=LocalSwarm("active", is_manager=True, history_limit=0))),
        ),
    ),
    "overlay-in-lab-network": ("subnets", _clash),
    "image-missing": ("tasks", lambda: lab("update", service(DATABASE, *_MISSPELT, image="redis:nosuch"))),
    "proxy": (
        "tasks",
        lambda: _fails("No such image: nginx:latest", nodes=_symptom(W1, proxy="http://192.0.2.1:3128")),
    ),
    "image-not-pulled": ("tasks", lambda: _fails("No such image: nginx:latest")),
    "command-not-found": (
        "tasks",
        lambda: _fails('starting container failed: exec: "ngnix": executable file not found'),
    ),
    "platform": ("tasks", lambda: _waits("unsupported platform on 3 nodes")),
    "resources": ("tasks", lambda: _waits("insufficient resources on 3 nodes", reserved=(2**40, 0.0))),
    "constraint": (
        "tasks",
        lambda: _waits(
            "scheduling constraints not satisfied on 3 nodes",
            constraints=("node.role==worker", "node.labels.disk == ssd"),
        ),
    ),
    "host-port-taken": (
        "tasks",
        lambda: lab(
            "quorum",
            service(
                HOST, task(0, HOST.image, "pending", "no suitable node (host-mode port already in use on 2 nodes)")
            ),
            service(replace(HOST, name="mine")),
        ),
    ),
    "no-node-available": (
        "tasks",
        lambda: lab(
            "loadbalance",
            swarm=swarm(
                service(WEB, task(1, WEB.image, "pending", "no suitable node (2 nodes not available for new tasks)")),
                members=(member(MANAGER), member(W1, availability="drain"), member(W2, availability="drain")),
            ),
        ),
    ),
    "update-paused": (
        "tasks",
        lambda: lab(
            "update",
            service(DATABASE, update_state="paused", update_message="update paused due to failure of task x"),
        ),
    ),
    "flapping": ("tasks", _flapping),
    "still-starting": (
        "tasks",
        lambda: lab("loadbalance", service(WEB, task(1, WEB.image), task(2, WEB.image, "preparing"))),
    ),
    "node-off": ("node", lambda: lab("cluster", nodes=nodes(w1=NodeState(W1, ADDRESSES[W1], "worker", reached=False)))),
    "disk-full": ("node", lambda: lab("cluster", nodes=_symptom(W1, disk=Disk(4)))),
    "engine-stopped": (
        "node",
        lambda: lab("cluster", nodes=nodes(w2=node(W2, engine_running=False, swarm=LocalSwarm.inactive())), node=W2),
    ),
    "node-left": ("node", lambda: lab("cluster", nodes=nodes(w2=node(W2, swarm=LocalSwarm.inactive())), node=W2)),
    "clock-off": ("node", lambda: lab("cluster", nodes=_symptom(W1, ahead=-3600.0))),
    "vxlan-dropped": (
        "requests",
        lambda: lab(
            "loadbalance",
            service(WEB),
            nodes=_symptom(W1, rules=(FirewallRule("-A INPUT -p udp -m udp --dport 4789 -j DROP", (4789,)),)),
        ),
    ),
    "firewall": (
        "node",
        lambda: lab(
            "cluster",
            nodes=_symptom(MANAGER, rules=(FirewallRule("-A INPUT -s 10.0.2.103/32 -j DROP", (2377, 7946, 4789)),)),
            node=W2,
        ),
    ),
    "node-down": (
        "node",
        lambda: lab("cluster", swarm=swarm(members=(member(MANAGER), member(W1), member(W2, state="down"))), node=W2),
    ),
    "node-drained": (
        "tasks",
        lambda: lab(
            "loadbalance", swarm=swarm(members=(member(MANAGER), member(W1), member(W2, availability="drain")))
        ),
    ),
    "node-paused": (
        "tasks",
        lambda: lab(
            "loadbalance", swarm=swarm(members=(member(MANAGER), member(W1), member(W2, availability="pause")))
        ),
    ),
}
