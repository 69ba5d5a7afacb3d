"""Before an exercise: every node of the lab in the swarm, in its role, Ready and active, whatever was before."""

from __future__ import annotations

import functools
import shlex
from collections.abc import Mapping
from contextlib import suppress

from labgen.core.errors import ExerciseError, LabgenError, NodeError, SwarmError
from labgen.core.polling import NotYet
from labgen.docker import swarm
from labgen.docker.swarm import SwarmNode
from labgen.exercise.catalogue import exercises
from labgen.model.lab import Node
from provision import swarm as membership
from provision.exercise.leftovers import unfinished
from provision.exercise.run import Run

BOOT_WITHIN = 180.0
"""Seconds in which such a machine answers again, on an ordinary computer."""


def make_ready(run: Run) -> None:
    """Make every node ready for an exercise, and print what is done for that.

    An engine that does not run is started, a node that is in no swarm joins again, one in another role is given its
    own, one that is drained or paused is made active.

    :raises SwarmError: a node is down all the same: that is the bootstrap's to mend.
    """
    members = _reach_members(run)
    away = [node for node in run.lab.nodes if not _is_ready(members, node)]
    interrupted = unfinished(run.inventory.folder)
    if away and any(exercise.restarts for name, exercise in exercises().items() if name in interrupted):
        _wait_for_boot(run, away)
    # For as long as it is not missed, a node is Ready to the managers whose engine was stopped or that has left.
    suspects = run.lab.nodes if interrupted else away
    started = sum(start_engine(run, node) for node in suspects)
    if sum(_rejoin(run, node) for node in suspects) or started:
        run.wait("every node to be Ready", functools.partial(_check_all_ready, run), within=60)
        members = _read_members(run)
    missing = [node.name for node in run.lab.nodes if not _is_ready(members, node)]
    if missing:
        states = ", ".join(
            f"{name} is {members[name].state if name in members else 'not in the swarm'}" for name in missing
        )
        error = SwarmError(
            f"not every node is Ready: {states}.",
            "See with `labgen status` whether the machines run, start them with `labgen up`; fab bootstrap starts "
            "engines that were stopped, and brings the swarm together again.",
        )
        raise run.explained(error, {"node"})
    give_roles(run, members)
    for node in run.lab.nodes:
        if members[node.name].availability != "active":
            _activate(run, members[node.name])


def _reach_members(run: Run) -> dict[str, SwarmNode]:
    """Read the swarm's nodes by name; repair the managers if the first one cannot list them.

    :raises LabgenError: it cannot all the same.
    """
    try:
        return _read_members(run)
    except LabgenError:
        if not sum(start_engine(run, node) for node in run.lab.managers) and not _promote_again(run):
            raise
    return run.look("the first manager to tell the nodes of the swarm", functools.partial(of_swarm, run))


def _wait_for_boot(run: Run, away: list[Node]) -> None:
    """Wait for machines that an interrupted exercise may have restarted; it is no error if they do not come."""

    def look() -> None:
        for node in away:
            shell = run.shell(node)
            try:
                shell.run("true", within=10)
            except NodeError as why:
                shell.forget()
                raise NotYet(why.message) from None

    names = ", ".join(node.name for node in away)
    run.say(f"# An exercise that restarts machines did not come to its end: {names} may be booting still.")
    with suppress(ExerciseError):
        run.wait(f"{names} to answer", look, within=BOOT_WITHIN)


def start_engine(run: Run, node: Node) -> bool:
    """Start a node's engine if it does not run; tell whether it was started."""
    try:
        started = run.shell(node).attempt(_START_ENGINE, within=120).out.strip()
    except NodeError:
        return False  # What follows says that the node cannot be reached.
    if started:
        run.say(f"# The engine of {node.name} did not run.")
        run.say(f"[{node.name}]$ sudo systemctl start docker")
    return bool(started)


_START_ENGINE = "systemctl is-active --quiet docker || { systemctl start docker && echo started; }"


def _promote_again(run: Run) -> bool:
    """Have another manager promote the first one again, if it was demoted; tell whether that was done."""
    first = run.lab.first_manager
    local = swarm.local(run.shell(first).ask)
    if not local.active or local.is_manager:
        return False
    for node in run.lab.nodes:
        if node != first and _is_manager(run, node):
            run.say(f"# {first.name} is a worker; the lab has it as a manager.")
            run.say(f"[{node.name}]$ docker node promote {first.name}")
            run.shell(node).run(f"docker node promote {shlex.quote(local.node_id)}", what="docker node promote")
            return True
    return False


def _is_manager(run: Run, node: Node) -> bool:
    try:
        return swarm.local(run.shell(node).ask).is_manager
    except NodeError:
        return False


def _read_members(run: Run) -> dict[str, SwarmNode]:
    """Read the swarm's nodes by name; of two memberships of one node, keep the one that is Ready."""
    return {node.name: node for node in sorted(run.nodes(), key=lambda node: node.ready)}


def _is_ready(members: Mapping[str, SwarmNode], node: Node) -> bool:
    return node.name in members and members[node.name].ready


def _rejoin(run: Run, node: Node) -> bool:
    """Join a node again that answers and is in no swarm; tell whether it was such a node.

    The first manager begins swarms, it joins none.
    """
    if node == run.lab.first_manager:
        return False
    shell = run.shell(node)
    try:
        if swarm.local(shell.ask).state != "inactive":
            return False
    except NodeError:
        return False
    run.say(f"# {node.name} is in no swarm: it joins again, as {node.role}.")
    run.say(f"[{node.name}]$ {membership.join_shown(node, run.lab.first_manager)}")
    membership.join(shell, run.manager, swarm.LocalSwarm.inactive(), {}, membership.token(run.manager, node.role))
    return True


def _check_all_ready(run: Run) -> None:
    members = run.nodes()
    ready = [node.name for node in members if node.ready]
    if missing := [node.name for node in run.lab.nodes if node.name not in ready]:
        raise NotYet(f"{', '.join(missing)} not yet")
    if twice := {name for name in ready if ready.count(name) > 1}:
        raise NotYet(f"the membership that {', '.join(sorted(twice))} has lost is not missed yet")
    drop_ghosts(run)


def drop_ghosts(run: Run) -> None:
    """Remove memberships that nodes of the lab have lost: those of a node that is Ready under another id."""
    members = run.nodes()
    ready = {node.name for node in members if node.ready}
    for ghost in members:
        if not ghost.ready and ghost.name in ready and ghost.role == "worker":
            run.say(f"[{run.lab.first_manager.name}]$ docker node rm --force {ghost.id}")
            run.manager.run(f"docker node rm --force {shlex.quote(ghost.id)}", what="docker node rm")


def give_roles(run: Run, members: Mapping[str, SwarmNode] | None = None) -> None:
    """Give every node the role that the lab gives it; promote first, then demote.

    :param members: the nodes by name, where they are known already.
    """
    members = members or _read_members(run)
    wrong = [node for node in run.lab.nodes if members[node.name].role != node.role]
    for node in sorted(wrong, key=lambda node: node.role):
        verb = "promote" if node.role == "manager" else "demote"
        run.say(f"# {node.name} is a {members[node.name].role}; the lab has it as a {node.role}.")
        run.say(f"[{run.lab.first_manager.name}]$ docker node {verb} {node.name}")
        run.manager.run(f"docker node {verb} {shlex.quote(members[node.name].id)}", what=f"docker node {verb}")
        run.wait(f"{node.name} to be a {node.role}", functools.partial(in_role, run, node), within=60)


def of_swarm(run: Run) -> dict[str, SwarmNode]:
    """Read the swarm's nodes by name while its managers change.

    :raises NotYet: they choose a leader, and none can be asked.
    """
    try:
        return _read_members(run)
    except (NodeError, SwarmError) as why:
        raise NotYet(why.message) from None


def in_role(run: Run, node: Node) -> None:
    """Check that a node is Ready in its role, and that its own engine agrees.

    :raises NotYet: it is not.
    """
    member = of_swarm(run).get(node.name)
    if member is None or not member.ready or member.role != node.role:
        raise NotYet(f"{node.name} is {f'{member.state}, a {member.role}' if member else 'not in the swarm'}")
    if node.role == "manager" and not member.reachable:
        raise NotYet(f"the managers do not reach {node.name} yet")
    if swarm.local(run.shell(node).ask).is_manager != (node.role == "manager"):
        raise NotYet(f"{node.name} does not know yet that it is a {node.role}")


def _activate(run: Run, node: SwarmNode) -> None:
    run.say(f"# {node.name} has availability {node.availability}: it takes no tasks until it is active again.")
    run.say(f"[{run.lab.first_manager.name}]$ docker node update --availability active {node.name}")
    run.manager.run(f"docker node update --availability active {shlex.quote(node.id)}", what="docker node update")
