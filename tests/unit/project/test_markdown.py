"""What a page and its translation are compared by."""

from __future__ import annotations

import pytest

from tests import markdown

PAGE = """\
# Title

Type `labgen up`, then `labgen
grade`. See [Docker](https://docs.docker.com/).

```yaml
# not a heading
memory: 1536            # MiB
url: http://host/#part

```

| a | b |
|---|---|
| 1 | `x \\| y` |

<!-- exercises: written by `make references` -->
| `generated` |
<!-- /exercises -->

1. An item

   ```
   cd mylab
   ```
"""


def test_heading_levels_leave_comments_in_code_out() -> None:
    assert markdown.heading_levels(PAGE) == [1]


def test_code_blocks_come_without_comments_and_also_from_lists() -> None:
    assert markdown.code_blocks(PAGE) == [
        ("yaml", ["memory: 1536", "url: http://host/#part"]),
        ("", ["   cd mylab"]),
    ]


@pytest.mark.parametrize(
    ("english", "korean", "differ"),
    [
        ("```\nlabgen up  # start\n```", "```\nlabgen up  # 시작\n```", 0),
        ("```\nlabgen up\n```", "```\nlabgen down\n```", 1),
        ("```text\nerror: a\n```", "```text\n오류: 가\n```", 0),
        ("```text\nerror: a\n```", "```text\n오류: 가\n나\n```", 1),
        ("```\nerror: a\n```", "```\n오류: 가\n```", 1),
        ("```\nlabgen up\n```", "```\nlabgen up\n```\n```\nlabgen up\n```", 2),
    ],
)
def test_differing_blocks_lets_only_outputs_be_translated(english: str, korean: str, differ: int) -> None:
    assert len(markdown.differing_blocks(english, korean)) == differ


def test_code_spans_leave_generated_tables_out_and_join_lines() -> None:
    assert markdown.code_spans(PAGE) == {"labgen up", "labgen grade", "x \\| y"}


@pytest.mark.parametrize(
    ("korean", "unmatched"),
    [
        ("`up`, `노드이름`", set()),
        ("`up`", {"NODE"}),
        ("`up`, `노드이름`, `down`", {"down"}),
        ("`노드이름`, `다른이름`", set()),
        ("`up`, `노드이름`, `다른이름`", {"NODE"}),
    ],
)
def test_unmatched_spans_let_a_korean_span_stand_for_an_english_one(korean: str, unmatched: set[str]) -> None:
    assert markdown.unmatched_spans("`up`, `NODE`", korean) == unmatched


def test_table_shapes_count_cells() -> None:
    assert markdown.table_shapes(PAGE) == [[2, 2, 2], [1]]


def test_external_links_are_those_of_other_sites() -> None:
    assert markdown.external_links(PAGE + "[page](course.md)") == ["https://docs.docker.com/"]


def test_sentences_are_those_of_paragraphs_items_and_cells() -> None:
    text = "# Title\n\nOne is here. Two: `a. b`\nends.\n\n- Three (see [a.md](a.md)). four\n\n| x | y. z |\n|---|---|\n"
    assert markdown.sentences(text) == [
        "One is here.",
        "Two:",
        "` ends.",
        "Three (see [a.md]).",
        "four",
        "x",
        "y.",
        "z",
    ]


def test_word_count_leaves_signs_out() -> None:
    assert markdown.word_count("Take VirtualBox 7.1 (or 7.2.8) — it's ` enough.") == 7
