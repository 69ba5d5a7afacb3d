"""The cluster carried out: looked at from every side, its token rotated, a worker made a manager and back."""

from __future__ import annotations

import functools

from labgen.core.errors import ExerciseError
from labgen.core.i18n import Messages, listed
from labgen.core.polling import NotYet
from labgen.docker import swarm
from labgen.model.lab import Lab, Node
from provision import swarm as membership
from provision.exercise.ready import give_roles, in_role, of_swarm
from provision.exercise.run import Run, look_with
from provision.exercise.steps import Command, Script, Step

from .exercise import Parameters

_ = Messages.beside(__file__)


def script(lab: Lab, parameters: Parameters) -> Script:
    """List the steps, in order."""
    manager = lab.first_manager
    return [
        *(
            Step(node, _("See that %(node)s is in a swarm.", node=node.name), _info(), until=_active(node))
            for node in lab.nodes
        ),
        *(_ports(node, parameters) for node in (manager, *lab.workers[:1])),
        Step(
            manager,
            _("See the command with which a worker joins. Its token is a password, so it is not shown here."),
            Command("docker swarm join-token worker"),
        ),
        _rotation(manager),
        Step(
            manager,
            _("See the nodes: which are managers, and which manager leads. Workers have no MANAGER STATUS."),
            Command("docker node ls"),
            until=_led,
        ),
        *(step for worker in lab.workers[:1] for step in _roles(manager, worker)),
        *(
            Step(
                node,
                _(
                    "See the networks here. %(ingress)s is one overlay network over all nodes. Through "
                    "%(bridge)s, its containers reach this node.",
                    ingress=parameters.ingress,
                    bridge=parameters.bridge,
                ),
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
        raise ExerciseError(
            _("%(node)s is in no swarm: %(state)s.", node=node.name, state=local.state),
            _("Join it to the swarm with: fab bootstrap"),
        )


def _ports(node: Node, parameters: Parameters) -> Step:
    if node.role == "manager":
        why = _(
            "See the swarm's ports on a manager: nodes join at %(managing_port)s, all nodes talk at %(gossip_port)s.",
            managing_port=parameters.managing_port,
            gossip_port=parameters.gossip_port,
        )
    else:
        why = _("See the swarm's ports on a worker: only %(gossip_port)s.", gossip_port=parameters.gossip_port)
    # Not every distribution has netstat any more; what other programs listen on says nothing here.
    listing = "if command -v netstat >/dev/null; then netstat -nlp; else ss -nlptu; fi"
    return Step(
        node,
        why,
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
            _("port %(ports)s of %(node)s is not open.", ports=", ".join(shut), node=node.name),
            _("Look on that node: sudo journalctl -u docker"),
        )


def _rotation(manager: Node) -> Step:
    before: list[membership.Token] = []

    def remember(run: Run) -> None:
        before[:] = [membership.token(run.manager, "worker")]

    def another(run: Run) -> None:
        if membership.token(run.manager, "worker") == before[0]:
            raise ExerciseError(
                _("the token is the same as before."), _("Try by hand: docker swarm join-token --rotate worker")
            )
        run.tell(_("the token has changed: nobody joins with the old one, and the nodes that have joined stay"))

    return Step(
        manager,
        _("Rotate the token. Do this when the wrong person has seen it."),
        Command("docker swarm join-token --rotate worker"),
        before=remember,
        until=another,
    )


def _led(run: Run) -> None:
    leaders = [node.name for node in run.nodes() if node.leader]
    if len(leaders) != 1:
        raise ExerciseError(_("%(count)s nodes lead the swarm.", count=len(leaders)), look_with("docker node ls"))
    run.tell(_("%(leader)s leads", leader=leaders[0]))


def _roles(manager: Node, worker: Node) -> list[Step]:
    return [
        Step(
            manager,
            _("Promote %(worker)s: it becomes a manager, and takes part in choosing a leader.", worker=worker.name),
            Command(f"docker node promote {worker.name}"),
            until=functools.partial(_wait_for_promotion, node=worker),
        ),
        Step(
            manager,
            _("See %(worker)s as a manager: its MANAGER STATUS is Reachable.", worker=worker.name),
            Command("docker node ls"),
        ),
        Step(
            manager,
            _(
                "Demote %(worker)s: two managers are no safer than one, because a majority of two is both.",
                worker=worker.name,
            ),
            Command(f"docker node demote {worker.name}"),
            until=functools.partial(_wait_for_demotion, node=worker),
        ),
        Step(manager, _("See %(worker)s as a worker again.", worker=worker.name), Command("docker node ls")),
    ]


def _wait_for_promotion(run: Run, node: Node) -> None:
    def look() -> None:
        member = of_swarm(run).get(node.name)
        if member is None or not member.ready or member.role != "manager" or not member.reachable:
            state = listed((member.state, member.role)) if member else _("not in the swarm")
            raise NotYet(_("%(node)s: %(state)s, not yet a reachable manager", node=node.name, state=state))
        if not swarm.local(run.shell(node).ask).is_manager:
            raise NotYet(_("%(node)s has not become a manager yet", node=node.name))

    run.wait(_("%(node)s to be a manager", node=node.name), look, within=90)


def _wait_for_demotion(run: Run, node: Node) -> None:
    run.wait(_("%(node)s to be a worker", node=node.name), functools.partial(in_role, run, node), within=90)


def _check_networks(run: Run, node: Node) -> None:
    parameters = run.parameters(Parameters)
    networks = {network.name: network for network in swarm.networks(run.shell(node).ask)}
    bridge, ingress = networks.get(parameters.bridge), networks.get(parameters.ingress)
    if bridge is None or bridge.driver != "bridge" or ingress is None or not ingress.ingress:
        missing = parameters.bridge if bridge is None or bridge.driver != "bridge" else parameters.ingress
        raise ExerciseError(
            _("%(node)s lacks the network %(network)s of a swarm.", node=node.name, network=missing),
            _("Make a new swarm: fab bootstrap"),
        )
