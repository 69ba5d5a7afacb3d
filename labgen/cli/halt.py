"""`labgen halt`: shut machines down, and keep everything on their disks."""

from __future__ import annotations

import argparse

from labgen.cli.nodes import named
from labgen.cli.render import load
from labgen.core.errors import MachineError
from labgen.core.lock import locked
from labgen.core.progress import for_stream
from labgen.core.workspace import LabFolder
from labgen.machines.inventory import refuse_moved
from labgen.machines.lifecycle import Machines


@locked("labgen halt")
def run(arguments: argparse.Namespace) -> int:
    """Shut down what runs, or the machines that are named."""
    folder = LabFolder.at(arguments.folder)
    lab = load(folder)
    nodes = named(lab, arguments.node, folder.machine_names())
    refuse_moved(folder)
    state = folder.state()
    if state is None:
        raise MachineError("labgen has brought no lab up here.", "If `vagrant up` has: vagrant halt")
    machines = Machines(folder, lab, for_stream())
    if nodes:
        machines.halt_some(state, nodes, force=arguments.force)
        print(f"{', '.join(nodes)}: halted. `labgen up` starts what does not run.")
    else:
        machines.halt(state, force=arguments.force)
        print("The lab is halted. `labgen up` starts it again, with its swarm and services; `labgen down` removes it.")
    return 0
