"""Write the texts of the code into the catalogues of translations: ``python -m tests.messages``.

A catalogue keeps the translations it has, gets an empty one for each new text, and loses those whose text is gone. The
texts stand in the order in which the code has them. A test compares the files with what this writes.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po, write_po

PROJECT = Path(__file__).parents[1]
EXERCISES = PROJECT / "labgen" / "exercises"
KEYWORDS = {"_": None, "ngettext": (1, 2)}
"""What marks texts, and which of its arguments they are."""
HEADER = """\
msgid ""
msgstr ""
"Project-Id-Version: labgen\\n"
"Language: ko\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: nplurals=1; plural=0;\\n"

"""


@dataclass(frozen=True)
class Target:
    """A catalogue, and the modules whose texts it has."""

    po: Path
    modules: tuple[Path, ...]


def targets() -> list[Target]:
    """List the catalogue of labgen, provision and verify, and that of each exercise."""
    modules = [path for name in ("labgen", "provision", "verify") for path in sorted((PROJECT / name).rglob("*.py"))]
    own = tuple(path for path in modules if not path.is_relative_to(EXERCISES))
    folders = sorted(path.parent for path in EXERCISES.glob("*/exercise.py"))
    return [
        Target(PROJECT / "labgen" / "locale" / "ko" / "LC_MESSAGES" / "labgen.po", own),
        *(Target(folder / "messages.ko.po", tuple(sorted(folder.rglob("*.py")))) for folder in folders),
    ]


def extracted(target: Target) -> Catalog:
    """Collect the texts of some modules."""
    with (PROJECT / "babel.cfg").open(encoding="utf-8") as mapping:
        ((_pattern, method),), _options = parse_mapping_cfg(mapping)
    catalog = Catalog()
    for path in target.modules:
        place = path.relative_to(PROJECT).as_posix()
        for _line, msgid, comments, context in extract_from_file(method, path, KEYWORDS, ["Translators:"]):
            catalog.add(msgid, locations=[(place, 1)], auto_comments=comments, context=context)
    return catalog


def read(po: Path) -> Catalog:
    """Read a catalogue; an empty one if there is none yet."""
    if not po.exists():
        return Catalog(locale="ko")
    with po.open("rb") as file:
        return read_po(file, locale="ko", abort_invalid=True)


def refreshed(target: Target) -> str:
    """Give the text of a catalogue as it should be."""
    catalog = read(target.po)
    catalog.update(extracted(target), no_fuzzy_matching=True)
    written = BytesIO()
    write_po(written, catalog, width=0, omit_header=True, ignore_obsolete=True, include_lineno=False)
    return HEADER + written.getvalue().decode("utf-8").lstrip("\n")


def main() -> None:
    """Write every catalogue."""
    for target in targets():
        target.po.parent.mkdir(parents=True, exist_ok=True)
        target.po.write_text(refreshed(target), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
