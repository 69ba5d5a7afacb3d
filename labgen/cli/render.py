"""`labgen render`: the lab's Vagrantfile."""

from __future__ import annotations

import argparse
import sys

from labgen.core.atomic_files import read
from labgen.core.workspace import LabFolder
from labgen.machines.inventory import lab_of
from labgen.model.lab import Lab
from labgen.providers import render


def load(folder: LabFolder) -> Lab:
    """The folder's lab, its warnings told."""
    lab = lab_of(folder.path)
    for warning in lab.warnings:
        print(f"warning: lab.yml: {warning}", file=sys.stderr)
    return lab


def run(arguments: argparse.Namespace) -> int:
    """Write, print or compare."""
    folder = LabFolder.at(arguments.folder)
    text = render.render(load(folder))
    if arguments.stdout:
        sys.stdout.write(text)
        return 0
    if arguments.diff:
        changes = render.diff(read(folder.vagrantfile) or "", text)
        sys.stdout.write(changes or f"{folder.vagrantfile}: unchanged\n")
        return 0
    print(render.write(text, folder.vagrantfile, force=arguments.force))
    return 0
