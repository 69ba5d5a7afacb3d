"""Before an exercise: every node of the lab in the swarm, in its role, Ready and active, whatever was before."""

from __future__ import annotations

import functools
import shlex
from collections.abc import Mapping
from contextlib import suppress

from labgen.core.errors import ExerciseError, LabgenError, NodeError, SwarmError
from labgen.core.i18n import Text, _, listed
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
        run.wait(_("every node to be Ready"), functools.partial(_check_all_ready, run), within=60)
        members = _read_members(run)
    missing = [node.name for node in run.lab.nodes if not _is_ready(members, node)]
    if missing:
        states = listed(_describe(name, members.get(name)) for name in missing)
        error = SwarmError(
            _("not every node is Ready: %(states)s.", states=states),
            _(
                "See which machines run: labgen status. Start them: labgen up. If they run, repair the swarm: "
                "fab bootstrap"
            ),
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
    return run.look(_("the first manager to list the swarm's nodes"), functools.partial(of_swarm, run))


def _wait_for_boot(run: Run, away: list[Node]) -> None:
    """Wait for machines that an interrupted exercise may have restarted; it is no error if they do not come."""

    def look() -> None:
        for node in away:
            shell = run.shell(node)
            try:
                shell.run("true", within=10)
            except NodeError as why:
                shell.forget()
                raise NotYet(why.words) from None

    names = ", ".join(node.name for node in away)
    run.remark(_("An exercise that restarts machines was interrupted. Still booting, perhaps: %(nodes)s.", nodes=names))
    with suppress(ExerciseError):
        run.wait(_("%(nodes)s to answer", nodes=names), look, within=BOOT_WITHIN)


def start_engine(run: Run, node: Node) -> bool:
    """Start a node's engine if it does not run; tell whether it was started."""
    try:
        started = run.shell(node).attempt(_START_ENGINE, within=120).out.strip()
    except NodeError:
        return False  # What follows says that the node cannot be reached.
    if started:
        run.remark(_("The engine of %(node)s was stopped.", node=node.name))
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
            run.remark(_wrong_role(first, "worker"))
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
    run.remark(_("%(node)s is in no swarm. It joins again, as %(role)s.", node=node.name, role=node.role))
    run.say(f"[{node.name}]$ {membership.join_shown(node, run.lab.first_manager)}")
    membership.join(shell, run.manager, swarm.LocalSwarm.inactive(), {}, membership.token(run.manager, node.role))
    return True


def _check_all_ready(run: Run) -> None:
    members = run.nodes()
    ready = [node.name for node in members if node.ready]
    if missing := [node.name for node in run.lab.nodes if node.name not in ready]:
        raise NotYet(_("not Ready: %(nodes)s", nodes=", ".join(missing)))
    if twice := {name for name in ready if ready.count(name) > 1}:
        raise NotYet(_("earlier memberships still Ready: %(nodes)s", nodes=", ".join(sorted(twice))))
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
        run.remark(_wrong_role(node, members[node.name].role))
        run.say(f"[{run.lab.first_manager.name}]$ docker node {verb} {node.name}")
        run.manager.run(f"docker node {verb} {shlex.quote(members[node.name].id)}", what=f"docker node {verb}")
        run.wait(
            _("%(node)s to be a %(role)s", node=node.name, role=node.role),
            functools.partial(in_role, run, node),
            within=60,
        )


def _describe(name: str, member: SwarmNode | None) -> Text:
    """Describe a node as the managers have it: ``swarm-worker1 is down (worker)``."""
    if member is None:
        return _("%(node)s is not in the swarm", node=name)
    return _("%(node)s is %(state)s (%(role)s)", node=name, state=member.state, role=member.role)


def _wrong_role(node: Node, role: str) -> Text:
    return _(
        "%(node)s has the role %(role)s. In lab.yml it has the role %(right)s.",
        node=node.name,
        role=role,
        right=node.role,
    )


def of_swarm(run: Run) -> dict[str, SwarmNode]:
    """Read the swarm's nodes by name while its managers change.

    :raises NotYet: they choose a leader, and none can be asked.
    """
    try:
        return _read_members(run)
    except (NodeError, SwarmError) as why:
        raise NotYet(why.words) from None


def in_role(run: Run, node: Node) -> None:
    """Check that a node is Ready in its role, and that its own engine agrees.

    :raises NotYet: it is not.
    """
    member = of_swarm(run).get(node.name)
    if member is None or not member.ready or member.role != node.role:
        raise NotYet(_describe(node.name, member))
    if node.role == "manager" and not member.reachable:
        raise NotYet(_("the managers do not reach %(node)s yet", node=node.name))
    if swarm.local(run.shell(node).ask).is_manager != (node.role == "manager"):
        raise NotYet(_("%(node)s has not changed to %(role)s yet", node=node.name, role=node.role))


def _activate(run: Run, node: SwarmNode) -> None:
    run.remark(
        _(
            "%(node)s has availability %(availability)s: it takes no tasks until it is active again.",
            node=node.name,
            availability=node.availability,
        )
    )
    run.say(f"[{run.lab.first_manager.name}]$ docker node update --availability active {node.name}")
    run.manager.run(f"docker node update --availability active {shlex.quote(node.id)}", what="docker node update")
