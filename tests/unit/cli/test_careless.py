"""Careless inputs in this process: one sentence, a documented status, and nothing half-written.

No program is there in these trials: what a command would start is missing, which is told as well. These are some of
each kind; tests/integration/careless has all.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests import needs
from tests.careless.attempt import faults
from tests.careless.inside import sample, trials
from tests.careless.trial import Outcome, Trial, complaints

TRIALS = list(trials())
KINDS = list(dict.fromkeys(trial.kind for trial in TRIALS))


@pytest.mark.parametrize("kind", KINDS)
def test_careless_input_ends_in_one_sentence(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = faults(sample([trial for trial in TRIALS if trial.kind == kind]), tmp_path, monkeypatch)
    assert not wrong, "\n\n".join(wrong[:40])


def test_sample_has_every_case() -> None:
    for kind in KINDS:
        among = [trial for trial in TRIALS if trial.kind == kind]
        assert {trial.case for trial in sample(among)} == {trial.case for trial in among}


def test_trials_are_enough() -> None:
    assert sum(len(sample(trial for trial in TRIALS if trial.kind == kind)) for kind in KINDS) >= 300
    assert len(KINDS) >= 20


@pytest.mark.parametrize(
    ("outcome", "complaint"),
    [
        (Outcome(None, "", ""), "it does not end"),
        (Outcome(3, "", "error: workers: 2 is too many."), "status 3 instead of [5]"),
        (Outcome(5, "", "Traceback (most recent call last):\n"), "a stack trace"),
        (Outcome(5, "", "error: [Errno 2] No such file or directory: 'x'"), "not for people"),
        (Outcome(5, "", "error: None cannot be read."), "not for people"),
        (Outcome(5, "", "error: x cannot be read."), ""),
    ],
)
def test_complaints_says_what_is_wrong(tmp_path: Path, outcome: Outcome, complaint: str) -> None:
    trial = Trial("kind", "case", ("render",), statuses=frozenset({5}))
    wrong = complaints(trial, outcome, tmp_path)
    assert (complaint in "; ".join(wrong)) if complaint else not wrong


def test_complaints_finds_what_is_half_written(tmp_path: Path) -> None:
    (tmp_path / ".Vagrantfile.k3_zq01x").touch()
    trial = Trial("kind", "case", ("render",))
    assert complaints(trial, Outcome(0, "", ""), tmp_path) == ["half-written: .Vagrantfile.k3_zq01x"]


def test_complaints_finds_a_daemon_that_is_left_running(tmp_path: Path) -> None:
    needs.linux("its /proc")
    trial = Trial("kind", "case", ("up",))
    (tmp_path / "ended.pid").write_text("")
    assert complaints(trial, Outcome(0, "", ""), tmp_path) == []
    (tmp_path / "daemon.pid").write_text(f"{os.getpid()}\n")
    assert complaints(trial, Outcome(0, "", ""), tmp_path) == ["left running: daemon.pid"]
