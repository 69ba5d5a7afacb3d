"""The pages that learners and teachers read exist in both languages, with the same headings, code, tables and links."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests import docs_references, markdown

PROJECT = Path(__file__).parents[3]
ENGLISH_ONLY = {
    "api.md",
    "benchmarks.md",
    "compatibility.md",
    "decisions.md",
    "json.md",
    "writing-a-provider.md",
    "writing-an-exercise.md",
}
"""What developers read."""

PAIRS = {"README.md": "README.ko.md"} | {
    f"docs/{path.name}": f"docs/ko/{path.name}" for path in PROJECT.glob("docs/*.md") if path.name not in ENGLISH_ONLY
}

WRITTEN = {f"docs/{name}" for name in docs_references.PAGES}
"""Pages that are written from the code: a test of their own compares them with it."""


def read(page: str) -> str:
    return (PROJECT / page).read_text(encoding="utf-8")


def test_docs_have_every_page_in_both_languages() -> None:
    korean = {path.name for path in PROJECT.glob("docs/ko/*.md")}
    assert korean == {Path(page).name for page in PAIRS.values()} - {"README.ko.md"}


@pytest.mark.parametrize("page", sorted(PAIRS.keys() - WRITTEN))
def test_docs_have_the_same_headings_code_and_tables_in_both_languages(page: str) -> None:
    english, korean = read(page), read(PAIRS[page])
    assert markdown.heading_levels(korean) == markdown.heading_levels(english)
    assert markdown.differing_blocks(english, korean) == []
    assert markdown.table_shapes(korean) == markdown.table_shapes(english)
    assert markdown.unmatched_spans(english, korean) == set()
    assert markdown.external_links(korean) == markdown.external_links(english)


@pytest.mark.parametrize("page", sorted(PAIRS))
def test_docs_in_korean_link_to_korean_pages_where_there_are_some(page: str) -> None:
    korean = PROJECT / PAIRS[page]
    for target in re.findall(r"\]\(([^)\s:#]+\.md)", korean.read_text(encoding="utf-8")):
        linked = (korean.parent / target).resolve().relative_to(PROJECT).as_posix()
        assert linked not in PAIRS or (page, linked) == ("README.md", "README.md"), f"{target}: link to the Korean page"


@pytest.mark.parametrize("page", sorted(PAIRS))
def test_docs_in_korean_are_korean(page: str) -> None:
    paragraphs = re.split(r"\n\n+", markdown.without_code(read(PAIRS[page])))
    for paragraph in paragraphs:
        words = re.findall(r"[A-Za-z]{3,}", re.sub(r"`[^`]*`|\]\([^)]*\)|<!--.*?-->|\*[^*]+\*", "", paragraph))
        assert re.search("[가-힣]", paragraph) or len(words) < 6, paragraph


@pytest.mark.parametrize("page", sorted({*PAIRS, "docs/json.md", "docs/compatibility.md"}))
def test_docs_in_english_have_short_sentences_and_plain_words(page: str) -> None:
    text = read(page)
    assert [sentence for sentence in markdown.sentences(text) if markdown.word_count(sentence) > 30] == []
    assert (
        re.findall(r"(?i)\b(?:of which|anew|whoever|where there is|mend|came of it)\b", markdown.without_code(text))
        == []
    )
