"""The way from `labgen grade` to a verdict: how many functions of ours hand on to one another."""

from __future__ import annotations

import io
import os
import traceback
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from recorded import Recorded

import labgen
from labgen import cli
from labgen.apps import grading
from labgen.core.process import Runner
from verify import bundle, verdicts

MOST = 10
"""Hand-offs from the command line to the verdict, that to the process which grades among them."""

_PACKAGES = tuple(
    f"{Path(labgen.__file__).parents[1] / package}{os.sep}" for package in ("labgen", "provision", "verify")
)


def functions_of_ours() -> list[str]:
    """Name the functions of the product that have called one another down to the caller of this one."""
    frames = traceback.extract_stack()[:-2]
    return [f"{Path(frame.filename).stem}.{frame.name}" for frame in frames if frame.filename.startswith(_PACKAGES)]


def test_grade_comes_to_a_verdict_by_few_functions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kim.jsonl").write_text(bundle.write(Recorded("loadbalance").evidence), encoding="utf-8")
    ways: dict[str, list[str]] = {}

    def run(_runner: Runner, _words: list[str], *, stdin: str, **_options: Any) -> SimpleNamespace:
        """Stand for the process that grades, in this one."""
        ways["command"] = [*functions_of_ours(), "process.run"]
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        # What has called it in this process is no part of its own way.
        ways["grading"] = functions_of_ours()
        return SimpleNamespace(status=grading.main())

    judge = verdicts._judge

    def judged(error: BaseException | None) -> verdicts.Verdict:
        ways["verdict"] = [*functions_of_ours(), "verdicts._judge"]
        return judge(error)

    monkeypatch.setattr(Runner, "run", run)
    monkeypatch.setattr(verdicts, "_judge", judged)
    assert cli.main(["grade", "loadbalance", "--from", str(tmp_path / "kim.jsonl")]) == 0
    own = ways["verdict"][len(ways["grading"]) :]
    assert own[0] == "grading.main"
    way = [*ways["command"], *own]
    assert (way[0], way[-1]) == ("__init__.main", "verdicts._judge")
    assert len(way) - 1 <= MOST, way
