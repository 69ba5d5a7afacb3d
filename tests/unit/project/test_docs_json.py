"""docs/json.md: its examples have the fields that the commands print."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from labgen import cli
from labgen.cli import run
from labgen.cli.status import Status
from labgen.core.i18n import untranslated
from labgen.host.findings import Finding
from labgen.providers import doctor
from labgen.providers.diagnosis import Diagnosis

TEXT = (Path(__file__).parents[3] / "docs" / "json.md").read_text(encoding="utf-8")
STATUS, DOCTOR, RUN, LIST = (json.loads(example) for example in re.findall(r"(?s)```json\n(.*?)```", TEXT))


def shape(data: Any) -> Any:
    """Give the types that data is made of, a list's by its first entry."""
    if isinstance(data, dict):
        return {key: shape(value) for key, value in data.items()}
    if isinstance(data, list):
        return [shape(data[0])] if data else []
    return "number" if isinstance(data, int | float) and not isinstance(data, bool) else type(data).__name__


def test_docs_json_has_the_fields_of_status(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["-C", str(tmp_path), "status", "--json"])
    printed = json.loads(capsys.readouterr().out)
    assert list(printed) == list(STATUS)
    assert printed["version"] == STATUS["version"]
    assert [field.name for field in fields(Status)] == list(STATUS)[2:]
    for name in list(STATUS)[2:]:
        assert f"| `{name}` |" in TEXT


def test_docs_json_has_the_fields_of_doctor(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    finding = Finding("memory", "ok", untranslated("memory"), untranslated("3 GiB."))
    diagnosis = Diagnosis((finding,), ("docker",), {"docker": True}, {"docker": False})
    monkeypatch.setattr(doctor, "examine", lambda *_: diagnosis)
    cli.main(["-C", str(tmp_path), "doctor", "--json"])
    printed = json.loads(capsys.readouterr().out)
    assert list(printed) == list(DOCTOR)
    assert printed["version"] == DOCTOR["version"]
    assert printed["findings"] == DOCTOR["findings"]


def test_docs_json_has_the_fields_of_run() -> None:
    outcome = run.ExerciseOutcome("loadbalance", 0, seconds=21.4, of_swarm=5.0, points=(8, 8))
    assert shape(run.as_data([outcome], 0)) == shape(RUN)
    assert run.as_data([outcome], 0) == RUN
    left_out = run.ExerciseOutcome("quorum", 0, left_out=untranslated("quorum takes 3 managers."))
    words = {entry.word for entry in (outcome, left_out, run.ExerciseOutcome("update", 10))}
    assert all(f"`{word}`" in TEXT for word in words)


def test_docs_json_has_the_fields_of_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["run", "--list", "--json"])
    assert shape(json.loads(capsys.readouterr().out)) == shape(LIST)
