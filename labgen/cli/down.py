"""`labgen down`: remove machines, and everything made for them."""

from __future__ import annotations

import click

from labgen.cli.declare import argument
from labgen.cli.folders import in_lab_folder, load
from labgen.cli.nodes import distinct_nodes
from labgen.cli.parameters import NodeName
from labgen.core.console import say
from labgen.core.errors import LabFileError, MachineError
from labgen.core.i18n import _
from labgen.core.lock import folder_lock
from labgen.core.progress import Progress, for_stream
from labgen.machines.lifecycle import Machines
from labgen.model.lab import Lab
from labgen.model.lab_folder import LabFolder


@click.command
@argument("node", nargs=-1, type=NodeName(), metavar="[NODE]...", help=_("the machines (default: all)"))
@in_lab_folder
def command(folder: LabFolder, node: tuple[str, ...]) -> int:
    """Remove what there is, or the machines that are named; nothing there is well, too."""
    with folder_lock(folder, "labgen down"):
        return _remove(folder, node)


def _remove(folder: LabFolder, names: tuple[str, ...]) -> int:
    progress = for_stream()
    lab = _lab(folder, progress)
    nodes = distinct_nodes(lab, names, folder.machine_names())
    try:
        state = folder.state()
    except MachineError:
        state = None  # cannot be read; the machines are Vagrant's to name
    machines = Machines(folder, lab, progress)
    if nodes:
        machines.down_some(state, nodes)
        say(_("%(nodes)s: removed. `labgen up` makes them again.", nodes=", ".join(nodes)))
        return 0
    machines.down(state)
    say(
        _(
            "The lab is removed. Only %(lab_file)s, the Vagrantfile, logs and the report are left.",
            lab_file=folder.lab_file.name,
        )
    )
    return 0


def _lab(folder: LabFolder, progress: Progress) -> Lab:
    """Give the lab in lab.yml; where that has a mistake, the lab as it was made: it can be removed all the same.

    :raises LabFileError: it has a mistake, and what was made is not written down.
    """
    try:
        return load(folder)
    except LabFileError as mistakes:
        record = folder.record()
        if record is None:
            raise
        progress.note(_("note: %(message)s\nnote: the lab is removed as it was made.", message=mistakes.words))
        return record.lab
