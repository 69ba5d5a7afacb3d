"""`labgen reset`: a fresh swarm, on the machines as they are."""

from __future__ import annotations

from dataclasses import replace

import click

from labgen.cli.folders import in_lab_folder
from labgen.cli.run import fab
from labgen.core.lock import folder_lock
from labgen.machines.inventory import lab_of
from labgen.model.lab_folder import LabFolder


@click.command
@in_lab_folder
def command(folder: LabFolder) -> int:
    """Empty every engine and set up a new swarm; the machines and their images stay."""
    with folder_lock(folder, "labgen reset"):
        return _reset(folder)


def _reset(folder: LabFolder) -> int:
    status = fab(folder, "bootstrap.fresh")
    state, record = folder.state(), folder.record()
    if status == 0 and state is not None and record is not None:
        # Only a new swarm has another address pool.
        pool = {name: getattr(lab_of(folder.path).plan, name) for name in ("overlay_pool", "overlay_mask")}
        renewed = replace(record, lab=replace(record.lab, plan=replace(record.lab.plan, **pool)))
        folder.remember(state, renewed)
    return status
