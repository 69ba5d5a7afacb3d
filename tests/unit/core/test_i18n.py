"""Texts: English in the source, other languages from catalogues."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from labgen.core.i18n import NOTHING, Messages, Text, sentences, ui_language, untranslated

CATALOGUE = """\
msgid ""
msgstr ""
"Language: ko\\n"
"Plural-Forms: nplurals=1; plural=0;\\n"

msgid "%(name)s is on %(place)s."
msgstr "%(place)s에 %(name)s가 있다."

msgid "the node"
msgstr "노드"

msgid "50 % of it"
msgstr "그 50 %"

msgid "%(count)s task"
msgid_plural "%(count)s tasks"
msgstr[0] "태스크 %(count)s개"

msgid "wrong %(name)s"
msgstr "틀린 %(nmae)s"

#, fuzzy
msgid "nearly"
msgstr "거의"
"""


@pytest.fixture
def messages(tmp_path: Path) -> Messages:
    """A catalogue beside a module."""
    (tmp_path / "messages.ko.po").write_text(CATALOGUE, encoding="utf-8")
    return Messages.beside(str(tmp_path / "checks.py"))


def test_text_is_given_in_the_language_of_its_reader(messages: Messages) -> None:
    text = messages("%(name)s is on %(place)s.", name="web", place=messages("the node"))
    assert str(text) == text.in_("en") == "web is on the node."
    assert text.in_("ko") == "노드에 web가 있다."


def test_text_takes_values_where_it_is_given(messages: Messages) -> None:
    assert messages("%(name)s is on %(place)s.", name="web").in_("ko", place="a") == "a에 web가 있다."


def test_text_without_values_keeps_its_percent_signs(messages: Messages) -> None:
    text = messages("50 % of it")
    assert (str(text), text.in_("ko")) == ("50 % of it", "그 50 %")


def test_text_does_not_format_its_values(messages: Messages) -> None:
    assert str(messages("%(name)s is on %(place)s.", name="%(place)s", place="100 %")) == "%(place)s is on 100 %."


@pytest.mark.parametrize(("count", "english"), [(0, "0 tasks"), (1, "1 task"), (2, "2 tasks")])
def test_ngettext_depends_on_the_number(messages: Messages, count: int, english: str) -> None:
    text = messages.ngettext("%(count)s task", "%(count)s tasks", count)
    assert (str(text), text.in_("ko")) == (english, f"태스크 {count}개")


@pytest.mark.parametrize("msgid", ["not there", "nearly", "wrong %(name)s"])
def test_text_without_a_right_translation_is_given_in_english(messages: Messages, msgid: str) -> None:
    assert messages(msgid, name="web").in_("ko") == msgid.replace("%(name)s", "web")


@pytest.mark.parametrize("content", [None, b"msgid oops", b"\xff\xfe"])
def test_text_of_a_catalogue_that_cannot_be_read_is_given_in_english(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "messages.ko.po").write_bytes(content)
    assert Messages.beside(str(tmp_path / "checks.py"))("the node").in_("ko") == "the node"


HEADER = 'msgid ""\nmsgstr ""\n"%s\\n"\n\nmsgid "the node"\nmsgstr "노드"\n'


@pytest.mark.parametrize(
    ("content", "mistake"),
    [
        ("msgid oops", ", line 1: "),
        (HEADER % "Content-Type: text/plain; charset=nonsense", ": unknown encoding: nonsense"),
        # Neither dates nor the rule of plurals is used.
        (HEADER % "POT-Creation-Date: yesterday", ""),
        (HEADER % "Plural-Forms: nplurals=x; plural=)(", ""),
        (CATALOGUE, ""),
        (None, ""),
    ],
)
def test_mistake_names_the_place_of_what_cannot_be_read(tmp_path: Path, content: str | None, mistake: str) -> None:
    path = tmp_path / "messages.ko.po"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    messages = Messages.beside(str(tmp_path / "checks.py"))
    assert messages.mistake("ko").startswith(f"{path}{mistake}" if mistake else "")
    assert bool(messages.mistake("ko")) == bool(mistake)
    assert "\n" not in messages.mistake("ko")
    assert messages.mistake("en") == ""
    assert messages("the node").in_("ko") == ("the node" if mistake or content is None else "노드")


def test_sentences_stand_behind_one_another(messages: Messages) -> None:
    text = sentences(untranslated("A 100 %."), NOTHING, messages("the node"))
    assert (str(text), text.in_("ko")) == ("A 100 %. the node", "A 100 %. 노드")
    assert not sentences()
    assert not sentences(NOTHING)


def test_text_is_compared_and_hashed_by_what_it_says(messages: Messages) -> None:
    assert {messages("a", name="b"), messages("a", name="b"), messages("a"), Text("a")} == {
        messages("a", name="b"),
        messages("a"),
        Text("a"),
    }


def test_catalogues_are_read_without_babel_which_is_slow() -> None:
    code = (
        "import sys; from labgen.core.i18n import _; import verify.verdicts, labgen.cli; "
        "print(_('Not applicable here').in_('ko') != 'Not applicable here', 'babel' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["True", "False"]


def test_text_in_english_reads_no_catalogue() -> None:
    code = (
        "import sys; from labgen.core.i18n import _; "
        "_('Not applicable here').in_('en'); print('labgen.core.po_file' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("variables", "language"),
    [
        ({"LABGEN_LANG": "ko", "LC_ALL": "en_US.UTF-8"}, "ko"),
        ({"LABGEN_LANG": "en", "LC_ALL": "ko_KR.UTF-8"}, "en"),
        ({"LABGEN_LANG": "", "LANG": "ko_KR.UTF-8"}, "ko"),
        ({"LABGEN_LANG": "tlh", "LANG": "ko_KR.UTF-8"}, "en"),
        ({"LC_ALL": "C.UTF-8", "LANG": "ko_KR.UTF-8"}, "en"),
        ({"LANG": "Korean_Korea.949"}, "ko"),
    ],
)
def test_ui_language(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], language: str) -> None:
    for name in ("LABGEN_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert ui_language() == language
