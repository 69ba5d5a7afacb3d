"""A fresh swarm on machines that stay as they are: what exercises and learners have made in the engines is removed."""

from __future__ import annotations

from labgen.core.i18n import _, listed, ngettext
from labgen.machines.inventory import Inventory
from labgen.model.lab import Node
from provision import bootstrap as boot
from provision.bootstrap import Account
from provision.changes import STEPS
from provision.everywhere import everywhere
from provision.shell import Shell

_WIPE = """\
own=
containers=$(docker ps --all --quiet)
[ -z "$containers" ] || docker rm --force --volumes $containers >/dev/null
volumes=$(docker volume ls --quiet)
[ -z "$volumes" ] || docker volume rm --force $volumes >/dev/null
networks=$(docker network ls --quiet --filter type=custom --filter driver=bridge --no-trunc)
for network in $networks; do
  [ "$(docker network inspect --format '{{.Name}}' $network)" = docker_gwbridge ] || own="$own $network"
done
[ -z "$own" ] || docker network rm $own >/dev/null
echo "$(echo $containers | wc -w) $(echo $volumes | wc -w) $(echo $own | wc -w)"
"""
"""Removes every container, volume and network of the engine's user, and tells how many there were. Images stay: to
fetch them again would take longer than all the rest. docker_gwbridge stays, too: the engine would
create it with another subnet than the lab's plan has."""


def fresh(inventory: Inventory, account: Account) -> None:
    """Make every node leave the swarm, empty its engine, and make a new swarm.

    :raises NodeError: a node does not answer, or a step on it failed.
    :raises SwarmError: the swarm cannot be made or does not settle.
    """
    # An engine that an exercise has stopped, and left so, must run before it can leave.
    boot.prepare(inventory, tuple(STEPS), account)
    boot.leave(inventory, account)

    def wipe(node: Node) -> None:
        numbers = Shell(inventory, node).run(_WIPE, within=120, what="docker rm").split()
        containers, volumes, networks = (int(number) for number in numbers)
        counted = [
            *([ngettext("%(count)s container", "%(count)s containers", containers)] if containers else []),
            *([ngettext("%(count)s volume", "%(count)s volumes", volumes)] if volumes else []),
            *([ngettext("%(count)s network", "%(count)s networks", networks)] if networks else []),
        ]
        if counted:
            account.changed(node, _("%(counted)s removed", counted=listed(counted)))

    everywhere(inventory.lab.nodes, wipe)
    boot.bootstrap(inventory, account)
