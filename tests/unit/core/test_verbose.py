"""`--verbose`: what is shown of the programs that are started, and that it ends with the command."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from labgen import cli
from labgen.core.process import Runner
from labgen.core.verbose import VERBOSE, show


def test_runner_shows_what_it_starts_and_how_long_that_took(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(VERBOSE, "1")
    Runner().run([sys.executable, "-c", "raise SystemExit(3)"])
    started, ended = capsys.readouterr().err.splitlines()
    assert started == f"+ {sys.executable} -c 'raise SystemExit(3)'"
    assert ended.startswith(f"  {Path(sys.executable).name}: ")
    assert ended.endswith(" s, exit status 3")


def test_runner_shows_nothing_otherwise(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv(VERBOSE, raising=False)
    Runner().run([sys.executable, "-c", ""])
    assert capsys.readouterr().err == ""


def test_show_cuts_secrets_out_and_shortens(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(VERBOSE, "1")
    show(["program", "export PASSWORD=hunter2-and-more\n" + "echo a line\n" * 99])
    (line,) = capsys.readouterr().err.splitlines()
    assert "hunter2" not in line
    assert line.endswith(" ...")


@pytest.mark.parametrize("words", [["--verbose", "render"], ["render", "--verbose"]])
def test_verbose_holds_for_one_command(words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VERBOSE, raising=False)
    verbose: list[str | None] = []

    def render(_lab: object) -> str:
        verbose.append(os.environ.get(VERBOSE))
        return ""

    monkeypatch.setattr("labgen.machines.render.render", render)
    assert cli.main(["-C", str(tmp_path), *words]) == 0
    assert verbose == ["1"]
    assert VERBOSE not in os.environ
