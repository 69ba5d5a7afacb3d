"""Read the translations of a gettext catalogue (``.po``) in a few milliseconds.

Babel reads catalogues, too, and checks them in the tests; its reader takes 100 ms for a thousand texts, and ``--help``
cannot wait for that. The form of the file is described in GNU gettext's manual, "The Format of PO Files".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

Forms = tuple[str, ...]

_STRING = r'"([^"\\\n]*(?:\\.[^"\\\n]*)*)"'
_LINE = re.compile(rf"(?:(msgctxt|msgid_plural|msgid|msgstr(?:\[\d+\])?)\s+)?{_STRING}")
_SHORT = re.compile(rf"((?:#[^\n]*\n)*)msgid {_STRING}\nmsgstr {_STRING}(?:\n\n+|\n*\Z)")
"""An entry whose texts have a line each, with the comments above it."""
_BEGIN = re.compile(r"(?:#[^\n]*\n)*msg(?:id|ctxt) ")
_FUZZY = re.compile(r"^#,.*fuzzy", re.MULTILINE)
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
    forms: dict[str, Forms] = {}
    position, line = 0, 1
    while position < len(text):
        # Nearly every entry has one line for each of its two texts, which one match reads.
        if short := _SHORT.match(text, position):
            comments, msgid, msgstr = short.groups()
            if msgid and msgstr and not (comments and _FUZZY.search(comments)):
                forms[_unescaped(msgid)] = (_unescaped(msgstr),)
            end = short.end()
        else:
            end = _next_block(text, position)
            while end < len(text) and not _BEGIN.match(text, end):
                end = _next_block(text, end)
            forms.update(_long_entries(text[position:end], line))
        line += text.count("\n", position, end)
        position = end
    return forms


def _next_block(text: str, position: int) -> int:
    """Find the place after the next empty line; the end of the text if there is none."""
    empty = text.find("\n\n", position)
    return len(text) if empty < 0 else empty + 2


def _long_entries(text: str, line: int) -> Iterator[tuple[str, Forms]]:
    """Yield the translated texts of some entries with their translations.

    :param line: of the file, with which the entries begin.
    """
    for entry in _entries(text, line):
        forms = tuple(words for key, words in entry.items() if key.startswith("msgstr"))
        if entry["msgid"] and any(forms):
            yield entry["msgid"], forms


def _entries(text: str, first: int) -> Iterator[dict[str, str]]:
    """Yield the texts of each entry that is not fuzzy, by their keywords."""
    entry: dict[str, str] = {}
    fuzzy = next_fuzzy = False
    keyword = ""
    for number, line in enumerate(text.split("\n"), first):
        line = line.strip()
        if not line or line[0] == "#":
            next_fuzzy = next_fuzzy or bool(_FUZZY.match(line))
            continue
        match = _LINE.fullmatch(line)
        if match is None or not (match[1] or keyword):
            raise DamagedCatalogue("this is not a line of a catalogue", number)
        if match[1] == "msgctxt" or (match[1] == "msgid" and keyword != "msgctxt"):
            if "msgid" in entry and not fuzzy:
                yield entry
            entry, fuzzy, next_fuzzy = {}, next_fuzzy, False
        keyword = match[1] or keyword
        entry[keyword] = entry.get(keyword, "") + _unescaped(match[2])
    if "msgid" in entry and not fuzzy:
        yield entry


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda escape: _ESCAPED.get(escape[1], escape[1]), text) if "\\" in text else text
