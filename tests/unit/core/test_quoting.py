"""Commands that people are to type, for paths of every kind."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from labgen import cli
from labgen.core.quoting import typed, typed_path
from tests import needs

PATHS = ["lab", "my lab 실습", "kim's-lab", 'a"b', "-lab", "--", "$HOME", "a;b", "a&&b", "`id`", "~", "a\\b", "*", "#x"]


@pytest.mark.parametrize("name", PATHS)
def test_typed_path_leads_a_shell_to_the_folder(tmp_path: Path, name: str) -> None:
    needs.posix("sh")
    (tmp_path / name).mkdir()
    command = f"cd {typed_path(Path(name), windows=False)} && pwd -P"
    result = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert result.stdout == f"{tmp_path.resolve() / name}\n"


@pytest.mark.parametrize(
    ("path", "command"),
    [
        (r"C:\labs\lab1", r"C:\labs\lab1"),
        (r"C:\Users\김 철수\lab", r"'C:\Users\김 철수\lab'"),
        (r"C:\kim's", r"'C:\kim''s'"),
        (r"C:\$x", r"'C:\$x'"),
        ("a;b", "'a;b'"),
        ("(lab)", "'(lab)'"),
        ("", "''"),
        ("kim’s", "'kim’’s'"),
    ],
)
def test_typed_quotes_for_powershell(path: str, command: str) -> None:
    assert typed(path, windows=True) == command


@pytest.mark.parametrize("name", ["my lab 실습", "-lab", "kim's"])
def test_init_ends_in_a_command_that_can_be_typed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    needs.posix("sh")
    monkeypatch.chdir(tmp_path)
    assert cli.main(["init", "--", name]) == 0
    command = capsys.readouterr().out.splitlines()[-1].removeprefix("Next:  ").partition("  and then")[0]
    result = subprocess.run(["sh", "-c", f"{command} && ls lab.yml"], capture_output=True, text=True, check=True)
    assert result.stdout == "lab.yml\n"
