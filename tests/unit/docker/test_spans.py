"""Spans of time: joined, taken out of one another, counted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labgen.docker.spans import Span, merged, most_at_once, without
from tests.past import at

Seconds = tuple[float, float | None]

SPANS = st.lists(st.tuples(st.integers(0, 20), st.none() | st.integers(0, 20)), max_size=6)


def spans(*seconds: Seconds) -> list[Span]:
    return [(at(start), None if end is None else at(end)) for start, end in seconds]


@pytest.mark.parametrize(
    ("seconds", "joined"),
    [
        ([], []),
        ([(5, 9), (0, 2)], [(0, 2), (5, 9)]),
        ([(0, 5), (5, 9)], [(0, 9)]),
        ([(0, 9), (2, 4)], [(0, 9)]),
        ([(0, 3), (2, None)], [(0, None)]),
        ([(0, None), (2, 4)], [(0, None)]),
        # What lasts no time, or ends before it begins, is none.
        ([(3, 3), (5, 4)], []),
    ],
)
def test_merged_joins_what_overlaps(seconds: list[Seconds], joined: list[Seconds]) -> None:
    assert merged(spans(*seconds)) == spans(*joined)


@pytest.mark.parametrize(
    ("others", "remaining"),
    [
        ([], [(10, 20), (30, None)]),
        ([(0, 10), (20, 30)], [(10, 20), (30, None)]),
        ([(5, 12)], [(12, 20), (30, None)]),
        ([(12, 14)], [(10, 12), (14, 20), (30, None)]),
        ([(15, 35)], [(10, 15), (35, None)]),
        ([(0, None)], []),
        ([(32, None)], [(10, 20), (30, 32)]),
    ],
)
def test_spans_without_takes_spans_out_of_others(others: list[Seconds], remaining: list[Seconds]) -> None:
    assert without(spans((10, 20), (30, None)), spans(*others)) == spans(*remaining)


@pytest.mark.parametrize(
    ("places", "most"),
    [
        ([], 0),
        ([[(0, 5)], [(5, 9)]], 1),
        ([[(0, 5)], [(4, 9)]], 2),
        # A place counts once, however often it was so.
        ([[(0, 5), (2, 9), (3, None)]], 1),
        ([[(0, None)], [(100, 101)]], 2),
    ],
)
def test_most_at_once_counts_each_place_once(places: list[list[Seconds]], most: int) -> None:
    assert most_at_once([spans(*place) for place in places]) == most


@given(SPANS, SPANS)
def test_spans_without_leaves_nothing_of_the_others(seconds: list[Seconds], others: list[Seconds]) -> None:
    remaining = without(merged(spans(*seconds)), spans(*others))
    assert merged(remaining) == remaining
    for start, end in merged(spans(*others)):
        for first, last in remaining:
            assert (last is not None and last <= start) or (end is not None and first >= end)
