"""`labgen init`: a lab folder of one's own, for labgen installed from a wheel."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import click

from labgen.cli.declare import argument
from labgen.cli.folders import folder_option
from labgen.cli.parameters import FolderPath
from labgen.core.atomic_files import is_link, need_no_dangling_link, read, write_whole
from labgen.core.console import say
from labgen.core.errors import HostError
from labgen.core.i18n import LANGUAGES, Language, _, ui_language
from labgen.core.printable import in_line
from labgen.core.quoting import typed_path

SKELETON = Path(__file__).parents[1] / "skeleton"
"""What a lab folder gets. Its Python is laid down without the ``.in``: it is the lab folder's, not labgen's, and
imports what labgen itself must not."""


def files_by_language() -> Iterator[tuple[str, Mapping[Language, str]]]:
    """Yield the path of every file of a lab folder with its texts: ``lab.ko.yml`` is the Korean one of ``lab.yml``."""
    for source in sorted(path for path in SKELETON.rglob("*") if path.is_file()):
        if {f".{language}" for language in LANGUAGES} & {*source.suffixes}:
            continue
        variants = {language: source.with_suffix(f".{language}{source.suffix}") for language in LANGUAGES}
        texts = {
            language: (variant if variant.exists() else source).read_text(encoding="utf-8")
            for language, variant in variants.items()
        }
        yield str(source.relative_to(SKELETON)).removesuffix(".in"), texts


def _need_folder_or_nothing(target: Path) -> None:
    try:
        if not stat.S_ISDIR(target.stat().st_mode):
            raise HostError(_("%(target)s is a file.", target=target), _("Choose another name for the lab folder."))
    except FileNotFoundError:
        need_no_dangling_link(target)
    except OSError as why:
        raise HostError(
            _("%(target)s cannot be a folder: %(value)s.", target=target, value=why.strerror or why),
            _("Choose another name for the lab folder."),
        ) from None


def _refuse_links(folders: Iterable[Path]) -> None:
    """Refuse folders that are links: files written into them would land elsewhere.

    :raises HostError: one of them is a link.
    """
    for folder in folders:
        if is_link(folder):
            raise HostError(
                _("%(folder)s is a link. labgen does not write through a link.", folder=folder),
                _("Remove it, or choose another folder."),
            )


@click.command
@argument("target", type=FolderPath(), metavar="DIR", help=_("the lab folder to make"))
def command(target: Path) -> int:
    """Lay down what is missing; what is there is left as it is, and said."""
    target = (folder_option() or Path()) / target
    _need_folder_or_nothing(target)
    texts = {target / relative: texts for relative, texts in files_by_language()}
    _refuse_links({place.parent for place in texts} - {target})
    # All are looked at before the first is written, so that no half of a lab folder is left.
    present = {place: read(place) for place in texts}
    created = [place for place in texts if present[place] is None]
    edited = [place for place in texts if present[place] not in (None, *texts[place].values())]
    for place in created:
        write_whole(place, texts[place][ui_language()])
        say(_("%(place)s: created", place=in_line(place)))
    for place in edited:
        say(_("%(place)s: changed by you, not touched", place=in_line(place)))
    say(_("Next:  cd %(target)s  and then  labgen up", target=in_line(typed_path(target))))
    return 0
