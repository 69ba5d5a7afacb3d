"""The catalogues of translations: complete, fresh, and right about placeholders."""

from __future__ import annotations

import re
from collections import Counter
from importlib import import_module
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog

from labgen.core.i18n import LANGUAGES
from labgen.exercise.catalogue import exercises
from labgen.exercise.extraction import extract
from tests.messages import KEYWORDS, PROJECT, Target, read, refreshed, targets
from verify.checks import Check

TARGETS = {str(target.po.relative_to(PROJECT)): target for target in targets()}


def problems(catalog: Catalog) -> list[str]:
    """Say what is wrong with the translations of a catalogue."""
    return [
        f"{message.id!r}: {reason}"
        for message in catalog
        if message.id
        for reason in (
            *(["no translation"] if not all(message.string if message.pluralizable else [message.string]) else []),
            *(["fuzzy"] if message.fuzzy else []),
            *map(str, message.check()),
        )
    ]


@pytest.fixture(params=TARGETS)
def target(request: pytest.FixtureRequest) -> Target:
    """Each catalogue."""
    return TARGETS[request.param]


def test_messages_are_translated(target: Target) -> None:
    assert problems(read(target.po)) == []


def values(text: str) -> set[str]:
    """Collect the parameters and the figures in a text."""
    return set(re.findall(r"\{[a-z][\w.]*\}|\d+(?:\.\d+)*", text))


@pytest.mark.parametrize("name", exercises())
def test_messages_of_an_exercise_say_the_same_values_in_every_language(name: str) -> None:
    catalog = read(TARGETS[f"labgen/exercises/{name}/messages.ko.po"].po)
    assert [text.id for text in catalog if text.id and values(str(text.id)) != values(str(text.string))] == []


@pytest.mark.parametrize(
    ("translation", "right"),
    [("{port} 포트(200)", True), ("{port} 포트", False), ("{target} 포트(200)", False), ("포트(200)", False)],
)
def test_values_are_parameters_and_figures(translation: str, right: bool) -> None:
    assert (values("port {port} (200)") == values(translation)) is right


def test_messages_are_fresh(target: Target) -> None:
    assert target.po.read_text(encoding="utf-8") == refreshed(target), f"{target.po}: run `make messages`"


def test_messages_stand_once(target: Target) -> None:
    lines = target.po.read_text(encoding="utf-8").split("\n\n")
    msgids = Counter(entry[entry.index("msgid ") : entry.index("msgstr")] for entry in lines if "msgid " in entry)
    assert [msgid for msgid, count in msgids.items() if count > 1] == []


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ('msgid "a"\nmsgstr ""\n', "no translation"),
        ('#, fuzzy\nmsgid "a"\nmsgstr "가"\n', "fuzzy"),
        ('#, python-format\nmsgid "%(a)s"\nmsgstr "%(b)s"\n', "placeholder"),
    ],
)
def test_problems_name_a_translation_that_is_wrong(tmp_path: Path, entry: str, reason: str) -> None:
    (tmp_path / "ko.po").write_text(f'msgid ""\nmsgstr ""\n"Language: ko\\n"\n\n{entry}', encoding="utf-8")
    (problem,) = problems(read(tmp_path / "ko.po"))
    assert reason in problem


@pytest.mark.parametrize("name", exercises())
def test_claims_have_values_for_their_placeholders(name: str) -> None:
    module = import_module(f"labgen.exercises.{name}.checks")
    marks = [mark for value in vars(module).values() for mark in getattr(value, "pytestmark", ())]
    claims = [mark.args[0].claim for mark in marks if mark.args and isinstance(mark.args[0], Check)]
    assert claims
    assert [text for claim in claims for text in map(claim.in_, LANGUAGES) if "%(" in text] == []


def test_extract_finds_texts_and_claims_in_their_order() -> None:
    module = b'''
TITLE = _("one " "text")

@check(hint=_("a hint"))
def test_it():
    """A claim
    of two lines."""

def helper():
    """No claim."""
    return ngettext("%(count)s a", "%(count)s b", 2)
'''
    texts = [text for _line, _keyword, text, _comments in extract(BytesIO(module), KEYWORDS, [], {})]
    assert [text for text in texts if isinstance(text, str)] == ["one text", "a hint", "A claim of two lines."]
    assert texts[-1][:2] == ("%(count)s a", "%(count)s b")
