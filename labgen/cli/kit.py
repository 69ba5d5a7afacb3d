"""`labgen kit`: a folder from which a class installs labgen and brings up labs without a network."""

from __future__ import annotations

from pathlib import Path

import click

from labgen.cli.declare import Group, argument, option
from labgen.cli.parameters import FilePath, FolderPath
from labgen.core.i18n import _, ui_language
from labgen.core.progress import for_stream
from labgen.core.quoting import typed_path
from labgen.kit import check, platforms
from labgen.providers import PROVIDERS


@click.group(cls=Group, subcommand_metavar="ACTION ...", no_args_is_help=False)
def command() -> None:
    """Make and check classroom kits."""


@command.command("make", help=_("gather wheels, box or node image, lab.yml and a start page in a folder"))
@argument("folder", type=FolderPath(), metavar="DIR")
@option(
    "--for",
    "names",
    required=True,
    metavar="PLATFORMS",
    help=_("one or more of %(platforms)s", platforms=", ".join(platforms.PLATFORMS)),
)
@option(
    "--python",
    "versions",
    default="",
    metavar="VERSIONS",
    help=_("Python versions of the learners (default: %(versions)s)", versions=",".join(platforms.PYTHONS)),
)
@option(
    "--provider",
    "providers",
    multiple=True,
    type=click.Choice(tuple(PROVIDERS)),
    help=_("include the box or node image of this provider (default: virtualbox on amd64, docker on arm64)"),
)
@option("--without-nodes", is_flag=True, help=_("include neither box nor node image"))
@option("--lab", type=FilePath(), help=_("lab.yml for the learners (default: the one of `labgen init`)"))
@option("--wheel", type=FilePath(), help=_("take labgen's wheel from this file, and build none"))
def make_kit(
    folder: Path,
    names: str,
    versions: str,
    providers: tuple[str, ...],
    lab: Path | None,
    wheel: Path | None,
    *,
    without_nodes: bool,
) -> int:
    """Make a kit, or carry on with one."""
    from labgen.kit import commands, programs
    from labgen.kit.make import Kit, make

    kit = Kit(
        folder=folder,
        platforms=platforms.platforms(names),
        pythons=platforms.pythons(versions),
        providers=tuple(dict.fromkeys(providers)),
        with_nodes=not without_nodes,
        wheel=wheel,
        lab=lab,
    )
    files = make(kit, for_stream())
    print(f"{folder}: {len(files)} files, {sum(file.size for file in files) / 2**20:.0f} MiB")
    print(f"  SHA-256 of {check.MANIFEST}: {check.digest(folder / check.MANIFEST)}")
    print("  Copy the folder whole. On each computer: open start.html (start.ko.html), or type in the folder:")
    usual = programs.usual_python(kit.pythons)
    for line in dict.fromkeys(line for platform in kit.platforms for line in commands.check(platform)):
        print(f"    {line.replace(commands.PYTHON, usual)}")
    print(f"Next:  labgen kit check {typed_path(folder)}")
    return 0


@command.command("check", help=_("check that a kit is complete and fits this computer; needs no network"))
@argument("folder", type=FolderPath(), metavar="[DIR]", required=False)
def check_kit(folder: Path | None) -> int:
    """Check the kit in a folder, the working directory if none is named."""
    from labgen.kit.make import korean

    translations = korean() if ui_language() == "ko" else {}
    return check.check(folder or Path(), check.speaker(translations), installed=True)
