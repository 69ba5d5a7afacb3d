"""`labgen down`: remove machines, and everything made for them."""

from __future__ import annotations

import argparse

from labgen.bringup import Machines
from labgen.commands.nodes import named
from labgen.commands.render import load
from labgen.errors import MachineError
from labgen.folder import LabFolder
from labgen.lock import locked
from labgen.progress import for_stream


@locked("labgen down")
def run(arguments: argparse.Namespace) -> int:
    """Remove what there is, or the machines that are named; nothing there is well, too."""
    folder = LabFolder.at(arguments.folder)
    lab = load(folder)
    nodes = named(lab, arguments.node)
    try:
        state = folder.state()
    except MachineError:
        state = None  # cannot be read; the machines are Vagrant's to name
    machines = Machines(folder, lab, for_stream())
    if nodes:
        machines.down_some(state, nodes)
        print(f"{', '.join(nodes)}: removed. `labgen up` makes what is missing.")
        return 0
    machines.down(state)
    print(f"Nothing of the lab is left but {folder.lab_file.name}, the Vagrantfile, logs and the report.")
    return 0
