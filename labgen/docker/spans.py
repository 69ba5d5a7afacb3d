"""Spans of time: from one moment to another, or to this day."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from operator import itemgetter

Span = tuple[datetime, datetime | None]
"""From one moment to another; to this day if there is none."""


def merged(spans: Iterable[Span]) -> list[Span]:
    """Join spans that overlap or touch; in order, without those that last no time."""
    joined: list[Span] = []
    for start, end in sorted(spans, key=itemgetter(0)):
        if end and end <= start:
            continue
        first, last = joined[-1] if joined else (start, start)
        if joined and (last is None or start <= last):
            joined[-1] = first, max(last, end) if last and end else None
        else:
            joined.append((start, end))
    return joined


def without(spans: Iterable[Span], others: Iterable[Span]) -> list[Span]:
    """Subtract spans from other spans."""
    remaining = list(spans)
    for start, end in merged(others):
        cut: list[Span] = []
        for first, last in remaining:
            if first < start:
                cut.append((first, start if last is None else min(last, start)))
            if end and (last is None or end < last):
                cut.append((max(first, end), last))
        remaining = cut
    return remaining


def most_at_once(spans_of_places: Iterable[Sequence[Span]]) -> int:
    """Count the places that have a span at the same moment, at most.

    :param spans_of_places: the spans of each place, which counts once however many of them overlap.
    """
    changes: list[tuple[datetime, int]] = []
    for spans in spans_of_places:
        for start, end in merged(spans):
            changes += [(start, 1), (end, -1)] if end else [(start, 1)]
    current = most = 0
    # At the same moment an end comes before a beginning: neither was so beside the other.
    for _, change in sorted(changes):
        current += change
        most = max(most, current)
    return most
