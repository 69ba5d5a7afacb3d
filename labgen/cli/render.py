"""`labgen render`: the lab's Vagrantfile."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import click

from labgen import boxes
from labgen.cli.declare import option
from labgen.cli.folders import in_lab_folder, load
from labgen.core.atomic_files import read
from labgen.core.console import say
from labgen.core.i18n import Text, _
from labgen.core.printable import in_line, printable
from labgen.host.computer import Host
from labgen.machines import render
from labgen.machines.lifecycle import installed
from labgen.machines.vagrant import box_mark
from labgen.model.lab import Lab
from labgen.model.lab_folder import LabFolder
from labgen.providers import PROVIDERS


@click.command
@option("--force", is_flag=True, help=_("overwrite a file that was edited by hand"))
@option("--diff", is_flag=True, help=_("show what would change, and write nothing"))
@option("--stdout", is_flag=True, help=_("print it, and write nothing"))
@in_lab_folder
def command(folder: LabFolder, *, force: bool, diff: bool, stdout: bool) -> int:
    """Write, print or compare the Vagrantfile."""
    lab = load(folder)
    text = render.render(lab)
    if stdout:
        sys.stdout.write(text)
        return 0
    if diff:
        changes = render.diff(read(folder.vagrantfile) or "", text)
        sys.stdout.write(printable(changes) or f"{in_line(folder.vagrantfile)}: unchanged\n")
        return 0
    # Before the file is written: what cannot be looked up ends this.
    notes = list(_missing_boxes(lab))
    print(in_line(render.write(text, folder.vagrantfile, force=force)))
    for note in notes:
        say(note)
    return 0


def _missing_boxes(lab: Lab) -> Iterator[Text]:
    """Say of each provider that is installed here, or that the lab names, how its box is made if it is not here."""
    host = Host()
    for name in PROVIDERS if lab.provider == "auto" else (lab.provider,):
        box = PROVIDERS[name].box_for(lab)
        if not box.image or boxes.made(box.image, name) or installed(box_mark(box.name, name), name):
            continue
        if lab.provider == name or PROVIDERS[name].checks().gate(lab, host) is None:
            yield _(
                "%(title)s: the box %(box)s is not made yet. Before `vagrant up`, once:\n"
                "  labgen box make --provider %(provider)s",
                title=PROVIDERS[name].title,
                box=box.name,
                provider=name,
            )
