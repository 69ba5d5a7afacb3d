"""Catalogues are read as Babel reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from labgen.core.po_file import DamagedCatalogue, decoded, translations
from tests.messages import read, targets

HEADER = 'msgid ""\nmsgstr ""\n"Language: ko\\n"\n\n'
SHORT = '#: code.py\nmsgid "a"\nmsgstr "가"\n\n'
TYPE = '"Content-Type: text/plain; charset=%s\\n"\n'


@pytest.mark.parametrize("po", [target.po for target in targets()], ids=lambda po: po.parent.name)
def test_translations_are_those_that_babel_reads(po: Path) -> None:
    expected = {
        message.id if isinstance(message.id, str) else message.id[0]: (
            (message.string,) if isinstance(message.string, str) else tuple(message.string)
        )
        for message in read(po)
        if message.id and message.string and not message.fuzzy
    }
    assert expected
    assert translations(po.read_text(encoding="utf-8")) == expected


@pytest.mark.parametrize(
    ("entry", "texts"),
    [
        ('msgid "a"\nmsgstr "가"\n', {"a": ("가",)}),
        ('msgid ""\n"a "\n"b"\nmsgstr ""\n"가\\n"\n"\\"나\\" \\\\t"\n', {"a b": ('가\n"나" \\t',)}),
        ('msgid "a"\nmsgid_plural "b"\nmsgstr[0] "가"\nmsgstr[1] "나"\n', {"a": ("가", "나")}),
        ('msgctxt "menu"\nmsgid "a"\nmsgstr "가"\n', {"a": ("가",)}),
        ('#, fuzzy, python-format\nmsgid "a"\nmsgstr "가"\n\nmsgid "b"\nmsgstr "나"\n', {"b": ("나",)}),
        ('msgid "b"\nmsgstr "나"\n#, fuzzy\nmsgctxt "menu"\nmsgid "a"\nmsgstr "가"\n', {"b": ("나",)}),
        ('msgid "a"\nmsgstr ""\n', {}),
        ('#~ msgid "a"\n#~ msgstr "가"\n', {}),
        ("", {}),
    ],
)
def test_translations_of_an_entry(entry: str, texts: dict[str, tuple[str, ...]]) -> None:
    assert translations(HEADER + entry) == texts


@pytest.mark.parametrize("entry", ["msgid oops", 'msgid "a', '"a"', 'msgid "a" b', "<html>"])
def test_translations_of_a_damaged_file(entry: str) -> None:
    with pytest.raises(DamagedCatalogue, match="not a line of a catalogue") as error:
        translations(entry)
    assert error.value.line == 1


def test_translations_names_the_line_that_is_damaged() -> None:
    with pytest.raises(DamagedCatalogue) as error:
        translations(HEADER + SHORT + SHORT + 'msgid "b"\n\nmsgstr "나"\noops\n\n' + SHORT)
    assert error.value.line == HEADER.count("\n") + 8 + 4


def test_translations_of_an_entry_with_an_empty_line_in_it() -> None:
    assert translations(SHORT + 'msgid "b"\n\nmsgstr "나"\n\n' + SHORT) == {"a": ("가",), "b": ("나",)}
    assert translations(SHORT + "#, fuzzy\n" + SHORT.replace('"a"', '"b"')) == {"a": ("가",)}


@pytest.mark.parametrize(
    ("header", "encoding"), [("", "utf-8"), (TYPE % "EUC-KR", "euc-kr"), (TYPE % "utf-8", "utf-8-sig")]
)
def test_decoded_is_in_the_encoding_of_the_header(header: str, encoding: str) -> None:
    text = f'msgid ""\nmsgstr ""\n{header}\nmsgid "a"\nmsgstr "가"\n'
    assert decoded(text.replace("\n", "\r\n").encode(encoding)) == text


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (TYPE.encode() % b"nonsense", "unknown encoding: nonsense"),
        (TYPE.encode() % b"utf-8" + b"\xb0", "the text is not in utf-8"),
        (TYPE.encode() % b"base64", "base64"),
        (b"\xb0\xa1", "the text is not in utf-8"),
    ],
)
def test_decoded_names_the_encoding_that_is_wrong(content: bytes, reason: str) -> None:
    with pytest.raises(DamagedCatalogue, match=reason) as error:
        decoded(content)
    assert error.value.line is None
