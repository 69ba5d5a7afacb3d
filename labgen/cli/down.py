"""`labgen down`: remove machines, and everything made for them."""

from __future__ import annotations

import argparse

from labgen.cli.nodes import named
from labgen.cli.render import load
from labgen.core.errors import LabFileError, MachineError
from labgen.core.lock import locked
from labgen.core.progress import Progress, for_stream
from labgen.core.workspace import LabFolder
from labgen.machines.lifecycle import Machines
from labgen.model.lab import Lab


@locked("labgen down")
def run(arguments: argparse.Namespace) -> int:
    """Remove what there is, or the machines that are named; nothing there is well, too."""
    folder = LabFolder.at(arguments.folder)
    progress = for_stream()
    lab = _lab(folder, progress)
    nodes = named(lab, arguments.node, folder.machine_names())
    try:
        state = folder.state()
    except MachineError:
        state = None  # cannot be read; the machines are Vagrant's to name
    machines = Machines(folder, lab, progress)
    if nodes:
        machines.down_some(state, nodes)
        print(f"{', '.join(nodes)}: removed. `labgen up` makes what is missing.")
        return 0
    machines.down(state)
    print(f"Nothing of the lab is left but {folder.lab_file.name}, the Vagrantfile, logs and the report.")
    return 0


def _lab(folder: LabFolder, progress: Progress) -> Lab:
    """The lab in lab.yml; where that has a mistake, the lab as it was made: it can be removed all the same.

    :raises LabFileError: it has a mistake, and what was made is not written down.
    """
    try:
        return load(folder)
    except LabFileError as mistakes:
        record = folder.record()
        if record is None:
            raise
        progress.note(f"note: {mistakes.message}\nnote: the lab is removed as it was made.")
        return record.lab
