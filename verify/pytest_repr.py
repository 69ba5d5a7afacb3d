"""What pytest prints of a check that did not pass: words instead of a traceback."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from labgen.core.i18n import Language
from labgen.exercise.hint import Stage, text_of, up_to
from labgen.report import words
from labgen.report.model import Outcome


@dataclass(frozen=True)
class Crash:
    """The one line that pytest prints in its summary, and in JUnit XML."""

    message: str


@dataclass(frozen=True)
class FailureRepr:
    """What pytest prints of a check that did not pass: words instead of a traceback."""

    text: str
    reprcrash: Crash

    def toterminal(self, terminal: Any) -> None:
        """Print it; pytest calls this."""
        terminal.line(self.text)

    def __str__(self) -> str:
        return self.text


def describe(outcome: Outcome, language: Language, hints: Stage) -> str:
    """Describe a check that did not pass: its claim, what was seen, what to try.

    :param hints: how much of them is shown.
    """
    labels = [word.in_(language) + ":" for word in (words.MUST_BE_TRUE, words.SEEN, words.TRY)]
    advice = text_of(up_to(hints, outcome.advice)).replace("\n", "\n" + " " * 14)
    parts = zip(labels, (outcome.claim, outcome.seen, advice), strict=True)
    return "\n".join(f"{label:<14}{text}" for label, text in parts if text or label == labels[1])
