"""`labgen support`: a bundle for bug reports."""

from __future__ import annotations

from pathlib import Path

import click

from labgen.apps import support
from labgen.cli.declare import argument
from labgen.cli.folders import in_lab_folder
from labgen.cli.parameters import FilePath
from labgen.core.console import say
from labgen.core.i18n import _
from labgen.core.printable import in_line
from labgen.core.progress import for_stream
from labgen.model.lab_folder import LabFolder


@click.command
@argument(
    "file",
    type=FilePath(),
    required=False,
    metavar="[FILE]",
    help=_("the bundle to write (default: labgen-support.zip in the working directory)"),
)
@in_lab_folder
def command(folder: LabFolder, file: Path | None) -> int:
    """Write the bundle and list what is in it."""
    path = file or Path("labgen-support.zip")
    with for_stream().step(_("Checking this computer and the lab folder")):
        parts = support.collect(folder)
    support.write(parts, path)
    print(f"{in_line(path)}:")
    for part in parts:
        say(_("  %(part)s  %(size)s bytes", part=in_line(part.name), size=len(part.text.encode("utf-8", "replace"))))
    say(_("Passwords, tokens and keys are cut out. Paths, names and addresses are not: read it before you send it."))
    return 0
