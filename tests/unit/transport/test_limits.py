"""How much of a node's answer is read, and what the documentation tells of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from labgen import config
from labgen.core.bounded import TooMuch
from labgen.transport import protocol, recording, root_shell, ssh
from labgen.transport.root_shell import RootShell
from tests.local_channel import LocalTransport
from verify import bundle

ANSWER, LOGIN = 1000, 100


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> RootShell:
    monkeypatch.setattr(root_shell, "LONGEST", ANSWER)
    monkeypatch.setattr(root_shell, "_BESIDE", LOGIN)
    return RootShell(LocalTransport())  # type: ignore[arg-type]


@pytest.mark.parametrize("output", ["", ">&2"])
def test_root_shell_reads_the_longest_answer(shell: RootShell, output: str) -> None:
    result = shell.run(f"printf %{ANSWER}s x {output}", within=10)
    assert len(result.out + result.err) == ANSWER


@pytest.mark.parametrize(
    "printed", [f"printf %{ANSWER + 1}s x", "yes", f"printf %{ANSWER + 1}s x >&2", "yes | head -c 9999 >&2"]
)
def test_root_shell_gives_up_on_an_answer_that_is_longer(shell: RootShell, printed: str) -> None:
    with pytest.raises(TooMuch):
        shell.run(printed, within=10)


def test_limits_are_those_that_the_documentation_tells() -> None:
    text = (Path(__file__).parents[3] / "docs" / "evidence.md").read_text(encoding="utf-8")
    answer, run = map(int, re.findall(r"answer with (\d+) MiB to one question, and a run may save (\d+) MiB", text)[0])
    assert f"more than {answer} MiB" in ssh._too_much(config.load(None).first_manager).message
    assert {protocol.LONGEST, bundle._ANSWER} == {answer * 2**20}
    assert {recording._AT_MOST, bundle._TOGETHER} == {run * 2**20}
