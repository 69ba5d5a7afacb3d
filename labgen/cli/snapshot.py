"""`labgen snapshot`: keep the state of the whole lab, and go back to it."""

from __future__ import annotations

import argparse
import re

from labgen.cli.render import load
from labgen.cli.run import fab
from labgen.core.errors import LabgenError, MachineError
from labgen.core.lock import folder_lock
from labgen.core.progress import for_stream
from labgen.core.workspace import LabFolder, State
from labgen.machines.lifecycle import Machines
from labgen.machines.vagrant import Vagrant
from labgen.providers import of_lab

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def run(arguments: argparse.Namespace) -> int:
    """Keep, go back, list or forget."""
    folder = LabFolder.at(arguments.folder)
    state = folder.state()
    if state is None:
        raise MachineError("labgen has brought no lab up here.", "Bring it up with `labgen up`.")
    provider = of_lab(state.provider)
    if not provider.has_snapshots:
        raise MachineError(
            f"{provider.title} has no snapshots.", "`labgen reset` gives a fresh swarm in seconds, on any provider."
        )
    progress = for_stream()
    machines = Machines(folder, load(folder), progress)
    vagrant = machines.vagrant(state)
    if arguments.action == "list":
        _list(vagrant)
        return 0
    if not _NAME.fullmatch(arguments.name):
        raise LabgenError(
            f"'{arguments.name}' is no name for a snapshot.", "Letters, digits, dots, underscores and hyphens."
        )
    with folder_lock(folder, f"labgen snapshot {arguments.action} {arguments.name}"):
        _change(arguments.action, arguments.name, vagrant, machines, state)
        # Whoever was connected is not any more, and nodes find each other again.
        return fab(folder, "bootstrap") if arguments.action == "restore" else 0


def _list(vagrant: Vagrant) -> None:
    there = vagrant.snapshots()
    names = dict.fromkeys(name for kept in there.values() for name in kept)
    for name in names:
        lacking = [machine for machine, kept in there.items() if name not in kept]
        print(name + (f"  (not of {', '.join(lacking)})" if lacking else ""))
    if not names:
        print("There is no snapshot. Keep the lab's state with: labgen snapshot save NAME")


def _change(action: str, name: str, vagrant: Vagrant, machines: Machines, state: State) -> None:
    progress = machines.progress
    there = vagrant.snapshots()
    having = [machine for machine, kept in there.items() if name in kept]
    if action == "save" and having:
        raise MachineError(
            f"there is a snapshot {name} already.",
            f"Choose another name, or forget that one: labgen snapshot delete {name}",
        )
    if action != "save" and not having:
        known = ", ".join(dict.fromkeys(one for kept in there.values() for one in kept))
        raise MachineError(f"there is no snapshot {name}.", f"There are: {known}" if known else "There is none.")
    if action == "restore" and len(having) < len(there):
        lacking = ", ".join(machine for machine in there if machine not in having)
        raise MachineError(
            f"there is no snapshot {name} of {lacking}.",
            "A lab that goes back in part is no swarm any more. Keep one of all machines: labgen snapshot save NAME",
        )
    if action == "save":
        with progress.step(f"Keeping the state of the lab as {name}"):
            vagrant.save_snapshot(name, on_line=progress.detail)
    elif action == "delete":
        with progress.step(f"Forgetting {name}"):
            vagrant.delete_snapshot(name, on_line=progress.detail)
    else:
        machines.restore(state, name)
