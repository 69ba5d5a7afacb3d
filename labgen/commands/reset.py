"""`labgen reset`: a fresh swarm, on the machines as they are."""

from __future__ import annotations

import argparse

from labgen.commands.run import fab
from labgen.folder import LabFolder
from labgen.lock import locked


@locked("labgen reset")
def run(arguments: argparse.Namespace) -> int:
    """Empty every engine and begin the swarm anew; the machines and their images stay."""
    return fab(LabFolder.at(arguments.folder), "bootstrap.fresh")
