"""The tables of exercises in the documentation are those that the exercises' data make."""

from __future__ import annotations

import pytest

from labgen.exercise.catalogue import exercises
from tests.docs_tables import BEGIN, END, PROJECT, TABLES, refreshed


@pytest.mark.parametrize("name", TABLES)
def test_table_of_exercises_is_fresh(name: str) -> None:
    text = (PROJECT / name).read_text(encoding="utf-8")
    assert refreshed(text, TABLES[name]()) == text, f"{name}: run `make references`"


@pytest.mark.parametrize("name", exercises())
def test_exercise_has_a_summary_in_both_languages_that_fits_into_a_table(name: str) -> None:
    summary = exercises()[name].summary
    for text in (str(summary), summary.in_("ko")):
        assert text
        assert not set(text) & {"|", "\n"}
    assert not str(summary).endswith(".")


def test_refreshed_replaces_what_stands_between_the_comments() -> None:
    assert refreshed(f"a\n{BEGIN}\nold\n{END}\nb\n", "new\n") == f"a\n{BEGIN}\nnew\n{END}\nb\n"


@pytest.mark.parametrize("text", ["no comment\n", f"{BEGIN}\n", f"{BEGIN}\n{END}\n{BEGIN}\n{END}\n"])
def test_refreshed_refuses_a_text_without_one_place_for_the_table(text: str) -> None:
    with pytest.raises(ValueError, match="once each"):
        refreshed(text, "new\n")
