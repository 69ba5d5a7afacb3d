"""docs/api.md: the names that it calls stable exist and are documented, and its examples run."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "verify"))
from recorded import Recorded

from labgen.exercise.verdict import Verdict
from labgen.report import LabNode, Outcome, Report, to_json
from verify import bundle

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
    (tmp_path / "hand-ins").mkdir()
    (tmp_path / "hand-ins" / "kim.jsonl").write_text(bundle.write(Recorded("update").evidence), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for example in EXAMPLES:
        exec(compile(example, "docs/api.md", "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == ["labgen: fail, 3 of 6 points", "update: 3 of 3", "scaling: 0 of 3"]
    assert lines[3] == "kim: pass, 11 of 11 points"
    assert lines[4].startswith("['swarm-manager1 10.0.2.101', ")
    assert lines[5].startswith("line 1, workers = many: ")
