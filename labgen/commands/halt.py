"""`labgen halt`: shut the machines down, and keep everything on their disks."""

from __future__ import annotations

import argparse

from labgen.bringup import Machines
from labgen.commands.render import load
from labgen.errors import MachineError
from labgen.folder import LabFolder
from labgen.progress import for_stream


def run(arguments: argparse.Namespace) -> int:
    """Shut down what runs."""
    folder = LabFolder.at(arguments.folder)
    state = folder.state()
    if state is None:
        raise MachineError("labgen has brought no lab up here.", "If `vagrant up` has: vagrant halt")
    Machines(folder, load(folder), for_stream()).halt(state)
    print("The lab is halted. `labgen up` starts it again, with its swarm and services; `labgen down` removes it.")
    return 0
