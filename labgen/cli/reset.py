"""`labgen reset`: a fresh swarm, on the machines as they are."""

from __future__ import annotations

import argparse
from dataclasses import replace

from labgen.cli.run import fab
from labgen.core.lock import locked
from labgen.core.workspace import LabFolder
from labgen.machines.inventory import lab_of


@locked("labgen reset")
def run(arguments: argparse.Namespace) -> int:
    """Empty every engine and begin the swarm anew; the machines and their images stay."""
    folder = LabFolder.at(arguments.folder)
    status = fab(folder, "bootstrap.fresh")
    state, record = folder.state(), folder.record()
    if status == 0 and state is not None and record is not None:
        # Only a new swarm has another address pool.
        pool = {name: getattr(lab_of(folder.path).plan, name) for name in ("overlay_pool", "overlay_mask")}
        renewed = replace(record, lab=replace(record.lab, plan=replace(record.lab.plan, **pool)))
        folder.remember(state, renewed)
    return status
