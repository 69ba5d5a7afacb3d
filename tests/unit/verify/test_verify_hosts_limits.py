"""How much of a node's answer is read, over each kind of connection, and what is said of one that did not come."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from testinfra.backend.base import CommandResult

from labgen import config
from labgen.core import bounded
from labgen.core.errors import HostError
from labgen.transport import recording
from verify import bundle, hosts

ANSWER, LOGIN = 1000, 100


class Channel:
    """An SSH channel on which a command has printed."""

    def __init__(self, out: int, err: int) -> None:
        self.out, self.err = out, err
        self.closed = False

    def settimeout(self, _seconds: float) -> None: ...

    def exec_command(self, _command: bytes) -> None: ...

    def makefile(self, _mode: str) -> BytesIO:
        return BytesIO(b"x" * self.out)

    def makefile_stderr(self, _mode: str) -> BytesIO:
        return BytesIO(b"x" * self.err)

    def recv_exit_status(self) -> int:
        return 3

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts, "LONGEST", ANSWER)
    monkeypatch.setattr(hosts, "_BESIDE", LOGIN)


def backend(channel: Channel) -> Any:
    kind = hosts._kept()
    connection = kind.__new__(kind)
    connection.deadline = SimpleNamespace(seconds=1.0)
    transport = SimpleNamespace(open_session=lambda timeout: channel)
    vars(connection)["client"] = SimpleNamespace(get_transport=lambda: transport)
    return connection


@pytest.mark.usefixtures("limits")
def test_kept_connection_reads_the_longest_answer_after_what_a_login_prints() -> None:
    channel = Channel(ANSWER + LOGIN, ANSWER)
    status, out, err = backend(channel)._exec_command(b"true")
    assert (status, len(out), len(err), channel.closed) == (3, ANSWER + LOGIN, ANSWER, False)


@pytest.mark.usefixtures("limits")
@pytest.mark.parametrize(("out", "err"), [(ANSWER + LOGIN + 1, 0), (0, ANSWER + 1)])
def test_kept_connection_ends_an_answer_that_is_longer(out: int, err: int) -> None:
    channel = Channel(out, err)
    with pytest.raises(bounded.TooMuch):
        backend(channel)._exec_command(b"true")
    assert channel.closed


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            RuntimeError(CommandResult(None, 255, b"ssh", b"", b"Banner\nof two lines\nConnection refused.\n")),
            "Connection refused",
        ),
        (RuntimeError(CommandResult(None, 255, b"ssh", b"", b"")), "ssh ended with 255"),
        (HostError("`ssh w1 true` did not end within 30 s.", ""), "did not end within 30 s"),
        (OSError("timed out"), "timed out"),
        (EOFError(), "EOFError"),
    ],
)
def test_reason_of_a_lost_connection_is_one_line(error: BaseException, words: str) -> None:
    assert hosts._reason(error) == words


def test_limits_are_those_that_the_documentation_tells() -> None:
    text = (Path(__file__).parents[3] / "docs" / "evidence.md").read_text(encoding="utf-8")
    answer, run = map(int, re.findall(r"answer with (\d+) MiB to one question and a run keep (\d+) MiB", text)[0])
    assert f"more than {answer} MiB" in hosts._too_much(config.load(None).first_manager).message
    assert {hosts.LONGEST, bundle._ANSWER} == {answer * 2**20}
    assert {recording._AT_MOST, bundle._TOGETHER} == {run * 2**20}
