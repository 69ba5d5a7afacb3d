"""`labgen init`: a lab folder of one's own, for labgen installed from a wheel."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import click

from labgen.cli.folders import folder_option
from labgen.cli.parameters import FolderPath
from labgen.core.atomic_files import need_no_dangling_link, read, write_whole
from labgen.core.errors import HostError
from labgen.core.printable import in_line
from labgen.core.quoting import typed_path

SKELETON = Path(__file__).parents[1] / "skeleton"
"""What a lab folder gets. Its Python is laid down without the ``.in``: it is the lab folder's, not labgen's, and
imports what labgen itself must not."""


def _files() -> Iterator[tuple[str, str]]:
    """Every file of a lab folder, and what is in it."""
    for source in sorted(path for path in SKELETON.rglob("*") if path.is_file()):
        yield str(source.relative_to(SKELETON)).removesuffix(".in"), source.read_text(encoding="utf-8")


def _need_folder_or_nothing(target: Path) -> None:
    try:
        if not stat.S_ISDIR(target.stat().st_mode):
            raise HostError(f"{target} is a file.", "Choose another name for the lab folder.")
    except FileNotFoundError:
        need_no_dangling_link(target)
    except OSError as why:
        raise HostError(
            f"{target} cannot be a folder: {why.strerror or why}.", "Choose another name for the lab folder."
        ) from None


@click.command
@click.argument("target", type=FolderPath(), metavar="DIR", help="the lab folder to make")
def command(target: Path) -> int:
    """Lay down what is missing; what is there is left as it is, and said."""
    target = (folder_option() or Path()) / target
    _need_folder_or_nothing(target)
    created, edited = [], []
    for relative, text in _files():
        place = target / relative
        present = read(place)
        if present is None:
            write_whole(place, text)
            created.append(place)
        elif present != text:
            edited.append(place)
    for place in created:
        print(f"{in_line(place)}: created")
    for place in edited:
        print(f"{in_line(place)}: yours, left as it is")
    print(f"Next:  cd {in_line(typed_path(target))}  and then  labgen up")
    return 0
