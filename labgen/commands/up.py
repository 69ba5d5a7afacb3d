"""`labgen up`: the whole lab, from nothing to a swarm; carries on where an earlier run stopped."""

from __future__ import annotations

import argparse
import dataclasses

from labgen import doctor, render
from labgen.bringup import Machines
from labgen.commands.render import load
from labgen.commands.run import fab
from labgen.doctor import Choice
from labgen.errors import MachineError
from labgen.folder import LabFolder
from labgen.lab import Lab
from labgen.lock import locked
from labgen.progress import Progress, for_stream


@locked("labgen up")
def run(arguments: argparse.Namespace) -> int:
    """Render, choose a provider, boot, bootstrap."""
    folder = LabFolder.at(arguments.folder)
    lab = load(folder)
    text = render.render(lab)
    progress = for_stream()
    choice = _choice(folder, lab, arguments.provider, progress)
    progress.note(str(render.write(text, folder.vagrantfile, force=arguments.force)))
    Machines(folder, lab, progress).up(choice)
    if arguments.no_bootstrap:
        print("The machines run. Next:  fab bootstrap")
        return 0
    status = fab(folder, "bootstrap")
    if status == 0:
        print("The lab is up. Next:  labgen run --list   and   labgen grade")
    return status


def _choice(folder: LabFolder, lab: Lab, asked: str | None, progress: Progress) -> Choice:
    """The provider to use: the one the machines are on already, the one asked for, or the doctor's choice."""
    state = folder.state()
    if state is not None:
        if asked and asked != state.provider:
            raise MachineError(
                f"the lab runs on {state.provider} already.", f"Remove it first with `labgen down`, then use {asked}."
            )
        return Choice(state.provider, "the lab is on it already", state.accelerated, state.namespace is not None)
    wanted = dataclasses.replace(lab, provider=asked) if asked else lab
    with progress.step("Looking what this computer can do"):
        diagnosis = doctor.examine(wanted, doctor.Host(folder=folder.path), [asked] if asked else None)
    choice = diagnosis.choose(wanted)
    progress.note(f"Provider: {choice.why}")
    for finding in diagnosis.warnings(choice.provider):
        progress.note(f"warning: {finding.message} {finding.fix}")
    return choice
