"""What a page in Markdown and its translation have in common: headings, code, tables, links."""

from __future__ import annotations

import re
from collections.abc import Iterator

_FENCE = re.compile(r"(?ms)^( *)```(\w*)\n(.*?)^\1```$")
_COMMENT = re.compile(r"(?m)(?:^|(?<=\s))#(?: .*)?$")
_GENERATED = re.compile(r"(?s)<!-- (\w+): written by .*?<!-- /\1 -->")
_HANGUL = re.compile("[가-힣]")
_TABLE = re.compile(r"(?m)(?:^ *\|.*\n)+")


def without_code(text: str) -> str:
    """Remove the fenced blocks of code."""
    return _FENCE.sub("", text)


def heading_levels(text: str) -> list[int]:
    """Give the level of each heading, in order."""
    return [len(marks) for marks in re.findall(r"(?m)^(#+) ", without_code(text))]


def code_blocks(text: str) -> list[tuple[str, list[str]]]:
    """Give the language and the lines of each block of code, without comments and empty lines."""
    blocks = []
    for _, language, code in _FENCE.findall(text):
        lines = (line.rstrip() for line in _COMMENT.sub("", code).splitlines())
        blocks.append((language, [line for line in lines if line]))
    return blocks


def differing_blocks(english: str, korean: str) -> list[tuple[str, list[str]]]:
    """Give the blocks of code in which a translation differs.

    A block of language ``text`` is an output, which labgen may print in Korean: as many lines are enough there.
    """
    theirs, ours = code_blocks(korean), code_blocks(english)
    if len(theirs) != len(ours):
        return theirs
    return [
        block
        for block, original in zip(theirs, ours, strict=True)
        if block != original and not (block[0] == original[0] == "text" and len(block[1]) == len(original[1]))
    ]


def code_spans(text: str) -> set[str]:
    """Give what stands between backticks in a line, apart from code blocks and generated tables."""
    prose = _GENERATED.sub("", without_code(text))
    return {" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose)}


def unmatched_spans(english: str, korean: str) -> set[str]:
    """Give what stands between backticks on one page only.

    A span with Korean letters (an output, a placeholder) may stand for one English span.
    """
    theirs = code_spans(korean)
    translated = {span for span in theirs if _HANGUL.search(span)}
    missing = code_spans(english) - theirs
    extra = theirs - code_spans(english) - translated
    return extra if len(missing) == len(translated) else extra | missing


def table_shapes(text: str) -> list[list[int]]:
    """Give the number of cells in each row of each table."""
    return [list(_cells(table)) for table in _TABLE.findall(without_code(text))]


def _cells(table: str) -> Iterator[int]:
    for row in table.splitlines():
        yield len(re.findall(r"(?<!\\)\|", row)) - 1


def external_links(text: str) -> list[str]:
    """Give the addresses of other sites that a page links to, sorted."""
    return sorted(re.findall(r"\]\((https?://[^)]+)\)", text))


def sentences(text: str) -> list[str]:
    """Give the sentences of a page's paragraphs, lists and cells, without code and the addresses of links.

    An introduction that ends in a colon counts as a sentence.
    """
    prose = _GENERATED.sub("", without_code(text))
    prose = re.sub(r"(?m)^\|[-| ]+\|$", "", prose)
    prose = re.sub(r"\]\([^)]*\)", "]", re.sub(r"`[^`]+`", "`", prose))
    blocks = re.split(r"\n\s*\n|(?m:^ *(?:[-*]|\d+\.) )|(?m:^#+ .*$)|(?<!\\)\||·", prose)
    parts = (part for block in blocks for part in re.split(r"(?<=[.!?:])[)\]\"*]*\s+", " ".join(block.split())))
    return [part for part in parts if part]


def word_count(sentence: str) -> int:
    """Count the words of a sentence."""
    return len(re.findall(r"[A-Za-z0-9][\w'’./-]*", sentence))
