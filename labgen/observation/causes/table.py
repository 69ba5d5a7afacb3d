"""The table of causes as Markdown, for docs/troubleshooting.md."""

from __future__ import annotations

from labgen.core.i18n import Language, _
from labgen.observation.causes import CAUSES


def table(language: Language = "en") -> str:
    """Give the table: a row for each cause, in the order in which they explain one another."""
    head = (_("Cause"), _("Recognised by"), _("Next command"))
    lines = [f"| {' | '.join(title.in_(language) for title in head)} |", "|---|---|---|"]
    lines += [f"| `{cause.name}` | {cause.sign.in_(language)} | `{cause.remedy}` |" for cause in CAUSES]
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
