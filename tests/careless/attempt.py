"""Carrying out a trial in this process."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from labgen import cli
from tests.careless.trial import Outcome, Trial, complaints

PATIENCE = 20
"""Seconds after which a command hangs."""


def faults(trials: Iterable[Trial], place: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Carry trials out, each in a lab folder of its own; gives what is wrong with what came of them."""
    without_programs(monkeypatch)
    wrong = []
    for number, trial in enumerate(trials):
        folder = place / str(number)
        outcome = attempt(trial, folder, monkeypatch)
        for complaint in complaints(trial, outcome, folder):
            end = "\n".join(outcome.err.strip().splitlines()[-4:])
            wrong.append(f"{trial}\n  {complaint}\n{end}")
    return wrong


def without_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no program be there, and nothing of the user's own be touched."""

    def missing(words: Any, *_: object, **__: object) -> None:
        raise FileNotFoundError(2, "No such file or directory", words[0])

    monkeypatch.setattr(subprocess, "Popen", missing)
    for name in ("VAGRANT_HOME", "DOCKER_HOST", "LABGEN_LOCK"):
        monkeypatch.delenv(name, raising=False)


def attempt(trial: Trial, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Outcome:
    """Carry a trial out in a folder of its own."""
    folder.mkdir()
    trial.prepare(folder)
    out, err = (io.BytesIO() for _ in range(2))
    with monkeypatch.context() as patched:
        patched.chdir(folder)
        for name, stream in (("stdout", out), ("stderr", err)):
            patched.setattr(sys, name, io.TextIOWrapper(stream, encoding="utf-8", write_through=True))
        status = _status(list(trial.words))
        printed = [stream.getvalue().decode("utf-8", "replace") for stream in (out, err)]
    return Outcome(status, *printed)


class _Hangs(BaseException):
    """A command waits for what never comes."""


def _status(words: list[str]) -> int | None:
    def late(*_: object) -> None:
        raise _Hangs

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(PATIENCE)
    try:
        return cli.main(words)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    except _Hangs:
        return None
    except Exception as error:
        print("".join(traceback.format_exception(error)), file=sys.stderr)
        return 1
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
