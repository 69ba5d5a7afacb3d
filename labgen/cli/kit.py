"""`labgen kit`: a folder from which a class installs labgen and brings up labs without a network."""

from __future__ import annotations

from pathlib import Path

import click

from labgen.cli.parameters import FilePath, FolderPath, language_of, language_option
from labgen.core.i18n import Language
from labgen.core.progress import for_stream
from labgen.core.quoting import typed_path
from labgen.kit import check, platforms
from labgen.providers import PROVIDERS


@click.group(subcommand_metavar="ACTION ...", no_args_is_help=False)
def command() -> None:
    """Make and check classroom kits."""


@command.command("make", help="gather wheels, box or node image, lab.yml and a start page in a folder")
@click.argument("folder", type=FolderPath(), metavar="DIR")
@click.option(
    "--for", "names", required=True, metavar="PLATFORMS", help=f"one or more of {', '.join(platforms.PLATFORMS)}"
)
@click.option(
    "--python",
    "versions",
    default="",
    metavar="VERSIONS",
    help=f"of the learners (default: {','.join(platforms.PYTHONS)})",
)
@click.option(
    "--provider",
    "providers",
    multiple=True,
    type=click.Choice(tuple(PROVIDERS)),
    help="whose box or node image it carries (default: virtualbox on amd64, docker on arm64)",
)
@click.option("--without-nodes", is_flag=True, help="carry neither box nor node image")
@click.option("--lab", type=FilePath(), help="the learners' lab.yml (default: that of `labgen init`)")
@click.option("--wheel", type=FilePath(), help="labgen's own wheel, in place of one that is made here")
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


@command.command("check", help="check that a kit is whole and fits this computer; needs no network")
@click.argument("folder", type=FolderPath(), metavar="[DIR]", required=False)
@language_option
def check_kit(folder: Path | None, lang: Language | None) -> int:
    """Check the kit in a folder, the working directory if none is named."""
    from labgen.kit.make import korean

    translations = korean() if language_of(lang) == "ko" else {}
    return check.check(folder or Path(), check.speaker(translations), installed=True)
