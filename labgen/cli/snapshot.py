"""`labgen snapshot`: keep the state of the whole lab, and go back to it."""

from __future__ import annotations

import itertools
import re

import click

from labgen.cli.declare import Group, argument
from labgen.cli.folders import lab_folder, load
from labgen.cli.run import fab
from labgen.core.console import say
from labgen.core.errors import MachineError, UsageError
from labgen.core.i18n import _
from labgen.core.lock import folder_lock
from labgen.core.progress import for_stream
from labgen.machines.lifecycle import Machines
from labgen.model.lab_folder import LabFolder, State
from labgen.providers import of_lab
from labgen.providers.base import SnapshotDriver

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


@click.group(cls=Group, subcommand_metavar="ACTION ...", no_args_is_help=False)
def command() -> None:
    """Save the state of the machines, return to it, list what is saved, or delete it."""


@command.command("save", help=_("save the state under a name"))
@argument("name", metavar="NAME")
def save(name: str) -> int:
    """Save the state of every machine."""
    return _act("save", name)


@command.command("restore", help=_("return to a saved state"))
@argument("name", metavar="NAME")
def restore(name: str) -> int:
    """Return to a saved state, and see that the swarm runs again."""
    return _act("restore", name)


@command.command("delete", help=_("delete a saved state"))
@argument("name", metavar="NAME")
def delete(name: str) -> int:
    """Delete a saved state."""
    return _act("delete", name)


@command.command("list", help=_("list the saved states"))
def list_names() -> int:
    """List the saved states."""
    _list(_machines(lab_folder())[1])
    return 0


def _machines(folder: LabFolder) -> tuple[Machines, SnapshotDriver, State]:
    """Give the machines of a lab that is up, and their driver.

    :raises MachineError: the lab is not up, or its provider has no snapshots.
    """
    state = folder.state()
    if state is None:
        raise MachineError(_("labgen has started no lab here."), _("Bring it up with `labgen up`."))
    provider = of_lab(state.provider)
    if not provider.has_snapshots:
        raise MachineError(
            _("%(provider)s has no snapshots.", provider=provider.title),
            _("`labgen reset` gives a fresh swarm in seconds, on any provider."),
        )
    machines = Machines(folder, load(folder), for_stream())
    return machines, machines.snapshot_driver(state), state


def _act(action: str, name: str) -> int:
    folder = lab_folder()
    machines, driver, state = _machines(folder)
    if not _NAME.fullmatch(name):
        raise UsageError(
            _("'%(name)s' is no name for a snapshot.", name=name),
            _("Use letters, digits, dots, underscores and hyphens."),
        )
    with folder_lock(folder, f"labgen snapshot {action} {name}"):
        _change(action, name, driver, machines, state)
        # Whoever was connected is not any more, and nodes find each other again.
        return fab(folder, "bootstrap") if action == "restore" else 0


def _list(driver: SnapshotDriver) -> None:
    snapshots = driver.snapshots()
    names = dict.fromkeys(itertools.chain.from_iterable(snapshots.values()))
    for name in names:
        lacking = [machine for machine, saved in snapshots.items() if name not in saved]
        print(name + (f"  (not of {', '.join(lacking)})" if lacking else ""))
    if not names:
        say(_("There is no snapshot. Save the lab's state with: labgen snapshot save NAME"))


def _change(action: str, name: str, driver: SnapshotDriver, machines: Machines, state: State) -> None:
    progress = machines.progress
    snapshots = driver.snapshots()
    having = [machine for machine, names in snapshots.items() if name in names]
    if action == "save" and having:
        raise MachineError(
            _("there is a snapshot %(name)s already.", name=name),
            _("Choose another name, or delete that one: labgen snapshot delete %(name)s", name=name),
        )
    if action != "save" and not having:
        existing = ", ".join(dict.fromkeys(itertools.chain.from_iterable(snapshots.values())))
        raise MachineError(
            _("there is no snapshot %(name)s.", name=name),
            _("There are: %(existing)s", existing=existing) if existing else _("There is none."),
        )
    if action == "restore" and len(having) < len(snapshots):
        lacking = ", ".join(machine for machine in snapshots if machine not in having)
        raise MachineError(
            _("there is no snapshot %(name)s of %(lacking)s.", name=name, lacking=lacking),
            _("Only a snapshot of all machines can be restored. Save one: labgen snapshot save NAME"),
        )
    if action == "save":
        with progress.step(_("Saving the state of the lab as %(name)s", name=name)):
            driver.save_snapshot(name, on_line=progress.detail)
    elif action == "delete":
        with progress.step(_("Deleting %(name)s", name=name)):
            driver.delete_snapshot(name, on_line=progress.detail)
    else:
        machines.restore(state, name)
