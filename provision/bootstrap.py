"""From booted machines to a swarm: every step on every node, in parallel where order allows.

Each node is prepared by itself. The swarm begins as soon as the first manager is prepared, and each
other node joins as soon as it is prepared and the swarm has begun: nobody waits for the slowest.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial

from labgen.core.errors import NodeError, NoLeader, SwarmError
from labgen.core.i18n import Text, _, ngettext, shown
from labgen.core.polling import NotYet, Patience, wait_until
from labgen.docker.swarm import SwarmNode, nodes
from labgen.machines.inventory import Inventory
from labgen.model.lab import Lab, Node, Role
from labgen.observation.facts import read_for_bootstrap
from labgen.observation.node_facts import NodeFacts
from labgen.transport.output import Say
from provision import gossip, proxy, swarm
from provision.causes import explained
from provision.changes import STEPS, Change
from provision.everywhere import everywhere
from provision.shell import Shell

_ELECTION = 30.0
"""Seconds that managers have to choose a leader: the engines of the others are started meanwhile."""


@dataclass
class Account:
    """The changes of a run, printed as they happen.

    :param say: where each line goes.
    :param changes: lines of what was changed, in the order in which it happened.
    """

    say: Say
    changes: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def changed(self, node: Node, what: str | Text) -> None:
        """Note a change of a node, and print it."""
        with self._lock:
            self.changes.append(f"{node.name}: {what}")
            self.say(f"  [{node.name}] {shown(what)}")

    @property
    def summary(self) -> Text:
        """Summarise the run in one line."""
        if not self.changes:
            return _("nothing changed: every node is set up already.")
        return ngettext("%(count)s change made.", "%(count)s changes made.", len(self.changes))


def prepare(inventory: Inventory, steps: Iterable[str], account: Account) -> None:
    """Carry out some of the steps on every node, in parallel."""
    chosen = tuple(steps)
    everywhere(inventory.lab.nodes, lambda node: _prepare(Shell(inventory, node), inventory, chosen, account))


def preview(inventory: Inventory, steps: Iterable[str]) -> dict[str, list[Text]]:
    """List what :func:`prepare` would change, by node; change nothing."""
    chosen = tuple(steps)

    def look(node: Node) -> list[Text]:
        facts = observe(Shell(inventory, node), inventory.lab)
        return [change.what for change in _list_changes(chosen, facts, inventory, node)]

    return dict(zip([n.name for n in inventory.lab.nodes], everywhere(inventory.lab.nodes, look), strict=True))


def observe(shell: Shell, lab: Lab) -> NodeFacts:
    """Ask a node for the facts that the steps decide by.

    :param lab: with the proxy that leads to Docker Hub, if there is one.
    :raises NodeError: it does not answer, or not in a way that can be read.
    """
    # The commands' own deadline is for what hangs there; that of a node that answers slowly is stretched.
    facts = read_for_bootstrap(partial(shell.ask, within=60), shell.node.name, 300)
    return proxy.ask_hub(shell, lab, facts) if lab.proxy and facts.curl else facts


def _list_changes(steps: Sequence[str], facts: NodeFacts, inventory: Inventory, node: Node) -> list[Change]:
    lab, lacks = inventory.lab, inventory.lacks
    return [change for name in steps for change in STEPS[name].changes(facts, lab, node, lacks)]


def _prepare(
    shell: Shell,
    inventory: Inventory,
    steps: Sequence[str],
    account: Account,
) -> NodeFacts:
    facts = observe(shell, inventory.lab)
    changes = _list_changes(steps, facts, inventory, shell.node)
    # One command for all that is missing: each costs a tenth of a second and more.
    if changes:
        script = "\n".join(f"( {change.script}\n) || exit 1\necho '@@done'" for change in changes)
        output = shell.attempt(script, within=sum(change.within for change in changes))
        finished = output.out.count("@@done")
        for change in changes[:finished]:
            account.changed(shell.node, change.what)
        if not output.ok:
            failed = changes[min(finished, len(changes) - 1)]
            if cause := proxy.refusal(inventory.lab, output.said):
                raise NodeError(
                    _(
                        "%(node)s: %(change)s: failed: %(cause)s (%(output)s)",
                        node=shell.node.name,
                        change=failed.what,
                        cause=cause,
                        output=output.said,
                    ),
                    proxy.HINT,
                )
            raise NodeError(
                _(
                    "%(node)s: %(change)s: failed (status %(status)s): %(output)s",
                    node=shell.node.name,
                    change=failed.what,
                    status=output.status,
                    output=output.said or _("no output"),
                ),
                _(
                    "%(hint)s Then run fab bootstrap again: it carries on.",
                    hint=failed.hint or _("Look on that node: labgen ssh %(node)s.", node=shell.node.name),
                ),
            )
    return facts


def bootstrap(inventory: Inventory, account: Account) -> None:
    """Prepare every node and make them one swarm; what is there already stays as it is.

    :raises NodeError: a node does not answer, or a step on it failed.
    :raises SwarmError: the swarm cannot be made or does not settle, or its nodes do not find one another.
    """
    lab = inventory.lab
    begun: Future[_Begun] = Future()
    lanes = threading.Semaphore(_lanes(inventory))

    def one(node: Node) -> None:
        shell = Shell(inventory, node)
        if node is lab.first_manager:
            try:
                begun.set_result(_begin(shell, inventory, account))
            except BaseException as why:
                begun.set_exception(why)
                raise
            finally:
                lanes.release(len(lab.nodes))
            return
        with lanes:
            if begun.done():
                begun.result()  # Where it cannot begin, or was interrupted, there is no more to prepare for.
            facts = _prepare(shell, inventory, tuple(STEPS), account)
        start = begun.result()
        if swarm.join(shell, start.shell, facts.local_swarm, start.members, start.token(node.role)):
            account.changed(node, _("joined the swarm as %(role)s", role=node.role))

    everywhere(lab.nodes, one)
    manager = begun.result().shell
    _settle(manager, inventory, account)
    if gossip.await_all(_gossiping(inventory, account), inventory.patience):
        _settle(manager, inventory, account)


def _settle(manager: Shell, inventory: Inventory, account: Account) -> None:
    lab = inventory.lab
    try:
        mended = swarm.settle(manager, lab, inventory.patience)
    except SwarmError as error:
        raise explained(error, lab, lambda node: Shell(inventory, node).ask, {"node"}) from None
    for line in mended:
        account.changed(lab.first_manager, line)


def _gossiping(inventory: Inventory, account: Account) -> gossip.Nodes:
    def restart(node: Node) -> None:
        # systemd refuses a fourth start within a minute. Containers that do not end at once are given 10 s.
        again = "systemctl reset-failed docker.service docker.socket 2>/dev/null; systemctl restart docker"
        Shell(inventory, node).run(again, within=90, what="systemctl restart docker")
        account.changed(node, _("engine restarted: it had started before a manager's, and found no other node"))

    return gossip.Nodes(
        inventory.lab,
        run=lambda node, script: Shell(inventory, node).run(script),
        asker=lambda node: Shell(inventory, node).ask,
        restart=restart,
    )


def _lanes(inventory: Inventory) -> int:
    """Count the nodes that are prepared beside the first manager until the swarm has begun.

    Everyone waits for the first manager. Where machines are emulated, each keeps a processor of this computer
    busy: one is left to it.
    """
    if inventory.state.accelerated:
        return len(inventory.lab.nodes)
    return max((os.cpu_count() or 1) - 1, 1)


@dataclass
class _Begun:
    """A swarm that others can join."""

    shell: Shell
    members: dict[str, SwarmNode]
    _tokens: dict[Role, swarm.Token] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def token(self, role: Role) -> swarm.Token:
        """Ask for the token of a role, once."""
        with self._lock:
            if role not in self._tokens:
                self._tokens[role] = swarm.token(self.shell, role)
            return self._tokens[role]


def _begin(shell: Shell, inventory: Inventory, account: Account) -> _Begun:
    facts = _prepare(shell, inventory, tuple(STEPS), account)
    tokens = swarm.initialise(shell, inventory.lab, facts.local_swarm)
    if tokens is not None:
        account.changed(
            shell.node, _("swarm created, overlay networks from %(pool)s", pool=inventory.lab.plan.overlay_pool)
        )
        return _Begun(shell, {}, tokens)
    return _Begun(shell, {node.id: node for node in _members(shell, inventory.patience)})


def _members(shell: Shell, patience: Patience) -> list[SwarmNode]:
    """Ask a manager for the nodes of its swarm; managers whose engines have just started have a leader soon.

    :raises SwarmError: they have none by then, or the manager cannot be asked for another reason.
    """
    refused: list[NoLeader] = []

    def ask() -> list[SwarmNode]:
        try:
            return nodes(shell.ask)
        except NoLeader as error:
            refused.append(error)
            raise NotYet(error.words) from None

    try:
        return wait_until(_("the managers to choose a leader"), ask, within=patience.seconds(_ELECTION), error=NoLeader)
    except NoLeader as late:
        raise NoLeader(late.words, refused[-1].hints) from None


def leave(inventory: Inventory, account: Account) -> None:
    """Take every node out of the swarm; its services are lost."""

    def one(node: Node) -> None:
        if swarm.leave(Shell(inventory, node)):
            account.changed(node, _("left the swarm"))

    # Managers last, so that workers can still say goodbye.
    everywhere(inventory.lab.workers, one)
    everywhere(tuple(reversed(inventory.lab.managers)), one)
