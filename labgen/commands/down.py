"""`labgen down`: remove the machines, and everything made for them."""

from __future__ import annotations

import argparse

from labgen.bringup import Machines
from labgen.commands.render import load
from labgen.errors import MachineError
from labgen.folder import LabFolder
from labgen.progress import for_stream


def run(arguments: argparse.Namespace) -> int:
    """Remove what there is; nothing there is well, too."""
    folder = LabFolder.at(arguments.folder)
    try:
        state = folder.state()
    except MachineError:
        state = None  # cannot be read; the machines are Vagrant's to name
    Machines(folder, load(folder), for_stream()).down(state)
    print(f"Nothing of the lab is left but {folder.lab_file.name}, the Vagrantfile, logs and the report.")
    return 0
