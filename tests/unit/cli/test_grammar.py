"""Words on the command line: near misses, odd places, help, and what a shell completes."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from importlib import import_module
from pathlib import Path

import click
import pytest

from labgen import cli
from labgen.cli import root
from labgen.cli.completion import SHELLS
from labgen.cli.parameters import Day, repeat_option
from labgen.exercise.catalogue import exercise_names
from tests import needs


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["rnu"], "error: no such command 'rnu'. Did you mean 'run'?\n  See `labgen --help`.\n"),
        (["snapshot", "sav", "x"], "error: no such command 'sav'. Did you mean 'save'?\n"),
        (["render", "--stdotu"], "error: no such option '--stdotu'. Did you mean '--stdout'?\n"),
        (["up", "-C", "lab"], "error: no such option '-C'.\n  Write it before the command: labgen -C ... up\n"),
        (["frobnicate"], "error: no such command 'frobnicate'.\n  See `labgen --help`.\n"),
        ([], "error: missing command.\n  See `labgen --help`.\n"),
        (["box"], "error: missing command.\n  See `labgen box --help`.\n"),
        (["brief"], "error: missing argument 'EXERCISE'.\n"),
        (["schema", "x"], "error: got unexpected extra argument (x)\n"),
        (["grade", "--lang", "fr"], "error: invalid value for '--lang': 'fr' is not one of 'en', 'ko'.\n"),
        (["grade", "--evidence", "a", "--from", "b"], "error: --evidence and --from cannot be used together.\n"),
        (["grade", "--report", "--json"], "error: invalid value for '--report': a path is expected, not '--json'."),
        (["grade", "--from"], "error: option '--from' requires an argument.\n"),
        (["nonce", "kim", "--secret", "x", "--date", "today"], "'today' is not a date like 2026-11-28.\n"),
    ],
)
def test_main_refuses_wrong_words_in_one_sentence(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(words) == 2
    printed = capsys.readouterr()
    assert message in printed.err
    assert printed.out == ""


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["--version"], ["grade", "--help"], ["box", "build", "-h"]])
def test_main_prints_help_in_a_folder_that_is_not_there(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["-C", "no such folder", *words]) == 0
    assert "labgen" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["--help"], ["up", "--help"], ["snapshot", "save", "-h"]])
def test_help_has_the_options_of_every_command(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(words) == 0
    printed = capsys.readouterr().out
    assert "show this help\n" in printed
    assert "--verbose" in printed


def test_summaries_have_every_command_and_no_other() -> None:
    modules = {path.stem for path in Path(root.__file__).parent.glob("*.py")}
    commands = {
        name
        for name in modules
        if isinstance(getattr(import_module(f"labgen.cli.{name}"), "command", None), click.Command)
    }
    assert commands == set(root.SUMMARIES)


@pytest.mark.parametrize("name", root.SUMMARIES)
def test_grammar_every_parameter_has_help(name: str) -> None:
    # As a run makes it: a command keeps the names of its help option from the first context that asks.
    context = click.Context(root.program, **root.program.context_settings)
    command = root.program.get_command(context, name)
    assert command is not None
    commands = [command, *(command.commands.values() if isinstance(command, click.Group) else ())]
    lacking = [
        parameter.name
        for command in commands
        for parameter in command.params
        # What NODE, NAME and EXERCISE are, their names say.
        if isinstance(parameter, click.Option) and not parameter.help
    ]
    assert lacking == []


@pytest.mark.parametrize(
    ("words", "repeated"),
    [
        (["--from", "a", "b", "c"], ["--from", "a", "--from", "b", "--from", "c"]),
        (["--from", "a", "b", "--json", "c"], ["--from", "a", "--from", "b", "--json", "c"]),
        (["update", "--from", "a"], ["update", "--from", "a"]),
        (["--from=a", "b"], ["--from=a", "b"]),
        (["--from", "a", "--", "b"], ["--from", "a", "--", "b"]),
        (["--from", "a", "--from", "b"], ["--from", "a", "--from", "b"]),
        (["--from"], ["--from"]),
    ],
)
def test_repeat_option_gives_each_word_its_option(words: list[str], repeated: list[str]) -> None:
    assert repeat_option(words, "--from") == repeated


def test_day_is_an_iso_date() -> None:
    assert Day().convert("2026-11-28", None, None) == date(2026, 11, 28)


@pytest.mark.parametrize("shell", SHELLS)
def test_completion_prints_a_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert root.COMPLETE in script
    assert f"{shell}_complete" in script


def test_completion_of_bash_can_be_read_by_bash(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    needs.posix("bash")
    cli.main(["completion", "bash"])
    script = tmp_path / "completion"
    script.write_text(capsys.readouterr().out)
    subprocess.run(["bash", "-n", str(script)], check=True)


def completed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], line: str, shell: str = "bash"
) -> list[str]:
    """Complete the last word of a line, as a shell asks for it."""
    words = line.split(" ")
    monkeypatch.setenv(root.COMPLETE, f"{shell}_complete")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
    assert cli.main([]) == 0
    return [line for line in capsys.readouterr().out.splitlines() if line]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("labgen sn", ["plain,snapshot"]),
        ("labgen snapshot re", ["plain,restore"]),
        ("labgen --v", ["plain,--verbose", "plain,--version"]),
        ("labgen up --pru", ["plain,--prune"]),
        ("labgen brief upd", ["plain,update", "plain,updateoptions"]),
        ("labgen run update upd", ["plain,updateoptions"]),
        ("labgen brief update --lang ", ["plain,en", "plain,ko"]),
        ("labgen up --provider l", ["plain,libvirt"]),
        ("labgen box build --suite t", ["plain,trixie"]),
        ("labgen grade --report ", ["dir,"]),
        ("labgen grade --from k", ["file,k"]),
        ("labgen nosuch x", []),
    ],
)
def test_completion_completes_a_word(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], line: str, words: list[str]
) -> None:
    assert completed(monkeypatch, capsys, line) == words


def test_completion_completes_every_exercise(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert completed(monkeypatch, capsys, "labgen run ") == [f"plain,{name}" for name in exercise_names()]


def test_completion_for_powershell_has_the_summary(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = completed(monkeypatch, capsys, "labgen sn", "powershell")
    assert lines == ["plain", "snapshot", str(root.SUMMARIES["snapshot"])]


def test_completion_has_the_nodes_of_the_folder_that_was_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "lab.yml").write_text("workers: 1\n")
    nodes = completed(monkeypatch, capsys, f"labgen -C {tmp_path} halt swarm-manager s")
    assert nodes == ["plain,swarm-worker1"]


def test_completion_is_silent_about_a_mistake_in_the_lab_file(tmp_path: Path) -> None:
    (tmp_path / "lab.yml").write_text("workers: [\n")
    line = f"labgen -C {tmp_path} ssh s"
    environment = {"PATH": "/usr/bin:/bin", root.COMPLETE: "bash_complete", "COMP_WORDS": line, "COMP_CWORD": "4"}
    completion = subprocess.run(
        [sys.executable, "-m", "labgen"], env=environment, cwd=Path(root.__file__).parents[2], capture_output=True
    )
    assert (completion.stdout, completion.stderr) == (b"", b"")
