"""Hints: both languages, the names of a lab, whole commands."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

from labgen.core.errors import SwarmError
from labgen.core.i18n import Messages, Text
from labgen.exercise.catalogue import exercises
from labgen.exercise.hint import (
    FOLDER,
    Advice,
    Hint,
    Stage,
    hints,
    in_folder,
    on_manager,
    on_node,
    text_of,
    up_to,
)
from verify.checks import Check

MOST_WORDS = 30
"""Words that a sentence may have."""
LAB = {"node": "worker1", "address": "10.0.2.102", "manager": "boss"}


def checks() -> list[Check]:
    """Every check of the course."""
    return [
        mark.args[0].filled(exercise.parameters)
        for name, exercise in exercises().items()
        for value in vars(import_module(f"labgen.exercises.{name}.checks")).values()
        for mark in getattr(value, "pytestmark", ())
        if mark.name == "check"
    ]


def test_hint_speaks_both_languages_and_names_the_lab(tmp_path: Path) -> None:
    (tmp_path / "messages.ko.po").write_text('msgid "See {node}."\nmsgstr "{node}를 보세요."\n', encoding="utf-8")
    _ = Messages.beside(str(tmp_path / "checks.py"))
    hint = on_manager("docker node promote {node}", look=_("See {node}."))
    assert hint.in_("en", LAB) == Advice("", "See worker1.", "On boss:", ("docker node promote worker1",))
    assert hint.in_("ko", LAB) == Advice("", "worker1를 보세요.", "boss에서:", ("docker node promote worker1",))


def test_hint_leaves_other_braces_as_they_are() -> None:
    command = "docker info --format '{{.Swarm}}' {PLAIN} ${node_1}"
    assert on_node(command).in_("en", LAB).commands == (command,)


@pytest.mark.parametrize("command", ["", " docker ps", "docker ps\n"])
def test_hint_refuses_what_is_no_command(command: str) -> None:
    with pytest.raises(ValueError, match="not a command"):
        Hint(commands=(command,))


def test_hint_text_has_a_line_for_each_command() -> None:
    stages = [on_manager("docker node ls", "docker ps"), in_folder("labgen up", words=Text("Or so."))]
    assert text_of([stage.in_("en", LAB) for stage in stages]) == (
        f"On boss:\n  docker node ls\n  docker ps\nOr so.\nOn {FOLDER}:\n  labgen up"
    )


def test_hints_are_made_of_a_text_as_well() -> None:
    assert hints("") == ()
    assert hints("try") == (Hint(Text("try")),)


def test_error_takes_hints_and_gives_them_as_text() -> None:
    error = SwarmError("It is locked.", (on_manager("docker swarm unlock"),))
    assert error.hints == (on_manager("docker swarm unlock"),)
    assert error.hint == "On {manager}:\n  docker swarm unlock"


ADVICE = Advice("It is stopped.", "See whether it runs.", "On boss:", ("sudo systemctl start docker",), "It starts.")


@pytest.mark.parametrize(
    ("stage", "shown"),
    [
        (Stage.NONE, Advice()),
        (Stage.LOOK, Advice("It is stopped.", "See whether it runs.")),
        (Stage.PLACE, Advice("It is stopped.", "See whether it runs.", "On boss")),
        (Stage.COMMAND, ADVICE),
    ],
)
def test_advice_up_to_a_stage_adds_to_the_stage_before(stage: Stage, shown: Advice) -> None:
    assert ADVICE.up_to(stage) == shown


def test_up_to_leaves_out_hints_that_a_stage_shows_nothing_of() -> None:
    bare = Advice(where="On boss:", commands=("docker ps",))
    assert up_to(Stage.LOOK, [bare, ADVICE]) == (ADVICE.up_to(Stage.LOOK),)
    assert up_to(Stage.PLACE, [bare]) == (Advice(where="On boss"),)
    assert up_to(Stage.PLACE, [ADVICE, bare]) == (ADVICE.up_to(Stage.PLACE),)
    assert up_to(Stage.NONE, [bare, ADVICE]) == ()
    assert up_to(Stage.COMMAND, [bare, ADVICE]) == (bare, ADVICE)


def test_stage_reads_numbers_and_none() -> None:
    words = ["none", "0", "1", "2", "3"]
    assert [Stage.read(word) for word in words] == [Stage.NONE, Stage.NONE, Stage.LOOK, Stage.PLACE, Stage.COMMAND]


@pytest.mark.parametrize("word", ["7", "-1", "", " 1", "1.0", "all", "٣"])
def test_stage_refuses_what_is_none_in_one_sentence(word: str) -> None:
    with pytest.raises(ValueError, match="is no stage of hints: choose 0 or none") as caught:
        Stage.read(word)
    assert str(caught.value).count(". ") == 0


@pytest.mark.parametrize("check", checks(), ids=lambda check: check.id)
def test_hints_of_every_check_say_what_to_look_at_without_the_command(check: Check) -> None:
    assert any(hint.words or hint.look for hint in check.hints)
    for hint in check.hints:
        commands = hint.in_("en", LAB).commands
        giveaways = {" ".join(command.split()[:3]) for command in commands if len(command.split()) > 2}
        giveaways |= {option for command in commands for option in re.findall(r"(?<!\S)--[a-z][\w-]+", command)}
        for language in ("en", "ko"):
            shown = str(hint.in_(language, LAB).up_to(Stage.LOOK))
            assert not [giveaway for giveaway in giveaways if giveaway in shown], shown


def longest_sentence(text: str) -> int:
    """Count the words of the longest sentence; a colon or a semicolon does not end one."""
    return max(len(sentence.split()) for sentence in re.split(r"(?<=[.?!])\s+", text))


@pytest.mark.parametrize("check", checks(), ids=lambda check: check.id)
def test_hints_of_every_check_have_short_sentences(check: Check) -> None:
    for hint in check.hints:
        advice = hint.in_("en", LAB)
        for text in (advice.words, advice.look, advice.note):
            assert longest_sentence(text) <= MOST_WORDS, text


@pytest.mark.parametrize("check", checks(), ids=lambda check: check.id)
def test_hints_of_every_check_are_whole_commands_in_both_languages(check: Check) -> None:
    assert check.hints
    for hint in check.hints:
        assert hint.commands
        for command in hint.commands:
            assert len(command.splitlines()) == 1
            # Two commands in one line hide the second; what is to be typed is no sentence.
            assert not command.endswith((".", ";", ":"))
            assert command.split()[0] in {"docker", "sudo", "fab", "labgen", "curl", "ip", "sed", "echo"}, command
        for language in ("en", "ko"):
            advice = hint.in_(language, LAB)
            assert not any("{" + name + "}" in str(advice) for name in LAB)


DESTROYING = ("docker service rm", "docker stack rm", "docker swarm leave", "labgen reset", "labgen down")


@pytest.mark.parametrize("check", checks(), ids=lambda check: check.id)
def test_hints_that_remove_something_say_what_is_lost(check: Check) -> None:
    for hint in check.hints:
        if any(command.startswith(DESTROYING) for command in hint.commands):
            said = [text for other in check.hints for text in (other.words, other.look, other.note)]
            assert any(word in str(text) for text in said for word in ("lost", "removes", "removing"))
            assert any(word in text.in_("ko") for text in said for word in ("사라", "지워", "지우", "지웁"))
