"""Read the translations of a gettext catalogue (``.po``) in a few milliseconds.

Babel reads catalogues, too, and checks them in the tests; its reader takes 100 ms for a thousand texts, and ``--help``
cannot wait for that. The form of the file is described in GNU gettext's manual, "The Format of PO Files".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

Forms = tuple[str, ...]

_LINE = re.compile(r'(?:(msgctxt|msgid_plural|msgid|msgstr(?:\[\d+\])?)\s+)?"((?:[^"\\]|\\.)*)"')
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r"}
_CHARSET = re.compile(rb"Content-Type:[^\n]*charset=([\w-]+)")


class DamagedCatalogue(ValueError):
    """A catalogue cannot be read.

    :param line: the first line that is wrong, counted from 1; ``None`` where the whole file is.
    """

    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(reason)
        self.line = line


def decoded(content: bytes) -> str:
    """Decode a catalogue from the encoding that its header names; from UTF-8 if it names none.

    :raises DamagedCatalogue: there is no such encoding, or the content is not in it.
    """
    charset = _CHARSET.search(content)
    encoding = charset[1].decode("ascii") if charset else "utf-8"
    try:
        return content.decode(encoding).replace("\r\n", "\n").removeprefix("\ufeff")
    except LookupError as error:
        raise DamagedCatalogue(str(error)) from None
    except UnicodeError:
        raise DamagedCatalogue(f"the text is not in {encoding}") from None


def translations(text: str) -> Mapping[str, Forms]:
    """Map each text that is translated to its translation, in each form of plural; fuzzy ones are left out.

    :param text: of the file.
    :raises DamagedCatalogue: a line is none of such a file.
    """
    return {
        entry["msgid"]: forms
        for entry in _entries(text)
        if entry["msgid"] and any(forms := tuple(words for key, words in entry.items() if key.startswith("msgstr")))
    }


def _entries(text: str) -> Iterator[dict[str, str]]:
    """Yield the texts of each entry that is not fuzzy, by their keywords."""
    entry: dict[str, str] = {}
    fuzzy = next_fuzzy = False
    keyword = ""
    for number, line in enumerate(text.split("\n"), 1):
        line = line.strip()
        if not line or line[0] == "#":
            next_fuzzy = next_fuzzy or (line.startswith("#,") and "fuzzy" in line)
            continue
        match = _LINE.fullmatch(line)
        if match is None or not (match[1] or keyword):
            raise DamagedCatalogue("this is not a line of a catalogue", number)
        if match[1] == "msgctxt" or (match[1] == "msgid" and keyword != "msgctxt"):
            if "msgid" in entry and not fuzzy:
                yield entry
            entry, fuzzy, next_fuzzy = {}, next_fuzzy, False
        keyword = match[1] or keyword
        entry[keyword] = entry.get(keyword, "") + (_ESCAPE.sub(_unescaped, match[2]) if "\\" in match[2] else match[2])
    if "msgid" in entry and not fuzzy:
        yield entry


def _unescaped(escape: re.Match[str]) -> str:
    return _ESCAPED.get(escape[1], escape[1])
