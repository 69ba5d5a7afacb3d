"""One command at a time changes a lab: held by real processes, since the lock is the operating system's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from labgen import cli
from labgen.cli import up
from labgen.core.errors import FolderLocked, HostError
from labgen.core.lock import HANDED_ON, folder_lock, holder_of
from labgen.model.lab_folder import LabFolder
from tests import needs

HOLD = """
import sys
from pathlib import Path
from labgen.model.lab_folder import LabFolder
from labgen.core.lock import folder_lock
with folder_lock(LabFolder.at(Path(sys.argv[1])), "labgen up"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path: Path) -> LabFolder:
    return LabFolder.at(tmp_path)


@pytest.fixture
def rival(folder: LabFolder) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the lock until its standard input is closed."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        yield holder
        holder.kill()


def test_folder_lock_refuses_a_second_and_says_who_holds_it(folder: LabFolder, rival: subprocess.Popen[str]) -> None:
    with pytest.raises(FolderLocked, match=rf"in use by `labgen up` \(process {rival.pid}, since 20") as refused:
        folder_lock(folder, "labgen down").__enter__()
    assert refused.value.exit_status == 15


def test_folder_lock_is_not_kept_by_a_holder_that_was_killed(folder: LabFolder, rival: subprocess.Popen[str]) -> None:
    needs.posix("signals")
    rival.send_signal(signal.SIGKILL)
    rival.wait()
    assert holder_of(folder) is not None  # what it has written down is still there, and means nothing
    with folder_lock(folder, "labgen down"):
        holder = holder_of(folder)
        assert holder is not None
        assert (holder.command, holder.pid) == ("labgen down", os.getpid())
    assert holder_of(folder) is None


def test_folder_lock_is_handed_on_to_what_the_holder_starts(folder: LabFolder) -> None:
    with folder_lock(folder, "labgen run"):
        child = [sys.executable, "-c", HOLD, str(folder.path)]
        assert subprocess.run(child, input="", capture_output=True, text=True, check=True).stdout == "held\n"
        # One of the same process goes on as well, and leaves the lock to the first.
        with folder_lock(folder, "fab bootstrap"):
            pass
        holder = holder_of(folder)
        assert holder is not None
        assert holder.command == "labgen run"


@pytest.mark.parametrize("token", ["", "None", "0" * 32])
def test_folder_lock_is_not_handed_on_by_a_token_that_is_not_the_holders(
    folder: LabFolder, rival: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv(HANDED_ON, token)
    with pytest.raises(FolderLocked):
        folder_lock(folder, "labgen down").__enter__()


def test_folder_lock_of_another_folder_is_another(
    tmp_path: Path, rival: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(HANDED_ON, "of a parent in another folder")
    with folder_lock(LabFolder.at(tmp_path / "second"), "labgen up"):
        assert os.environ[HANDED_ON] != "of a parent in another folder"
    assert os.environ[HANDED_ON] == "of a parent in another folder"


def test_folder_lock_waits_where_it_is_told_to_and_says_so(folder: LabFolder, rival: subprocess.Popen[str]) -> None:
    lines: list[str] = []

    def say(text: str) -> None:
        lines.append(text)
        threading.Timer(0.5, lambda: rival.stdin.close() if rival.stdin else None).start()

    with folder_lock(folder, "grading", wait=30, say=say):
        assert len(lines) == 1
        assert "`labgen up`" in lines[0]
        assert "Waiting up to 30 s" in lines[0]


def test_folder_lock_waits_no_longer_than_it_is_told_to(folder: LabFolder, rival: subprocess.Popen[str]) -> None:
    with pytest.raises(FolderLocked, match=r"still in use by `labgen up` .* after 1 s"):
        folder_lock(folder, "grading", wait=1, say=lambda _: None).__enter__()


def test_folder_lock_leaves_nothing_where_there_is_no_lab(tmp_path: Path) -> None:
    with folder_lock(LabFolder.at(tmp_path / "new"), "labgen down"):
        assert (tmp_path / "new" / ".labgen" / "lock").exists()
    assert list(tmp_path.iterdir()) == []


def test_folder_lock_leaves_what_has_come_to_be_there(folder: LabFolder) -> None:
    with folder_lock(folder, "labgen up"):
        (folder.own / "state.json").write_text("{}")
    assert (folder.own / "state.json").exists()


def test_folder_lock_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HostError, match="cannot be made"):
        folder_lock(LabFolder.at(tmp_path / "file"), "labgen up").__enter__()


@pytest.mark.parametrize("note", ["", "[]", '{"pid": 1}', "{", '{"command": 1}'])
def test_folder_lock_says_another_command_where_it_is_not_written_down_which(
    folder: LabFolder, rival: subprocess.Popen[str], note: str
) -> None:
    (folder.own / "lock.json").write_text(note)
    with pytest.raises(FolderLocked, match="in use by another command"):
        folder_lock(folder, "labgen down").__enter__()


CHANGING = (
    ["up"],
    ["halt"],
    ["down"],
    ["down", "swarm-worker1"],
    ["reset"],
    ["run", "loadbalance"],
    ["run", "--all", "--grade"],
)
"""Commands that change a lab."""


@pytest.mark.parametrize("words", CHANGING, ids=" ".join)
def test_commands_that_change_a_lab_are_refused_while_another_does(
    folder: LabFolder, rival: subprocess.Popen[str], words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(folder.path.rglob("*"))
    assert cli.main(["-C", str(folder.path), *words]) == 15
    assert "in use by `labgen up`" in capsys.readouterr().err
    assert sorted(folder.path.rglob("*")) == before


@pytest.mark.parametrize(
    "words", [["render"], ["brief", "update"], ["run", "--list"], ["schema"], ["status"]], ids=" ".join
)
def test_commands_that_change_no_lab_are_not_held_up(
    folder: LabFolder, rival: subprocess.Popen[str], words: list[str]
) -> None:
    assert cli.main(["-C", str(folder.path), *words]) in (0, 7)


@pytest.mark.parametrize("task", ["bootstrap", "bootstrap.fresh", "exercise.update", "exercise.all"])
def test_fab_started_by_hand_is_refused_while_another_command_changes_the_lab(
    folder: LabFolder, rival: subprocess.Popen[str], task: str
) -> None:
    fab = subprocess.run(
        [sys.executable, "-m", "provision", task], cwd=folder.path, capture_output=True, text=True, check=False
    )
    assert fab.returncode == 15
    assert "in use by `labgen up`" in fab.stderr


def test_up_takes_no_lock_for_a_dry_run(
    folder: LabFolder, rival: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(up, "_up", lambda *_: 0)
    assert cli.main(["-C", str(folder.path), "up"]) == 15
    assert cli.main(["-C", str(folder.path), "up", "--dry-run"]) == 0
