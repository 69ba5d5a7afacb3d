"""Write the tables of exercises in the READMEs and in both course.md: ``python -m tests.docs_tables``.

Each stands between two comments, ``<!-- exercises -->`` and ``<!-- /exercises -->``, and is made of the exercises' own
data. A test compares the files with what this writes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from labgen.core.i18n import Language
from labgen.exercise.catalogue import exercises
from labgen.exercise.model import Exercise

PROJECT = Path(__file__).parents[1]
BEGIN, END = "<!-- exercises: written by `make references` -->", "<!-- /exercises -->"

_NEEDS_MANAGERS: Mapping[Language, str] = {
    "en": " (needs `managers: {}` in `lab.yml`)",
    "ko": "(`lab.yml`에 `managers: {}` 필요)",
}
_SECTIONS: Mapping[Language, Mapping[str, str]] = {"en": {}, "ko": {"beyond the document": "교재에 없음"}}


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Lay out a table in Markdown."""
    head = tuple(head)
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines).replace("| --- ", "|---").replace("--- |", "---|")


def summary(exercise: Exercise, language: Language) -> str:
    """Say what an exercise shows, and which lab it needs if one manager is not enough."""
    needs = _NEEDS_MANAGERS[language].format(exercise.managers) if exercise.managers > 1 else ""
    return exercise.summary.in_(language) + needs


def _for_readers(language: Language, *head: str) -> str:
    return table(head, ([f"`{name}`", summary(exercise, language)] for name, exercise in exercises().items()))


def _for_the_course(language: Language, *head: str) -> str:
    rows = (
        [f"`{name}`", _SECTIONS[language].get(exercise.section, exercise.section), summary(exercise, language)]
        for name, exercise in exercises().items()
    )
    return table(head, rows)


TABLES: Mapping[str, Callable[[], str]] = {
    "README.md": lambda: _for_readers("en", "exercise", "what it shows"),
    "README.ko.md": lambda: _for_readers("ko", "실습", "내용"),
    "docs/course.md": lambda: _for_the_course("en", "exercise", "document", "what it shows"),
    "docs/ko/course.md": lambda: _for_the_course("ko", "실습", "교재", "내용"),
}
"""What makes the table of each file."""


def refreshed(text: str, new_table: str) -> str:
    """Replace the table between the two comments of a text.

    :raises ValueError: the text does not have each comment exactly once.
    """
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise ValueError(f"expected {BEGIN} and {END} once each")
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n{new_table}{END}{rest.partition(END)[2]}"


def main() -> None:
    """Write every table again."""
    for name, make in TABLES.items():
        path = PROJECT / name
        path.write_text(refreshed(path.read_text(encoding="utf-8"), make()), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
