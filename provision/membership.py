"""Nodes that go, for a while or for good: drained, taken out of the swarm, and active again."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Collection, Sequence

from labgen.core.errors import LabgenError, NodeError, SwarmError
from labgen.core.i18n import _, listed
from labgen.core.polling import NotYet, wait_until
from labgen.docker import swarm
from labgen.docker.swarm import LocalSwarm, SwarmNode, nodes
from labgen.machines.inventory import Inventory
from provision.bootstrap import Account
from provision.shell import Shell

_TASKS_WITHIN = 60.0
"""Seconds for a drained node's containers to stop; Docker kills what does not stop within 10 s."""
_REPLACED_WITHIN = 30.0
"""Seconds for their replacements to run elsewhere. Some cannot: then nothing is gained by more."""


def manager(inventory: Inventory, besides: Collection[str] = ()) -> Shell | None:
    """Find the first manager that answers and can change the swarm; ``None`` if there is no swarm.

    :param besides: nodes not to ask.
    :raises NodeError: none of them can be reached.
    :raises SwarmError: there is a swarm, and no manager of it that can change it.
    """
    unreachable: NodeError | None = None
    others: dict[str, LocalSwarm] = {}
    for node in inventory.lab.managers:
        if node.name in besides:
            continue
        shell = Shell(inventory, node)
        try:
            local = swarm.local(shell.ask)
        except NodeError as why:
            unreachable = why
            continue
        if local.active and local.is_manager:
            return shell
        others[node.name] = local
    if unreachable is None and all(local.state == "inactive" for local in others.values()):
        return None
    if not others and unreachable is not None:
        raise unreachable
    states = listed(
        (
            listed((name, local.error or (_("no manager") if local.active else local.state)), ": ")
            for name, local in others.items()
        ),
        "; ",
    )
    raise SwarmError(
        _("no manager can change the swarm (%(states)s).", states=states),
        _("See the state of the swarm: labgen status"),
    )


def drain(inventory: Inventory, names: Sequence[str], account: Account) -> None:
    """Move what runs on some nodes to other nodes, as far as Swarm can."""
    shell = manager(inventory)
    if shell is not None:
        _drain(shell, inventory, _select(nodes(shell.ask), names), account)


def activate(inventory: Inventory, names: Sequence[str], account: Account) -> None:
    """Wait until some nodes are Ready, and let tasks run there again."""
    shell = manager(inventory)
    if shell is None:
        return

    def ready() -> list[SwarmNode]:
        members = [node for node in _select(nodes(shell.ask), names) if node.ready]
        if missing := set(names) - {node.name for node in members}:
            raise NotYet(_("not Ready: %(nodes)s", nodes=", ".join(sorted(missing))))
        return members

    members = wait_until(
        _("%(nodes)s to be Ready", nodes=", ".join(names)),
        ready,
        within=inventory.patience.seconds(120),
        error=SwarmError,
        hint=_("See what is missing: labgen status. Then run labgen up again: it carries on."),
    )
    for node in members:
        _update(shell, "active", [node])
        account.changed(inventory.lab.node(node.name), _("active again"))


def retire(inventory: Inventory, names: Sequence[str], account: Account) -> None:
    """Drain nodes and take them out of the swarm: workers first, managers demoted one by one before they leave.

    :raises SwarmError: the swarm does not let one go, as where its managers would lose their quorum; those that
        were drained are active again then.
    """
    shell = manager(inventory, besides=names)
    if shell is None:
        return
    members = _select(nodes(shell.ask), names)
    active = [node for node in members if node.availability == "active"]
    try:
        _drain(shell, inventory, members, account)
        # A manager that does not answer goes first: the others then need fewer for their quorum.
        for node in sorted((node for node in members if node.role == "manager"), key=lambda node: node.reachable):
            _demote(shell, inventory, node)
            account.changed(inventory.lab.node(node.name), "demoted")
    except LabgenError:
        with contextlib.suppress(LabgenError):
            _update(shell, "active", active)
        raise
    for node in members:
        if node.ready:
            _leave(Shell(inventory, inventory.lab.node(node.name)))
        shell.run(f"docker node rm --force {shlex.quote(node.id)}", what="docker node rm")
        account.changed(inventory.lab.node(node.name), _("removed from the swarm"))


def _select(members: Sequence[SwarmNode], names: Collection[str]) -> list[SwarmNode]:
    return [node for node in members if node.name in names]


def _update(shell: Shell, availability: str, members: Sequence[SwarmNode]) -> None:
    for node in members:
        command = f"docker node update --availability {availability} {shlex.quote(node.id)} >/dev/null"
        shell.run(command, what=f"docker node update --availability {availability}")


def _drain(shell: Shell, inventory: Inventory, members: Sequence[SwarmNode], account: Account) -> None:
    _update(shell, "drain", [node for node in members if node.availability != "drain"])
    # Of a node that is down, nobody hears that its tasks have ended.
    up = [node for node in members if node.ready]
    if not up:
        return

    def stopped() -> None:
        ids = {node.id for node in up}
        tasks = [task for service in swarm.look(shell.ask).services.values() for task in service.tasks]
        running = sum(task.state == "running" and task.node_id in ids for task in tasks)
        if running:
            raise NotYet(_("%(tasks)s of their tasks run", tasks=running))

    wait_until(
        _("the tasks of %(nodes)s to stop", nodes=", ".join(node.name for node in up)),
        stopped,
        within=inventory.patience.seconds(_TASKS_WITHIN),
        error=SwarmError,
        hint=_("See what runs there: labgen status"),
    )
    for node in up:
        account.changed(inventory.lab.node(node.name), "drained")
    with contextlib.suppress(SwarmError):
        wait_until(
            _("their replacements"),
            lambda: _replaced(shell),
            within=inventory.patience.seconds(_REPLACED_WITHIN),
            error=SwarmError,
        )


def _replaced(shell: Shell) -> None:
    # A task of a global service that was drained has no replacement.
    short = [
        f"{service.name} {len(service.running)}/{service.replicas}"
        for service in swarm.look(shell.ask).services.values()
        if service.replicas is not None and len(service.running) != service.replicas
    ]
    if short:
        raise NotYet("; ".join(short))


def _demote(shell: Shell, inventory: Inventory, node: SwarmNode) -> None:
    demoted = shell.attempt(f"docker node demote {shlex.quote(node.id)}")
    if not demoted.ok:
        raise SwarmError(
            _("%(node)s cannot be demoted: %(output)s", node=node.name, output=demoted.said),
            _("Start every manager first, so that the remaining ones are a majority. See: labgen status"),
        )

    def settled() -> None:
        if any(member.id == node.id and member.role == "manager" for member in nodes(shell.ask)):
            raise NotYet(_("it is still a manager"))

    wait_until(
        _("%(node)s to be a worker", node=node.name), settled, within=inventory.patience.seconds(30), error=SwarmError
    )


def _leave(shell: Shell) -> None:
    # Its machine is removed in any case: where it does not answer, the managers forget it all the same.
    with contextlib.suppress(NodeError):
        shell.attempt("docker swarm leave --force", within=60)
