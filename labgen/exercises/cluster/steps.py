"""The cluster carried out: looked at from every side, its token rotated, a worker made a manager and back."""

from __future__ import annotations

import functools

from labgen.core.errors import ExerciseError
from labgen.core.polling import NotYet
from labgen.docker import swarm
from labgen.model.lab import Lab, Node
from provision import swarm as membership
from provision.exercise.ready import give_roles, in_role, of_swarm
from provision.exercise.run import Run
from provision.exercise.steps import Command, Script, Step

from .exercise import Parameters


def script(lab: Lab, parameters: Parameters) -> Script:
    """List the steps, in order."""
    manager = lab.first_manager
    return [
        *(Step(node, f"See that {node.name} is in a swarm.", _info(), until=_active(node)) for node in lab.nodes),
        *(_ports(node, parameters) for node in (manager, *lab.workers[:1])),
        Step(
            manager,
            "See the command with which a worker joins. Its token is a password: it is not shown here.",
            Command("docker swarm join-token worker"),
        ),
        _rotation(manager),
        Step(
            manager,
            "See the nodes: who is a manager, and which manager leads. An empty MANAGER STATUS is a worker.",
            Command("docker node ls"),
            until=_led,
        ),
        *(step for worker in lab.workers[:1] for step in _roles(manager, worker)),
        *(
            Step(
                node,
                f"See the networks here: {parameters.ingress}, one overlay network over all nodes, "
                f"and {parameters.bridge}, with which containers on it reach this node.",
                Command("docker network ls"),
                until=functools.partial(_check_networks, node=node),
            )
            for node in (manager, *lab.workers[:1])
        ),
    ]


def reset(run: Run) -> None:
    """Give every node the role that the lab gives it."""
    give_roles(run)


def _info() -> Command:
    return Command("docker info | grep Swarm", "docker info 2>/dev/null | grep Swarm")


def _active(node: Node) -> functools.partial[None]:
    return functools.partial(_check_in_swarm, node=node)


def _check_in_swarm(run: Run, node: Node) -> None:
    local = swarm.local(run.shell(node).ask)
    if not local.active:
        raise ExerciseError(f"{node.name} is in no swarm: {local.state}.", "Bring it in with: fab bootstrap")


def _ports(node: Node, parameters: Parameters) -> Step:
    if node.role == "manager":
        role = f"a manager: nodes join at {parameters.managing_port}, and all talk at {parameters.gossip_port}"
    else:
        role = f"a worker: {parameters.gossip_port} only"
    # Not every distribution has netstat any more; what other programs listen on says nothing here.
    listing = "if command -v netstat >/dev/null; then netstat -nlp; else ss -nlptu; fi"
    return Step(
        node,
        f"See the swarm's ports on {role}.",
        Command("sudo netstat -nlp | grep dockerd", f"{{ {listing}; }} | grep dockerd | grep -E '^(tcp|udp)'"),
        until=functools.partial(_check_ports, node=node),
    )


def _check_ports(run: Run, node: Node) -> None:
    parameters = run.parameters(Parameters)
    ports = (parameters.managing_port, parameters.gossip_port) if node.role == "manager" else (parameters.gossip_port,)
    sockets = run.shell(node).run("ss -Hlnt", what="ss")
    shut = [str(port) for port in ports if f":{port} " not in sockets]
    if shut:
        raise ExerciseError(
            f"port {', '.join(shut)} of {node.name} is not open.", "Look at it there: sudo journalctl -u docker"
        )


def _rotation(manager: Node) -> Step:
    before: list[membership.Token] = []

    def remember(run: Run) -> None:
        before[:] = [membership.token(run.manager, "worker")]

    def another(run: Run) -> None:
        if membership.token(run.manager, "worker") == before[0]:
            raise ExerciseError(
                "the token is the same as before.", "Try by hand: docker swarm join-token --rotate worker"
            )
        run.say("  the token is another one: with the old one nobody joins any more, and who has joined stays")

    return Step(
        manager,
        "Rotate the token, as after it has been seen by someone it was not for.",
        Command("docker swarm join-token --rotate worker"),
        before=remember,
        until=another,
    )


def _led(run: Run) -> None:
    leaders = [node.name for node in run.nodes() if node.leader]
    if len(leaders) != 1:
        raise ExerciseError(f"{len(leaders)} nodes lead the swarm.", "Look with: docker node ls")
    run.say(f"  {leaders[0]} leads")


def _roles(manager: Node, worker: Node) -> list[Step]:
    return [
        Step(
            manager,
            f"Promote {worker.name}: it becomes a manager, and would take part in choosing a leader.",
            Command(f"docker node promote {worker.name}"),
            until=functools.partial(_wait_for_promotion, node=worker),
        ),
        Step(manager, f"See {worker.name} as a manager, Reachable.", Command("docker node ls")),
        Step(
            manager,
            f"Demote {worker.name}: two managers are no better than one, because most of them must be there.",
            Command(f"docker node demote {worker.name}"),
            until=functools.partial(_wait_for_demotion, node=worker),
        ),
        Step(manager, f"See {worker.name} as a worker again.", Command("docker node ls")),
    ]


def _wait_for_promotion(run: Run, node: Node) -> None:
    def look() -> None:
        member = of_swarm(run).get(node.name)
        if member is None or not member.ready or member.role != "manager" or not member.reachable:
            state = f"{member.state}, a {member.role}" if member else "not in the swarm"
            raise NotYet(f"{node.name} is {state}, not yet a reachable manager")
        if not swarm.local(run.shell(node).ask).is_manager:
            raise NotYet(f"{node.name} does not know yet that it is a manager")

    run.wait(f"{node.name} to be a manager", look, within=90)


def _wait_for_demotion(run: Run, node: Node) -> None:
    run.wait(f"{node.name} to be a worker", functools.partial(in_role, run, node), within=90)


def _check_networks(run: Run, node: Node) -> None:
    parameters = run.parameters(Parameters)
    networks = {network.name: network for network in swarm.networks(run.shell(node).ask)}
    bridge, ingress = networks.get(parameters.bridge), networks.get(parameters.ingress)
    if bridge is None or bridge.driver != "bridge" or ingress is None or not ingress.ingress:
        missing = parameters.bridge if bridge is None or bridge.driver != "bridge" else parameters.ingress
        raise ExerciseError(f"{node.name} has no network {missing} of a swarm's.", "Make a new swarm: fab bootstrap")
