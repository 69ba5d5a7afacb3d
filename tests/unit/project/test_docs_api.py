"""docs/api.md: the names that it calls stable exist and are documented, and its examples run."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from labgen.exercise.verdict import Verdict
from labgen.report import LabNode, Outcome, Report, to_json

TEXT = (Path(__file__).parents[3] / "docs" / "api.md").read_text(encoding="utf-8")
NAMES = re.findall(r"`(labgen(?:\.\w+)+)", TEXT)
EXAMPLES = re.findall(r"(?ms)^```python\n(.*?)^```$", TEXT)


@pytest.mark.parametrize("name", NAMES)
def test_docs_api_names_what_exists_and_is_documented(name: str) -> None:
    module, _, attribute = name.rpartition(".")
    assert getattr(importlib.import_module(module), attribute).__doc__


def outcome(exercise: str, got: int) -> Outcome:
    """A check worth three points."""
    verdict = Verdict.PASS if got else Verdict.FAIL
    return Outcome(f"{exercise}.a", exercise, "a", None, "It is so.", 3, got, verdict, "", "", 0.1)


def test_docs_api_examples_run_and_print_what_they_promise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    nodes = (LabNode("swarm-manager", "manager", "10.0.2.101"),)
    checks = (outcome("update", 3), outcome("scaling", 0))
    report = Report("labgen", "docker", nodes, "2027-01-31T10:00:00+00:00", 1.0, True, checks)
    (tmp_path / "report.json").write_text(to_json(report), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for example in EXAMPLES:
        exec(compile(example, "docs/api.md", "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == ["labgen: fail, 3 of 6 points", "update: 3 of 3", "scaling: 0 of 3"]
    assert lines[3].startswith("['swarm-manager1 10.0.2.101', ")
    assert lines[4].startswith("line 1, workers = many: ")
