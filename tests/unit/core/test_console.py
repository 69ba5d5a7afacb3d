"""How a command ends: one sentence and a documented status, also where it cannot print."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from labgen import cli
from labgen.core.console import TRACEBACK, guarded
from labgen.core.errors import BoxError, HostError
from labgen.core.i18n import _
from tests import needs

LABGEN = f"'{sys.executable}' -m labgen"


def shell(line: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    needs.linux("sh and /dev/full")
    return subprocess.run(
        ["sh", "-c", line], cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, timeout=60
    )


@pytest.fixture
def without_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(TRACEBACK)


def fails(error: BaseException) -> int:
    with guarded() as command:
        raise error
    return command.status


def status_of_a_command_that_gets(number: int) -> int:
    with guarded() as command:
        os.kill(os.getpid(), number)
    return command.status


def test_console_error_is_told_in_the_users_language(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "ko_KR.UTF-8")
    assert fails(BoxError(_("Nodes of %(provider)s start from no box.", provider="X"), _("Check the path."))) == 6
    assert capsys.readouterr().err == "오류: X 노드는 박스에서 시작하지 않습니다.\n  경로를 확인하십시오.\n"
    assert fails(BoxError("It is not translated.")) == 6
    assert capsys.readouterr().err == "오류: It is not translated.\n"


@pytest.mark.usefixtures("without_traceback")
@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (HostError("a reason.", "a way out"), 5, "error: a reason.\n  a way out\n"),
        (PermissionError(13, "Permission denied", "/x"), 5, "error: /x: Permission denied.\n"),
        (OSError(40, "Too many levels of symbolic links"), 5, "error: Too many levels of symbolic links.\n"),
        (OSError(28, "No space left on device"), 5, "error: the output cannot be written: No space left"),
        (MemoryError(), 5, "error: this computer has not enough memory for it.\n"),
        (ZeroDivisionError("division by zero"), 1, "labgen itself failed: ZeroDivisionError: division by zero\n"),
        (KeyboardInterrupt(), 130, "Interrupted. Run the same command again: it carries on.\n"),
        (BrokenPipeError(), 1, ""),
        (HostError("a\x1b[31mb\udcff: 가."), 5, "error: a\\x1b[31mb\\udcff: 가.\n"),
    ],
)
def test_guarded_turns_every_error_into_a_sentence_and_a_status(
    capsys: pytest.CaptureFixture[str], error: BaseException, status: int, words: str
) -> None:
    assert fails(error) == status
    answer = capsys.readouterr().err
    assert words in answer
    assert "Traceback" not in answer


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_guarded_takes_a_signal_that_ends_it_for_an_interrupt(capsys: pytest.CaptureFixture[str], name: str) -> None:
    needs.posix("signals")
    number = signal.Signals[name]
    before = signal.signal(number, signal.SIG_DFL)
    try:
        assert status_of_a_command_that_gets(number) == 130
        assert "Interrupted." in capsys.readouterr().err
        assert signal.getsignal(number) == signal.SIG_DFL
        # As nohup has it.
        signal.signal(number, signal.SIG_IGN)
        assert status_of_a_command_that_gets(number) == 0
    finally:
        signal.signal(number, before)


def test_guarded_shows_the_stack_where_it_is_asked_for() -> None:
    with pytest.raises(ZeroDivisionError):
        fails(ZeroDivisionError())


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("words", ["schema", "run --list", "brief update"])
def test_console_output_that_is_full_is_told(tmp_path: Path, words: str, unbuffered: str) -> None:
    result = shell(f"{LABGEN} {words} > /dev/full", tmp_path, PYTHONUNBUFFERED=unbuffered)
    assert result.returncode == 5
    assert result.stderr.startswith("error: the output cannot be written: No space left on device.\n")
    assert result.stderr.count("\n") == 2


def test_help_that_cannot_be_printed_is_told(tmp_path: Path) -> None:
    result = shell(f"{LABGEN} --help > /dev/full", tmp_path, PYTHONUNBUFFERED="")
    assert result.returncode == 5
    assert result.stderr.startswith("error: the output cannot be written")


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-", "2> /dev/full"])
def test_console_closed_stream_changes_nothing_else(tmp_path: Path, closed: str) -> None:
    result = shell(f"{LABGEN} render {closed}", tmp_path)
    assert result.returncode == 0
    assert result.stderr == ""
    assert (tmp_path / "Vagrantfile").read_text(encoding="utf-8").endswith("end\n")


def test_console_error_that_cannot_be_printed_keeps_its_status(tmp_path: Path) -> None:
    assert shell(f"{LABGEN} run nothing 2> /dev/full", tmp_path).returncode == 10


def test_console_working_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    result = shell(f"mkdir gone && cd gone && rmdir ../gone && {LABGEN} schema", tmp_path, PYTHONPATH=str(Path.cwd()))
    assert result.returncode == 5
    assert result.stderr == "error: the working folder no longer exists.\n  Change to a folder that exists: cd\n"


@pytest.mark.parametrize(
    "words", [["-C", "", "down"], ["init", ""], ["grade", "--from", ""], ["grade", "--report", ""]]
)
def test_console_empty_path_is_refused(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    assert cli.main(words) == 2
    assert "the path is empty. Is a variable not set?" in capsys.readouterr().err


def test_bytes_that_are_not_utf8_are_printed_as_they_are(tmp_path: Path) -> None:
    needs.linux("names that are not UTF-8")
    (Path(os.fsdecode(bytes(tmp_path) + b"/\xff"))).mkdir()
    result = subprocess.run(
        [sys.executable, "-m", "labgen", "-C", bytes(tmp_path) + b"/\xff", "render"], cwd=tmp_path, capture_output=True
    )
    assert result.returncode == 0
    assert result.stdout == bytes(tmp_path) + b"/\xff/Vagrantfile: created\n"


def test_console_lab_folder_that_is_missing_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    needs.posix("its paths")
    assert cli.main(["-C", str(tmp_path / "my lab"), "render"]) == 5
    assert capsys.readouterr().err == (
        f"error: there is no folder {tmp_path}/my lab.\n  Make a lab there: labgen init '{tmp_path}/my lab'\n"
    )
    assert list(tmp_path.iterdir()) == []
