"""Texts from outside, made fit for a terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    """Make a text's control characters visible, so that it cannot steer a terminal."""
    return "".join(
        mark if mark.isprintable() or mark == "\n" else " " if mark == "\t" else ascii(mark)[1:-1] for mark in text
    )


def in_line(text: object) -> str:
    """Make a text one line, its control characters and line ends visible: a path or a name, which may hold any.

    A byte of a path that is not UTF-8 stays, so that the path can be copied, but for those that are control characters
    in the codes of older terminals (0x80 to 0x9f).
    """
    return "".join(mark if "\udca0" <= mark <= "\udcff" else printable(mark).replace("\n", r"\n") for mark in str(text))
