"""The columns that a text takes on a terminal: Korean letters are two columns wide."""

from __future__ import annotations

from unicodedata import east_asian_width


def columns(text: str) -> int:
    """Count the columns that a text takes.

    >>> columns("노드 1")
    6
    """
    return len(text) if text.isascii() else sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def padded(text: str, width: int) -> str:
    """Fill a text up with spaces to some columns; one that is wider stays as it is."""
    return text + " " * (width - columns(text))
