"""The command line in Korean: no English sentence in any help, and none in what is said of wrong words."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from labgen import cli
from labgen.cli import click_messages, root
from labgen.cli.language import language_in, spoken
from labgen.core.columns import columns
from labgen.core.i18n import LANGUAGE_VARIABLE, _

NAMES = """
    labgen Vagrantfile Docker Swarm Debian Python VirtualBox macOS Windows fish zsh bash compinit PowerShell
    lab yml fabfile py verify fab pytest vagrant bootstrap exercise loadbalance update history
    JSON SHA SEED cpus memory ports ssh URL
    bookworm trixie sid all amd arm windows macos linux zip support stdout
    eval source Out String Invoke Expression PROFILE bashrc zshrc config OPTIONS
"""
"""Words that a Korean reads in English, too: names of programs, of files and of what is typed."""


def commands() -> Iterator[tuple[str, ...]]:
    """Yield the words of every command and of every command below it."""
    context = click.Context(root.program, **root.program.context_settings)
    yield ()
    for name in root.SUMMARIES:
        yield (name,)
        command = root.program.get_command(context, name)
        if isinstance(command, click.Group):
            yield from ((name, action) for action in command.commands)


def typed() -> set[str]:
    """Collect the words that are typed: commands, options, what they take."""
    context = click.Context(root.program, **root.program.context_settings)
    words = {*NAMES.split(), *root.SUMMARIES}
    parts: list[click.Command] = [root.program]
    for name in root.SUMMARIES:
        command = root.program.get_command(context, name)
        assert command is not None
        parts += [command, *(command.commands.values() if isinstance(command, click.Group) else ())]
    for part in parts:
        words.update(latin(part.name or ""))
        for parameter in part.params:
            for option in parameter.opts:
                words.update(latin(option))
            words.update(latin(parameter.make_metavar(context)))
            words.update(latin(str(parameter.help)) if isinstance(parameter.type, click.Choice) else ())
    for metavar in (root.program.subcommand_metavar, "ACTION"):
        words.update(latin(metavar))
    return words


def latin(text: str) -> list[str]:
    """List the words in Latin letters, of two letters or more."""
    return re.findall(r"[A-Za-z]{2,}", text)


@pytest.fixture(scope="module")
def allowed() -> set[str]:
    """Words that may stand in a Korean help."""
    return typed()


@pytest.mark.parametrize("words", [*commands()], ids=lambda words: "-".join(words) or "labgen")
def test_help_in_korean_has_no_english(
    words: tuple[str, ...], allowed: set[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([*words, "--help", "--lang", "ko"]) == 0
    printed = capsys.readouterr().out
    assert re.search("[가-힣]", printed)
    assert [word for word in latin(printed) if word not in allowed] == []
    assert [line for line in printed.splitlines() if columns(line) > 79 and "labgen" not in line] == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("rnu", "오류: 'rnu' 명령이 없습니다. 'run'을 쓰려고 했습니까?\n  `labgen --help`를 보십시오.\n"),
        ("up -C x", "오류: '-C' 옵션이 없습니다.\n  명령 앞에 적으십시오: labgen -C ... up\n"),
        ("brief", "오류: 빠진 인수: 'EXERCISE'.\n  `labgen brief --help`를 보십시오.\n"),
        ("kit make x", "오류: 빠진 옵션: '--for'.\n"),
        ("schema x", "오류: 필요 없는 인수가 있습니다(x)\n"),
        ("up --prune=x", "오류: '--prune' 옵션에는 값을 줄 수 없습니다.\n"),
        ("box", "오류: 명령이 없습니다.\n"),
        ("completion ksh", "'ksh' 대신 쓸 수 있는 값: 'bash', 'zsh', 'fish', 'powershell'.\n"),
        ("run --shuffle x", "오류: '--shuffle'의 값이 잘못되었습니다: 'x'는 올바른 숫자가 아닙니다.\n"),
        ("box prune --keep -1", "오류: '--keep'의 값이 잘못되었습니다: -1은 범위 x>=0을 벗어납니다.\n"),
        ("grade --report --json", "'--json' 자리에는 경로가 와야 합니다."),
        ("nonce kim --secret x --date today", "'today'는 2026-11-28 형식의 날짜가 아닙니다.\n"),
    ],
)
def test_main_says_in_korean_what_is_wrong_with_words(
    words: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["--lang", "ko", *words.split()]) == 2
    assert message in capsys.readouterr().err


def test_main_speaks_the_language_of_each_call(capsys: pytest.CaptureFixture[str]) -> None:
    for language, heading in (("ko", "사용법:"), ("en", "Usage:"), ("ko", "사용법:")):
        assert cli.main(["up", "--help", "--lang", language]) == 0
        assert capsys.readouterr().out.startswith(heading)


def test_main_takes_the_language_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LABGEN_LANG", "ko")
    assert cli.main(["--help"]) == 0
    assert capsys.readouterr().out.startswith("사용법:")
    assert cli.main(["--help", "--lang", "en"]) == 0
    assert capsys.readouterr().out.startswith("Usage:")


@pytest.mark.parametrize(
    ("words", "language"),
    [
        (["--lang", "ko", "up"], "ko"),
        (["up", "--lang=ko"], "ko"),
        (["--lang", "ko", "up", "--lang", "en"], "en"),
        (["up", "--lang", "fr"], None),
        (["up", "--lang"], None),
        (["ssh", "node", "--", "--lang", "ko"], None),
        ([], None),
    ],
)
def test_language_in(words: list[str], language: str | None) -> None:
    assert language_in(words) == language


def test_sentences_are_those_of_click() -> None:
    files = [Path(str(module.__file__)).read_text(encoding="utf-8") for module in click_messages.SPEAKING]
    sources = "".join(line.strip().strip("\"'") for file in files for line in file.splitlines())
    unknown = [
        msgid for msgid in click_messages.SENTENCES if msgid.replace("\n", "\\n").replace("\t", "\\t") not in sources
    ]
    assert unknown == []


def test_columns() -> None:
    assert [columns(text) for text in ("node", "노드", "노드 1", "")] == [4, 4, 6, 0]


def test_text_that_click_does_not_have_translated_stays_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABGEN_LANG", "ko")
    click_messages.translate()
    translated = vars(click.core)["_"]
    assert translated("Aborted!") == "Aborted!"
    assert translated("Options") == _("Options").in_("ko") != "Options"


@pytest.mark.parametrize("before", ["en", None])
def test_spoken_brings_back_the_language_of_before(monkeypatch: pytest.MonkeyPatch, before: str | None) -> None:
    monkeypatch.delenv(LANGUAGE_VARIABLE, raising=False)
    if before:
        monkeypatch.setenv(LANGUAGE_VARIABLE, before)
    with spoken("ko"):
        assert os.environ[LANGUAGE_VARIABLE] == "ko"
    assert os.environ.get(LANGUAGE_VARIABLE) == before
