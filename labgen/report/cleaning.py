"""What a text from outside must go through before it stands in a report or in a bundle of evidence."""

from __future__ import annotations

from labgen.core.printable import printable
from labgen.core.redaction import redact
from labgen.exercise.hint import Advice

SHOWN = 600
"""Characters of evidence kept for a check."""

_BEFORE = 20000
"""Characters of a text that are looked at: it may be endless, and what is shown of it is short."""


def clean(text: str, shown: int = SHOWN) -> str:
    """Clean a text from outside for a report: no secret, no control character, not endless.

    :param shown: characters that are kept at most.
    """
    printed = printable(redact(text[:_BEFORE]).replace("\r\n", "\n")).strip()
    return printed if len(printed) <= shown and len(text) <= _BEFORE else printed[: shown - 1] + "…"


def cleaned(advice: Advice) -> Advice:
    """Make advice fit for a report: each command one line, and whole."""
    return Advice(
        words=clean(advice.words),
        look=clean(advice.look),
        where=clean(advice.where),
        note=clean(advice.note),
        commands=tuple(redact(printable(" ".join(command.split("\n")))) for command in advice.commands),
    )


def line(text: str, shown: int = 200) -> str:
    """Clean a text and put it in one line: a name, an image, an error."""
    return clean(" ".join(text[:_BEFORE].split()), shown)
