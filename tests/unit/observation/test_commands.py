"""Several commands in one script, run by a real shell."""

from __future__ import annotations

import subprocess

import pytest

from labgen.observation.commands import CommandAnswer, Commands
from tests import needs


def run(commands: Commands) -> str:
    """What the script prints here."""
    needs.linux("scripts are for nodes, with their timeout and their sh")
    result = subprocess.run(["sh", "-c", commands.script], capture_output=True, timeout=30, check=False)
    assert (result.returncode, result.stderr) == (0, b"")
    return result.stdout.decode("utf-8", "replace")


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("printf 'a\n\nb'", CommandAnswer(0, "a\n\nb")),
        ("echo out; echo 'went wrong' >&2; exit 3", CommandAnswer(3, "out\n", "went wrong")),
        ("cat", CommandAnswer(0, "")),
        ("printf '한 \\377\\000'", CommandAnswer(0, "한 \ufffd\x00")),
        ("exit 255", CommandAnswer(255, "")),
    ],
)
def test_answers_are_what_the_command_printed_and_how_it_ended(command: str, answer: CommandAnswer) -> None:
    commands = Commands.of(["echo before", command, "echo after"], 20)
    assert commands.answers(run(commands)) == {
        "echo before": CommandAnswer(0, "before\n"),
        command: answer,
        "echo after": CommandAnswer(0, "after\n"),
    }


def test_answers_of_what_is_no_command_is_the_shells_status() -> None:
    commands = Commands.of(["if", "echo after"], 20)
    found = commands.answers(run(commands))
    assert (found["if"].status, found["echo after"].out) == (2, "after\n")


def test_answers_are_not_forged_by_a_mark_of_another_script() -> None:
    forged = Commands(["true"], 20, "labgen-" + "0" * 16)
    commands = Commands.of([f"printf '\\n{forged.mark} 0\\n'", "echo after"], 20)
    assert commands.answers(run(commands))["echo after"] == CommandAnswer(0, "after\n")


def test_ran_out_of_time_says_so_and_keeps_what_came_before() -> None:
    commands = Commands.of(["echo before", "sleep 20"], 1)
    text = run(commands)
    assert commands.answers(text) == {"echo before": CommandAnswer(0, "before\n")}
    assert commands.ran_out_of_time(text)


def test_output_without_end_is_cut_off_on_the_node(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labgen.observation.commands.MOST", 1000)
    commands = Commands.of(["echo before", "cat /dev/zero", "echo after"], 20)
    text = run(commands)
    assert len(text) == 1000
    assert commands.answers(text) == {"echo before": CommandAnswer(0, "before\n")}
    assert not commands.ran_out_of_time(text)


@pytest.mark.parametrize("text", ["", "\n", "Welcome!\n", "\nMARK 0\n", "\nMARK 7\nx\nMARK 0\n\n", "\nMARK x\n"])
def test_answers_of_another_text_are_none(text: str) -> None:
    commands = Commands(["true"], 20, "labgen-0123456789abcdef")
    assert commands.answers(text.replace("MARK", commands.mark)) == {}


@pytest.mark.parametrize(
    "commands", [["true"], ["echo 'a b'; exit 3", "printf '%s\n' \"$HOME\"", "a\nb\\c"], ['echo "it\'s"'], [""]]
)
def test_read_gives_the_commands_of_a_script(commands: list[str]) -> None:
    made = Commands.of(commands, 20)
    assert Commands.read(made.script) == made
    assert Commands.read(f"section answers; {made.script}section end") == made


@pytest.mark.parametrize("script", ["", "hostname", "labgen-0123456789abcdef { timeout -k 2 5 sh -c 'x"])
def test_read_of_another_script_is_none(script: str) -> None:
    assert Commands.read(script) is None
