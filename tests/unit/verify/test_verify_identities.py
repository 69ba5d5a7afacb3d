"""Recordings of exercises as hand-ins: refused by the ids of the lab that they were made on."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from recorded import Recorded, recording_file

from labgen.cli import main
from labgen.core.errors import EvidenceError
from labgen.exercise.catalogue import exercise_names
from labgen.exercise.recordings import recorded_ids
from tests.e2e.record import hashed_ids
from verify import bundle, identities
from verify.evidence import Damaged, Evidence

REFUSED = "^it is a recording that labgen is tested with, or was made of one$"
ID = r"\b[0-9a-z]{25}\b|\b[0-9a-f]{64}\b"
"""An id that the swarm draws, or one that an engine draws."""


@pytest.fixture(autouse=True)
def forbidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """Recordings are graded for nobody."""
    monkeypatch.delenv(bundle.ALLOW_RECORDINGS)


def hand_in(evidence: Evidence, file: Path) -> Path:
    """Write evidence as a hand-in, with hashes that are right."""
    file.write_text(bundle.write(evidence), encoding="utf-8")
    return file


def rewrite(recorded: Recorded, pattern: str, replacement: str) -> Evidence:
    """The recording with its texts changed wherever a pattern matches."""
    recorded.says("", lambda out: re.sub(pattern, replacement, out))
    return recorded.evidence


@pytest.mark.parametrize("name", exercise_names())
def test_load_refuses_the_recording_of_every_exercise(name: str, tmp_path: Path) -> None:
    with pytest.raises(Damaged, match=REFUSED):
        bundle.load(recording_file(name))
    copy = Path(shutil.copyfile(recording_file(name), tmp_path / "kim.jsonl"))
    with pytest.raises(Damaged, match=REFUSED):
        bundle.load(copy)


def test_load_opens_a_recording_for_the_tests_of_labgen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(bundle.ALLOW_RECORDINGS, "1")
    assert bundle.load(recording_file("update")).observations


@pytest.mark.parametrize(
    "pattern",
    [
        "swarm-worker",
        # Every id but those of the nodes, of the swarm, of tasks and containers is another.
        r'(?<="Cluster":\{"ID":")\w+',
        r'(?<="ContainerID":")\w+',
        r'(?<="ServiceID":")\w+',
    ],
)
def test_load_refuses_a_recording_whose_texts_were_changed(pattern: str, tmp_path: Path) -> None:
    evidence = rewrite(Recorded("update"), pattern, "x")
    evidence.nonce = "spring"
    with pytest.raises(Damaged, match=REFUSED):
        bundle.load(hand_in(evidence, tmp_path / "kim.jsonl"), "spring")


@pytest.mark.parametrize("kind", ["nodes", "tasks", "containers"])
def test_is_recording_takes_one_id_of_any_kind(kind: str) -> None:
    kept = identities.ids(Recorded("update").evidence)[kind].pop()
    recorded = Recorded("update")
    recorded.says("", lambda out: re.sub(ID, lambda match: match[0] if match[0] == kept else f"x{match[0]}", out))
    assert identities.is_recording(recorded.evidence)
    recorded.says("", lambda out: re.sub(ID, lambda match: f"x{match[0]}", out))
    assert not identities.is_recording(recorded.evidence)


def test_load_takes_what_another_lab_answered(tmp_path: Path) -> None:
    recorded = Recorded("update")
    recorded.says("", lambda out: re.sub(ID, lambda match: match[0][::-1], out))
    assert bundle.load(hand_in(recorded.evidence, tmp_path / "kim.jsonl")) == recorded.evidence


def test_grade_of_several_refuses_each_recording(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [shutil.copyfile(recording_file(name), tmp_path / f"{name}.jsonl") for name in ("ports", "update")]
    assert main(["grade", "--from", *map(str, files)]) == EvidenceError.exit_status
    assert len(re.findall(rf"(?m)^\w+: refused: {REFUSED[1:]}", capsys.readouterr().out)) == len(files)


def test_recorded_ids_are_those_of_the_recordings() -> None:
    assert recorded_ids() == hashed_ids()


def test_recorded_ids_give_no_id_away() -> None:
    members = json.loads(bundle.write(Recorded("update").evidence).splitlines()[-1])["end"]
    assert not recorded_ids() & {*members["nodes"], *members["tasks"]}


def test_grade_refuses_a_recording_in_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = Path(shutil.copyfile(recording_file("loadbalance"), tmp_path / "kim.jsonl"))
    assert main(["grade", "--from", str(file)]) == EvidenceError.exit_status
    assert "kim.jsonl cannot be graded: it is a recording that labgen is tested with" in capsys.readouterr().err
