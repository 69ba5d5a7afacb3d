"""Hints: both languages, the names of a lab, whole commands."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from labgen.core.errors import SwarmError
from labgen.core.i18n import Messages, Text
from labgen.exercise.catalogue import exercises
from labgen.exercise.hint import FOLDER, Advice, Hint, hints, in_folder, on_manager, on_node, text_of
from verify.checks import Check

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
            said = [text for other in check.hints for text in (other.words, other.look)]
            assert any(word in str(text) for text in said for word in ("lost", "removes", "removing"))
            assert any(word in text.in_("ko") for text in said for word in ("사라", "지워", "지우", "지웁"))
