"""`labgen render`: the lab's Vagrantfile."""

from __future__ import annotations

import sys

import click

from labgen.cli.folders import in_lab_folder, load
from labgen.core.atomic_files import read
from labgen.core.workspace import LabFolder
from labgen.machines import render


@click.command
@click.option("--force", is_flag=True, help="overwrite a file that was edited by hand")
@click.option("--diff", is_flag=True, help="show what would change, and write nothing")
@click.option("--stdout", is_flag=True, help="print it, and write nothing")
@in_lab_folder
def command(folder: LabFolder, *, force: bool, diff: bool, stdout: bool) -> int:
    """Write, print or compare the Vagrantfile."""
    text = render.render(load(folder))
    if stdout:
        sys.stdout.write(text)
        return 0
    if diff:
        changes = render.diff(read(folder.vagrantfile) or "", text)
        sys.stdout.write(changes or f"{folder.vagrantfile}: unchanged\n")
        return 0
    print(render.write(text, folder.vagrantfile, force=force))
    return 0
