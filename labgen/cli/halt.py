"""`labgen halt`: shut machines down, and keep everything on their disks."""

from __future__ import annotations

import click

from labgen.cli.declare import argument, option
from labgen.cli.folders import in_lab_folder, load
from labgen.cli.nodes import distinct_nodes
from labgen.cli.parameters import NodeName
from labgen.core.console import say
from labgen.core.errors import MachineError
from labgen.core.i18n import _
from labgen.core.lock import folder_lock
from labgen.core.progress import for_stream
from labgen.machines.inventory import refuse_moved
from labgen.machines.lifecycle import Machines
from labgen.model.lab_folder import LabFolder


@click.command
@argument("node", nargs=-1, type=NodeName(), metavar="[NODE]...", help=_("the machines (default: all)"))
@option("--force", is_flag=True, help=_("cut their power, as when a machine fails"))
@in_lab_folder
def command(folder: LabFolder, node: tuple[str, ...], *, force: bool) -> int:
    """Shut down what runs, or the machines that are named."""
    with folder_lock(folder, "labgen halt"):
        return _halt(folder, node, force=force)


def _halt(folder: LabFolder, names: tuple[str, ...], *, force: bool) -> int:
    lab = load(folder)
    nodes = distinct_nodes(lab, names, folder.machine_names())
    refuse_moved(folder)
    state = folder.state()
    if state is None:
        raise MachineError(_("labgen has started no lab here."), _("If `vagrant up` has: vagrant halt"))
    machines = Machines(folder, lab, for_stream())
    if nodes:
        machines.halt_some(state, nodes, force=force)
        say(_("%(nodes)s: halted. `labgen up` starts what does not run.", nodes=", ".join(nodes)))
    else:
        machines.halt(state, force=force)
        say(_("The lab is halted. `labgen up` starts it again, with its swarm and services; `labgen down` removes it."))
    return 0
