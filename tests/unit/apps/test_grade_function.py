"""Grading as a function: many times in one process, which it leaves as it was."""

from __future__ import annotations

import dataclasses
import inspect
import io
import json
import logging
import os
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "verify"))
from fake_lab import FakeLab
from recorded import Recorded

from labgen import cli, report
from labgen.apps import grading, requests
from labgen.core.errors import EvidenceError, ExerciseError, LabgenError
from labgen.exercise import catalogue
from labgen.report import Report
from verify import bundle, collection, verdicts
from verify.grading import grade as grade_with_plugins

NAMES = ("update", "ports")


@pytest.fixture(scope="module")
def handins(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Recordings as they are handed in, by exercise."""
    folder = tmp_path_factory.mktemp("hand-ins")
    files = {name: folder / f"{name}.jsonl" for name in NAMES}
    for name, file in files.items():
        file.write_text(bundle.write(Recorded(name).evidence), encoding="utf-8")
    return files


@pytest.fixture(scope="module")
def fresh(handins: dict[str, Path]) -> dict[str, dict[str, Any]]:
    """The report that each has from a process of its own."""
    reports = {}
    for name, file in handins.items():
        assert cli.main(["grade", "--from", str(file), "--lang", "en"]) == 0
        reports[name] = json.loads((file.with_name(f"{name}-report") / "report.json").read_text(encoding="utf-8"))
    return reports


def as_data(graded: Report) -> dict[str, Any]:
    """A report as its file holds it."""
    data: dict[str, Any] = json.loads(report.to_json(graded))
    return data


def test_grade_evidence_gives_each_time_what_a_fresh_process_gives(
    handins: dict[str, Path], fresh: dict[str, dict[str, Any]]
) -> None:
    for name in ("update", "update", "ports", "update", "ports"):
        assert as_data(grading.grade_evidence(handins[name], language="en")) == fresh[name]


def test_grade_evidence_in_several_threads_gives_the_same(
    handins: dict[str, Path], fresh: dict[str, dict[str, Any]]
) -> None:
    names = NAMES * 2
    with ThreadPoolExecutor(len(names)) as pool:
        reports = list(pool.map(lambda name: grading.grade_evidence(handins[name], language="en"), names))
    assert [as_data(graded) for graded in reports] == [fresh[name] for name in names]


def with_parameters(handin: Path, file: Path, parameters: catalogue.Values) -> Path:
    """A hand-in as if it had been made with other parameters than the course's."""
    evidence = dataclasses.replace(bundle.load(handin), parameters=parameters)
    file.write_text(bundle.write(evidence), encoding="utf-8")
    return file


def test_grade_evidence_takes_the_parameters_of_the_file(handins: dict[str, Path], tmp_path: Path) -> None:
    parameters = {"ports": {"port": 18003}}
    file = with_parameters(handins["ports"], tmp_path / "kim.jsonl", parameters)
    (chosen,) = [check for check in grading.grade_evidence(file, language="en").checks if check.id == "ports.chosen"]
    assert chosen.verdict == "fail"
    assert "publishes port 18003 " in chosen.claim
    assert catalogue.find("ports").parameters.fill("{port}") == "8003"
    with pytest.raises(ExerciseError, match=r"^ports: there is no parameter 'prot'"):
        grading.grade_evidence(handins["ports"], language="en", parameters={"ports": {"prot": 18003}})
    with pytest.raises(EvidenceError, match=r"^the evidence was made with the course's parameters, and cannot be "):
        grading.grade_evidence(handins["ports"], language="en", parameters=parameters)


def test_request_carries_parameters(tmp_path: Path, handins: dict[str, Path]) -> None:
    parameters = {"ports": {"port": 18003}}
    handin = requests.HandIn(with_parameters(handins["ports"], tmp_path / "kim.jsonl", parameters), tmp_path)
    request = requests.GradingRequest(tmp_path, tmp_path, "en", ("ports",), handins=(handin,), parameters=parameters)
    lines = list[str]()
    assert requests.grade(request, lines.append) == 11
    graded = report.from_json((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert {check.id: check.verdict for check in graded.checks}["ports.chosen"] == "fail"
    requests.grade(dataclasses.replace(request, parameters={"ports": {"port": 0}}), lines.append)
    assert lines[-2].startswith("error: ports: port must be a port from 1 to 65535"), lines


def state_of_the_process() -> dict[str, Any]:
    """What a function called many times must leave as it found it."""
    return {
        "modules": sorted(sys.modules),
        "path": list(sys.path),
        "import hooks": [type(finder).__name__ for finder in sys.meta_path],
        "variables": {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"},
        "folder": str(Path.cwd()),
        "log": (list(logging.root.handlers), logging.root.level, logging.root.manager.disable),
        "warnings": list(warnings.filters),
        "streams": (sys.stdout, sys.stderr, sys.stdin),
        "hooks": (sys.excepthook, sys.unraisablehook, threading.excepthook, sys.breakpointhook),
        "threads": threading.active_count(),
    }


def test_grade_evidence_leaves_the_process_as_it_was(
    handins: dict[str, Path], capfd: pytest.CaptureFixture[str]
) -> None:
    grading.grade_evidence(handins["update"])  # imports what it needs
    before = state_of_the_process()
    grading.grade_evidence(handins["update"])
    with pytest.raises(ExerciseError):
        grading.grade_evidence(handins["update"], ["nosuch"])
    assert state_of_the_process() == before
    assert capfd.readouterr() == ("", "")


def test_grade_evidence_takes_nothing_from_the_folder_or_the_users_settings(
    handins: dict[str, Path],
    fresh: dict[str, dict[str, Any]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = tmp_path / "kim.jsonl"
    file.write_bytes(handins["update"].read_bytes())
    ran = tmp_path / "ran"
    for name in ("conftest", "sitecustomize", "mine", "verify/conftest", "exercises/update/checks"):
        module = tmp_path / f"{name}.py"
        module.parent.mkdir(parents=True, exist_ok=True)
        module.write_text(f"from pathlib import Path\nPath({str(ran)!r}).touch()\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = -k published -p mine\npythonpath = .\n")
    (tmp_path / "lab.yml").write_text("workers: 7\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTEST_ADDOPTS", "-k published -p mine --exercise=cluster")
    monkeypatch.setenv("PYTEST_PLUGINS", "mine,conftest")
    assert as_data(grading.grade_evidence(file, language="en")) == fresh["update"]
    assert not ran.exists()
    assert os.environ["PYTEST_PLUGINS"] == "mine,conftest"


def test_grade_evidence_refuses_another_nonce(handins: dict[str, Path]) -> None:
    with pytest.raises(EvidenceError, match="it was made without a nonce, not with 'spring'"):
        grading.grade_evidence(handins["update"], nonce="spring")


def test_grade_asks_the_transport_each_time_and_does_not_close_it(monkeypatch: pytest.MonkeyPatch) -> None:
    lab = FakeLab()
    monkeypatch.setattr(lab, "close", lambda: pytest.fail("closed"), raising=False)
    first = grading.grade(lab.inventory, ["loadbalance"], lab)
    lab.pages["10.0.2.101"] = ["<h1>Hi Docker Swarm 1</h1>"]
    second = grading.grade(lab.inventory, ["loadbalance"], lab)
    assert (first.verdict, first.points.got, second.verdict) == ("pass", 19, "fail")
    assert second.points.got < 19


class Breaks:
    """A plugin with a fault in it."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def pytest_runtest_setup(self) -> None:
        raise self.error

    def pytest_collection_finish(self) -> None:
        raise self.error


def test_grade_says_what_broke_down(handins: dict[str, Path], capfd: pytest.CaptureFixture[str]) -> None:
    lab = FakeLab()
    with pytest.raises(LabgenError, match=r"broke down: ValueError: odd \(test_grade_function.py, line \d+\)"):
        grade_with_plugins(lab.inventory, ["loadbalance"], lab, plugins=[Breaks(ValueError("odd"))])
    assert capfd.readouterr() == ("", "")


def test_grade_is_interrupted_as_any_function_is() -> None:
    lab = FakeLab()
    with pytest.raises(KeyboardInterrupt):
        grade_with_plugins(lab.inventory, ["loadbalance"], lab, plugins=[Breaks(KeyboardInterrupt())])


@pytest.fixture
def mistaken(monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of an exercise whose checks cannot be imported."""
    plain = catalogue.import_part

    def import_part(exercise: Any, part: Any) -> Any:
        if exercise.name == "ports":
            raise ExerciseError("ports/checks.py, line 3: invalid syntax.", "Correct it.")
        return plain(exercise, part)

    monkeypatch.setattr(collection, "import_part", import_part)
    return "ports"


def test_grade_refuses_an_exercise_with_a_mistake_and_leaves_it_out_unnamed(
    mistaken: str, capfd: pytest.CaptureFixture[str]
) -> None:
    lab, warned = FakeLab(), list[str]()
    with pytest.raises(ExerciseError, match="line 3: invalid syntax"):
        grading.grade(lab.inventory, [mistaken], lab)
    assert grading.grade(lab.inventory, (), lab, warn=warned.append).verdict == "pass"
    assert warned == ["ports: left out: ports/checks.py, line 3: invalid syntax."]
    assert capfd.readouterr() == ("", "")


def ours(since: str) -> list[str]:
    """The functions of labgen's on the stack, from the one of that name on."""
    frames = [frame.frame for frame in reversed(inspect.stack(context=0))]
    names = [
        f"{frame.f_globals['__name__']}.{frame.f_code.co_name}"
        for frame in frames
        if frame.f_globals.get("__name__", "").partition(".")[0] in ("labgen", "verify", "provision")
    ]
    return names[names.index(since) :]


def test_command_to_verdict_takes_at_most_10_functions(
    handins: dict[str, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asking: list[str] = []
    judging: list[list[str]] = []
    texts: list[str] = []
    write, judge = requests._text, verdicts._judge

    def keep(request: Any) -> str:
        texts.append(write(request))
        return texts[-1]

    def start(*_: object, **__: object) -> None:
        asking.extend(ours("labgen.cli.grade.command"))
        raise OSError

    def note(error: BaseException | None) -> Any:
        judging.append(ours("labgen.apps.grading.main"))
        return judge(error)

    monkeypatch.setattr(requests, "_text", keep)
    monkeypatch.setattr(verdicts, "_judge", note)
    with monkeypatch.context() as patch:
        patch.setattr("labgen.core.process.subprocess.Popen", start)
        cli.main(["grade", "--from", str(handins["update"])])
    monkeypatch.setattr("sys.stdin", io.StringIO(texts[0]))
    assert grading.main() == 0
    assert len(judging) > 40
    longest = max(judging, key=len)
    assert len(asking) + len(longest) <= 10, [*asking, *longest]
