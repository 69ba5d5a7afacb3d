"""Making one swarm of the nodes: init, join, roles, Ready.

A join token is held in memory only. On a node it arrives through standard input, because sudo writes
command lines to the system log; nothing prints it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from labgen.core.errors import NodeError, SwarmError
from labgen.core.i18n import Text, _, listed
from labgen.core.polling import NotYet, Patience, wait_until
from labgen.docker.refusals import of_refusal
from labgen.docker.swarm import LocalSwarm, SwarmNode, local, nodes
from labgen.model.lab import Lab, Node, Role
from provision.shell import Shell

PORT = 2377
"""Where managers listen for nodes that join."""

_ALREADY = re.compile(r"already part of a swarm", re.IGNORECASE)
"""Of "This node is already part of a swarm" (moby ``daemon/cluster/errors.go``)."""

_REFUSED = re.compile(r"valid join token", re.IGNORECASE)
"""Of "A valid join token is necessary to join this cluster" (swarmkit ``ca/server.go``), which a rotated
token gets, and of "invalid join token", which a mangled one gets."""

_TOKEN = re.compile(r"SWMTKN-\d+-[0-9a-z]+-[0-9a-z]+")
"""A join token in what ``docker swarm init`` prints."""

_ENGINE_GONE = "Cannot connect to the Docker daemon"
"""How the docker command begins where nobody answers on the engine's socket."""


@dataclass(frozen=True)
class Token:
    """A join token; prints as dots."""

    value: str

    def __repr__(self) -> str:
        return "Token(…)"

    __str__ = __repr__


def init_command(lab: Lab) -> list[str]:
    """Compose the command that begins the swarm.

    The advertise address, because a node with several adapters would otherwise have to guess; the
    address pool, because the default one runs through the lab network (moby ``ipamutils``).
    """
    return [
        "docker",
        "swarm",
        "init",
        "--advertise-addr",
        str(lab.first_manager.address),
        "--default-addr-pool",
        str(lab.plan.overlay_pool),
        "--default-addr-pool-mask-length",
        str(lab.plan.overlay_mask),
    ]


def initialise(shell: Shell, lab: Lab, local: LocalSwarm) -> dict[Role, Token] | None:
    """Begin the swarm on the first manager; ``None`` if it has begun already.

    Gives the tokens it has told, which need not be asked for any more: ``docker swarm init`` prints the
    workers' command to join.

    :raises SwarmError: the node is in a state that must be looked at by a person.
    """
    name = shell.node.name
    if local.state == "active" and local.is_manager:
        if local.address != str(shell.node.address):
            raise SwarmError(
                _(
                    "%(node)s is a manager already, but advertises %(address)s, not %(expected)s.",
                    node=name,
                    address=local.address,
                    expected=shell.node.address,
                ),
                _("Start over: fab bootstrap.leave (this removes its services), then fab bootstrap."),
            )
        return None
    if local.state == "locked":
        finding = of_refusal(local.error or "The swarm is locked")
        raise (
            SwarmError(finding.words, finding.hints)
            if finding
            else SwarmError(_("the swarm on %(node)s is locked.", node=name))
        )
    if local.state == "active":
        raise SwarmError(
            _("%(node)s is the lab's first manager, but it is a worker of another swarm.", node=name),
            _("Make all nodes leave: fab bootstrap.leave. Then run: fab bootstrap"),
        )
    # A node that was stopped in the middle of an init or a join is left in `pending` or `error`.
    before = "" if local.state == "inactive" else "docker swarm leave --force >/dev/null 2>&1\n"
    output = shell.attempt(f"{before}{shlex.join(init_command(lab))}", within=60)
    if _ALREADY.search(output.err):
        # An init that went on after the run that sent it was interrupted.
        return None
    if not output.ok:
        raise NodeError(
            _(
                "%(node)s: docker swarm init failed (status %(status)s): %(output)s",
                node=name,
                status=output.status,
                output=output.said or _("no output"),
            ),
            _("Look on that node: labgen ssh %(node)s. Then run fab bootstrap again: it carries on.", node=name),
        )
    match = _TOKEN.search(output.out)
    return {"worker": Token(match[0])} if match else {}


def token(shell: Shell, role: Role) -> Token:
    """Ask a manager for the token with which a node joins in a role."""
    return Token(shell.run(f"docker swarm join-token -q {role}", what="docker swarm join-token").strip())


def join(shell: Shell, manager: Shell, local: LocalSwarm, members: Mapping[str, SwarmNode], first: Token) -> bool:
    """Join a node to the swarm; tell whether it was not a member before.

    :param manager: root's shell on the first manager, for a new token should this one be refused.
    :param members: nodes the manager knows, by id.
    :param first: the token to try.
    """
    if local.state == "active" and local.node_id in members:
        return False
    joined = _join_with(shell, manager.node, first, leave=local.state != "inactive")
    if joined is None:
        # Refused: someone has rotated it since it was asked for.
        joined = _join_with(shell, manager.node, token(manager, shell.node.role), leave=True)
    if joined is not None:
        return joined
    raise SwarmError(
        _("the swarm refused %(node)s twice: its join token keeps changing.", node=shell.node.name),
        _("Check that nobody rotates the token (docker swarm join-token --rotate). Then run fab bootstrap again."),
    )


def join_script(node: Node, manager: Node, *, leave: bool = False) -> str:
    """Compose the script that joins a node to the swarm; the token is the first line of its standard input.

    :param leave: it leaves whatever swarm it is in first.
    """
    before = "docker swarm leave --force >/dev/null 2>&1\n" if leave else ""
    return (
        "IFS= read -r token || exit 1\n"
        f"{before}"
        f'docker swarm join --token "$token" --advertise-addr {node.address} {manager.address}:{PORT} >/dev/null'
    )


def join_shown(node: Node, manager: Node) -> str:
    """Compose the join command as a learner types it, without the token."""
    return f"docker swarm join --token SWMTKN-1-… --advertise-addr {node.address} {manager.address}:{PORT}"


def _join_with(shell: Shell, manager: Node, with_token: Token, *, leave: bool) -> bool | None:
    """Join with a token; tell whether the node joined, ``None`` if the token was refused."""
    node = shell.node
    output = shell.attempt(join_script(node, manager, leave=leave), within=90, secret=with_token.value)
    if output.ok:
        return True
    if _ALREADY.search(output.err):
        # A join that went on after the run that sent it was interrupted; whether it is in this swarm shows
        # when every node is waited for.
        return False
    if _REFUSED.search(output.err):
        return None
    if _ENGINE_GONE in output.err:
        cause = _(
            "Its engine has ended, perhaps because memory ran out (%(memory)s MiB; `memory:` in "
            "lab.yml sets more). See: labgen ssh %(node)s -- sudo journalctl --unit docker "
            "--lines 20.",
            memory=node.memory,
            node=node.name,
        )
    else:
        cause = _(
            "Check that %(manager)s answers at %(address)s:%(port)s.",
            manager=manager.name,
            address=manager.address,
            port=PORT,
        )
    raise NodeError(
        _("%(node)s: docker swarm join failed: %(output)s", node=node.name, output=output.said),
        _("%(cause)s Then run fab bootstrap again: it carries on.", cause=cause),
    )


def settle(manager: Shell, lab: Lab, patience: Patience) -> list[Text]:
    """Wait until every node is Ready in its role, and repair what prevents it; list the repairs."""
    mended: list[Text] = []
    return wait_until(
        _("every node to be Ready"),
        lambda: _repair_members(manager, lab, mended),
        within=patience.seconds(60),
        error=SwarmError,
        hint=_(
            "Look with: labgen status, and on the node: systemctl status docker. "
            "Then run fab bootstrap again: it carries on."
        ),
    )


def _repair_members(manager: Shell, lab: Lab, mended: list[Text]) -> list[Text]:
    members = nodes(manager.ask)
    lab_nodes = {node.name: node for node in lab.nodes}
    ready = {node.name: node for node in members if node.ready}
    for ghost in members:
        # The entry of a node that has left the swarm, or whose machine was made again.
        if not ghost.ready and ghost.name in ready and ghost.id != manager_id(members):
            demote = f"docker node demote {ghost.id} >/dev/null; " if ghost.role == "manager" else ""
            manager.run(f"{demote}docker node rm --force {ghost.id}", what="docker node rm")
            mended.append(_("%(node)s: an earlier, lost membership removed", node=ghost.name))
    missing = [name for name in lab_nodes if name not in ready]
    if missing:
        states = {node.name: node.state for node in members}
        raise NotYet(
            listed(
                _("%(node)s is %(state)s", node=name, state=states[name])
                if name in states
                else _("%(node)s is not in the swarm", node=name)
                for name in missing
            )
        )
    for name, node in lab_nodes.items():
        if ready[name].role != node.role:
            verb = "promote" if node.role == "manager" else "demote"
            manager.run(f"docker node {verb} {ready[name].id}", what=f"docker node {verb}")
            promoted, demoted = _("%(node)s: promoted", node=name), _("%(node)s: demoted", node=name)
            mended.append(promoted if node.role == "manager" else demoted)
    return mended


def manager_id(members: list[SwarmNode]) -> str:
    """Find the id of the leader, which answers and is never a ghost."""
    return next((node.id for node in members if node.leader), "")


def leave(shell: Shell) -> bool:
    """Take a node out of its swarm; tell whether it was in one."""
    if local(shell.ask).state == "inactive":
        return False
    shell.run("docker swarm leave --force >/dev/null", within=90, what="docker swarm leave")
    return True
