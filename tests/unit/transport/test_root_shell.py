"""One shell for many scripts: real shells on this computer, in the place of a node's."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from labgen.transport.output import Output
from labgen.transport.root_shell import Ended, RootShell
from tests import needs
from tests.local_channel import LocalTransport

TOKEN = "SWMTKN-1-" + "0" * 50 + "-" + "1" * 25


@pytest.fixture(params=["dash", "bash"])
def transport(request: pytest.FixtureRequest) -> LocalTransport:
    needs.linux("a shell script of nodes")
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    return LocalTransport(shell=request.param)


@pytest.fixture
def shell(transport: LocalTransport) -> Iterator[RootShell]:
    shell = RootShell(transport)  # type: ignore[arg-type]
    yield shell
    shell.close()


def test_root_shell_what_a_script_did(shell: RootShell) -> None:
    script = "printf 'no line end'\necho 'größer' >&2\nexit 3"
    assert shell.run(script, within=10) == Output(3, "no line end", "größer\n")


def test_run_ends_at_its_deadline_while_the_script_goes_on_printing(shell: RootShell) -> None:
    with pytest.raises(TimeoutError):
        shell.run("while :; do echo x; sleep 0.002; done", within=0.5)


def test_root_shell_one_script_after_the_other_each_in_a_shell_of_its_own(shell: RootShell) -> None:
    assert shell.run("here=there; cd /; set -eu; umask 0077; trap 'echo bye' EXIT", within=10).out == "bye\n"
    assert shell.run('echo "${here:-nothing}"; umask', within=10) == Output(0, "nothing\n0022\n", "")
    assert shell.run("false", within=10) == Output(1, "", "")
    assert shell.run("", within=10) == Output(0, "", "")


def test_root_shell_what_a_login_printed_before_is_none_of_a_scripts(tmp_path: Path) -> None:
    """A .bashrc that prints, and a folder with a program of a known name first in the PATH."""
    needs.linux("a shell script of nodes")
    (tmp_path / "date").write_text("#!/bin/sh\necho forged\n")
    (tmp_path / "date").chmod(0o755)
    login = tmp_path / "login"
    login.write_text(f'#!/bin/sh\necho Welcome; echo Mail >&2; PATH={tmp_path}:$PATH exec /bin/sh "$@"\n')
    login.chmod(0o755)
    shell = RootShell(LocalTransport(shell=str(login)))  # type: ignore[arg-type]
    assert shell.run("date +%Y", within=10) == Output(0, f"{datetime.now(UTC):%Y}\n", "")
    assert shell.run("echo next", within=10) == Output(0, "next\n", "")
    shell.close()


def test_root_shell_script_arrives_as_it_was_written(shell: RootShell) -> None:
    script = "cat <<'END'\n  two  spaces \\n $HOME `x`\n\nEND\necho 'a\\\nb'"
    assert shell.run(script, within=10).out == "  two  spaces \\n $HOME `x`\n\na\\\nb\n"


def test_root_shell_script_that_reads_does_not_eat_the_next_one(shell: RootShell) -> None:
    assert shell.run("cat; echo end", within=10).out == "end\n"
    assert shell.run("echo next", within=10).out == "next\n"


def test_root_shell_script_that_is_no_shell_fails_alone(shell: RootShell) -> None:
    assert not shell.run("if true; then (", within=10).ok
    assert shell.run("echo next", within=10).out == "next\n"


def test_much_output_on_both_sides(shell: RootShell) -> None:
    result = shell.run("i=0; while [ $((i += 1)) -le 3000 ]; do echo out; echo err >&2; done", within=30)
    assert (result.out, result.err) == ("out\n" * 3000, "err\n" * 3000)


def test_root_shell_secret_comes_by_standard_input_and_is_in_no_command_line(
    shell: RootShell, transport: LocalTransport
) -> None:
    script = "IFS= read -r token || exit 1; echo \"${#token}\"; tr '\\0' ' ' </proc/$$/cmdline; env"
    result = shell.run(script, within=10, secret=TOKEN)
    assert result.out.startswith(f"{len(TOKEN)}\n")
    assert TOKEN not in result.out + result.err + "".join(transport.log)
    # It is not left behind for the next script either.
    assert TOKEN not in shell.run("set; env", within=10).out


def test_scripts_are_in_no_command_line(shell: RootShell, transport: LocalTransport) -> None:
    shell.run("echo in passing", within=10)
    assert "in passing" not in "".join(transport.log)


def test_root_shell_script_that_takes_too_long(shell: RootShell) -> None:
    start = time.monotonic()
    with pytest.raises(TimeoutError):
        shell.run("sleep 5", within=0.2)
    assert time.monotonic() - start < 4


def test_root_shell_that_ends_says_how(shell: RootShell) -> None:
    with pytest.raises(Ended) as caught:
        shell.run("echo first; echo why >&2; kill -9 $$", within=10)
    assert (caught.value.output.status, caught.value.output.out) == (-9, "first\n")
    assert caught.value.output.err.startswith("why\n")


def test_root_shell_script_that_is_cut_short_is_not_run(shell: RootShell, transport: LocalTransport) -> None:
    channel = transport.channels[0]
    channel.sendall(b"\necho half a script\n")
    assert channel._child.stdin is not None
    channel._child.stdin.close()
    channel.settimeout(10)
    printed = b"".join(iter(lambda: channel.recv(100), b""))
    assert b" begin" in printed  # by the loop itself, before any script
    assert b"half a script" not in printed
    assert channel.status_event.wait(10)
    assert channel.exit_status == 1
