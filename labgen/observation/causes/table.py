"""The table of causes as Markdown, for docs/troubleshooting.md."""

from __future__ import annotations

from labgen.core.words import Language
from labgen.observation.causes import CAUSES


def table(language: Language = "en") -> str:
    """Give the table: a row for each cause, in the order in which they explain one another."""
    head = ("Cause", "Recognised by", "Next command") if language == "en" else ("원인", "알아보는 방법", "다음 명령")
    lines = [f"| {' | '.join(head)} |", "|---|---|---|"]
    lines += [f"| `{cause.name}` | {cause.sign.in_(language)} | `{cause.remedy}` |" for cause in CAUSES]
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
