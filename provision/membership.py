"""Nodes that go, for a while or for good: drained, taken out of the swarm, and active again."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Collection, Sequence

from labgen.core.errors import LabgenError, NodeError, SwarmError
from labgen.core.polling import NotYet, wait_until
from labgen.docker.swarm import SwarmNode, nodes
from labgen.machines.inventory import Inventory
from provision.bootstrap import Account
from provision.shell import Shell

_TASKS_WITHIN = 60.0
"""Seconds for a drained node's containers to stop; Docker kills what does not stop within 10 s."""
_REPLACED_WITHIN = 30.0
"""Seconds for their replacements to run elsewhere. Some cannot: then nothing is gained by more."""
_SWARM = "docker info --format '{{.Swarm.LocalNodeState}} {{.Swarm.ControlAvailable}}'"


def manager(inventory: Inventory, besides: Collection[str] = ()) -> Shell | None:
    """Find the first manager that answers and can change the swarm; ``None`` if there is no swarm.

    :param besides: nodes not to ask.
    :raises NodeError: none of them can be reached.
    :raises SwarmError: there is a swarm, and no manager of it that can change it.
    """
    unreachable: NodeError | None = None
    states: list[str] = []
    for node in inventory.lab.managers:
        if node.name in besides:
            continue
        shell = Shell(inventory, node)
        try:
            state = shell.attempt(_SWARM)
        except NodeError as why:
            unreachable = why
            continue
        if state.out.strip() == "active true":
            return shell
        states.append(f"{node.name}: {state.said or 'no answer'}")
    if all(state.endswith(": inactive false") for state in states) and unreachable is None:
        return None
    if not states and unreachable is not None:
        raise unreachable
    raise SwarmError(
        f"no manager can change the swarm ({'; '.join(states)}).", "See what is wrong with it: labgen status."
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
            raise NotYet(f"{', '.join(sorted(missing))} not Ready")
        return members

    members = wait_until(
        f"{', '.join(names)} to be Ready",
        ready,
        within=inventory.patience.seconds(120),
        error=SwarmError,
        hint="See with `labgen status` what is missing. `labgen up` again carries on.",
    )
    for node in members:
        _update(shell, "active", [node])
        account.changed(inventory.lab.node(node.name), "active again")


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
        account.changed(inventory.lab.node(node.name), "taken out of the swarm")


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
        ids = " ".join(shlex.quote(node.id) for node in up)
        states = shell.run(f"docker node ps --format '{{{{.CurrentState}}}}' {ids}", what="docker node ps")
        running = sum(state.startswith("Running") for state in states.splitlines())
        if running:
            raise NotYet(f"{running} of their tasks run")

    wait_until(
        f"the tasks of {', '.join(node.name for node in up)} to stop",
        stopped,
        within=inventory.patience.seconds(_TASKS_WITHIN),
        error=SwarmError,
        hint="See what runs there: labgen status.",
    )
    for node in up:
        account.changed(inventory.lab.node(node.name), "drained")
    with contextlib.suppress(SwarmError):
        wait_until(
            "their replacements",
            lambda: _replaced(shell),
            within=inventory.patience.seconds(_REPLACED_WITHIN),
            error=SwarmError,
        )


def _replaced(shell: Shell) -> None:
    rows = shell.run("docker service ls --format '{{.Name}} {{.Replicas}}'", what="docker service ls").splitlines()
    short = [row for row in rows if (parts := _counts(row)) and parts[0] != parts[1]]
    if short:
        raise NotYet("; ".join(short))


def _counts(row: str) -> list[str]:
    """Read running and wanted replicas from ``web 2/3 (max 1 per node)``."""
    counts = row.split()[1].split("/") if len(row.split()) > 1 else []
    return counts if len(counts) == 2 else []


def _demote(shell: Shell, inventory: Inventory, node: SwarmNode) -> None:
    demoted = shell.attempt(f"docker node demote {shlex.quote(node.id)}")
    if not demoted.ok:
        raise SwarmError(
            f"{node.name} cannot be demoted: {demoted.said}",
            "Bring every manager up first, so that those who stay are the majority: see labgen status.",
        )

    def settled() -> None:
        if any(member.id == node.id and member.role == "manager" for member in nodes(shell.ask)):
            raise NotYet("it is still a manager")

    wait_until(f"{node.name} to be a worker", settled, within=inventory.patience.seconds(30), error=SwarmError)


def _leave(shell: Shell) -> None:
    # Its machine is removed in any case: where it does not answer, the managers forget it all the same.
    with contextlib.suppress(NodeError):
        shell.attempt("docker swarm leave --force", within=60)
