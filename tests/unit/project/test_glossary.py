"""docs/glossary.md: the Korean texts use its terms, and none of the words that it rejects."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from tests import messages

PROJECT = Path(__file__).parents[3]
GLOSSARIES = [PROJECT / "docs" / "glossary.md", PROJECT / "docs" / "ko" / "glossary.md"]


def terms(glossary: Path) -> list[tuple[str, str, list[str]]]:
    """Read the rows of a glossary: the term, its Korean, and the words that are not used for it."""
    rows = re.findall(r"(?m)^\| ([^|]+) \| ([^|]+) \| ([^|]*) \| [^|]+ \|$", glossary.read_text(encoding="utf-8"))
    return [(term, korean, [word for word in rejected.split(", ") if word]) for term, korean, rejected in rows[1:]]


TERMS = [(term, korean, rejected) for term, korean, rejected in terms(GLOSSARIES[0]) if term != "term"]


def korean_texts() -> Iterator[tuple[str, str]]:
    """Give every text for people in Korean, and where it is."""
    for target in messages.targets():
        with target.po.open("rb") as file:
            for message in read_po(file, locale="ko"):
                for text in (message.string,) if isinstance(message.string, str) else message.string:
                    yield f"{target.po.parent.name}: {message.id}", text
    pages = [PROJECT / "README.ko.md", *PROJECT.glob("docs/ko/*.md"), *PROJECT.glob("labgen/exercises/*/*.ko.md")]
    for page in pages:
        if page not in GLOSSARIES:
            for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
                yield f"{page.relative_to(PROJECT)}:{number}", line


TEXTS = list(korean_texts())


def test_glossary_has_the_same_terms_in_both_languages() -> None:
    korean = [row for row in terms(GLOSSARIES[1]) if row[0] != "용어"]
    assert korean == TERMS
    assert len({term for term, _korean, _rejected in TERMS}) == len(TERMS) >= 60


@pytest.mark.parametrize(("term", "korean"), [(term, korean) for term, korean, _rejected in TERMS])
def test_glossary_term_is_used(term: str, korean: str) -> None:
    for word in korean.split(", "):
        assert any(word in text for _place, text in TEXTS), f"{term}: no text has {word}"


@pytest.mark.parametrize("word", [word for _term, _korean, rejected in TERMS for word in rejected])
def test_glossary_no_text_has_a_word_that_the_glossary_rejects(word: str) -> None:
    pattern = re.compile(rf"(?<![가-힣]){re.escape(word)}")
    assert [place for place, text in TEXTS if pattern.search(text)] == []
