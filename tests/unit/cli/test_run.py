"""`labgen run`: which exercises, in which order, and what is told of them at the end."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from labgen import cli
from labgen.cli import run
from labgen.core.i18n import untranslated
from labgen.core.process import Result
from labgen.exercise.catalogue import exercise_names, find
from labgen.model.lab_folder import LabFolder


class Carried:
    """Stands in for fab and the grading: notes what is asked for, fails where it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.tasks: list[str] = []
        self.fails: dict[str, int] = {}
        self.grades: dict[str, tuple[int, tuple[int, int] | None]] = {}
        monkeypatch.setattr(run, "fab", self._fab)
        monkeypatch.setattr(run, "_grade", lambda _folder, name: self.grades.get(name, (0, (5, 5))))

    def _fab(self, folder: LabFolder, task: str, *options: str) -> int:
        self.tasks.append(" ".join([task, *options]))
        return self.fails.get(task, 0)


@pytest.fixture
def carried(monkeypatch: pytest.MonkeyPatch) -> Carried:
    return Carried(monkeypatch)


def _fitting() -> list[str]:
    from labgen import config

    return [name for name in exercise_names() if not find(name).lacking(config.load(None))]


def test_run_whole_course_is_carried_out_in_order(carried: Carried, tmp_path: Path) -> None:
    assert cli.main(["-C", str(tmp_path), "run", "--all"]) == 0
    assert carried.tasks == [f"exercise.{name}" for name in _fitting()]


def test_some_are_carried_out_in_the_order_in_which_they_are_named(
    carried: Carried, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["-C", str(tmp_path), "run", "scaling", "cluster"]) == 0
    assert carried.tasks == ["exercise.scaling", "exercise.cluster"]
    assert "2 of 2" in capsys.readouterr().out
    assert cli.main(["-C", str(tmp_path), "run", "scaling", "custer"]) != 0
    # Nothing is carried out where one of them does not exist.
    assert len(carried.tasks) == 2


def test_another_order_is_the_same_each_time(carried: Carried, tmp_path: Path) -> None:
    cli.main(["-C", str(tmp_path), "run", "--all", "--shuffle", "7"])
    first = carried.tasks[:]
    carried.tasks.clear()
    cli.main(["-C", str(tmp_path), "run", "--all", "--shuffle", "7"])
    assert carried.tasks == first
    assert sorted(first) == sorted(f"exercise.{name}" for name in _fitting())


def test_run_exercise_that_fails_does_not_stop_the_rest(
    carried: Carried, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    carried.fails["exercise.loadbalance"] = 10
    carried.grades["update"] = (11, (3, 5))
    assert cli.main(["-C", str(tmp_path), "run", "--all", "--grade"]) != 0
    assert len(carried.tasks) == len(_fitting())
    out = capsys.readouterr().out
    (loadbalance,) = [line for line in out.splitlines() if line.startswith("loadbalance")]
    assert "failed 10" in loadbalance
    assert loadbalance.endswith(" -")
    (update,) = [line for line in out.splitlines() if line.startswith("update  ")]
    assert "failed 11" in update
    assert update.endswith("3/5")
    (together,) = [line for line in out.splitlines() if line.startswith("total")]
    assert f"{len(_fitting()) - 2} of {len(_fitting())}" in together


def test_run_what_a_lab_is_too_small_for_is_left_out_of_the_whole_and_refused_by_name(
    carried: Carried, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outcomes = [run.ExerciseOutcome("quorum", 0, left_out=untranslated("quorum needs 3 managers, and the lab has 1."))]
    assert "left out" in run.table(outcomes)
    assert "0 of 0" in run.table(outcomes)


def test_run_table_adds_up() -> None:
    text = run.table(
        [
            run.ExerciseOutcome("one", 0, seconds=10.4, of_swarm=5, points=(7, 8)),
            run.ExerciseOutcome("two", 0, seconds=20.2, of_swarm=10, points=(3, 3)),
        ]
    )
    (together,) = [line for line in text.splitlines() if line.startswith("total")]
    assert together.split()[1:] == ["2", "of", "2", "31", "15", "10/11"]


V4 = {"version": 4, "exercises": [{"name": "cluster", "points": {"got": 46, "of": 46}}]}
V5 = {"version": 5, "cluster": {"passed": 37, "checks": 38}, "exercises": []}
UPDATE = {"name": "update", "points": {"got": 9, "of": 11}}


@pytest.mark.parametrize("grade", [V4, V5])
@pytest.mark.parametrize(("name", "points"), [("cluster", None), ("update", (9, 11)), ("health", None)])
def test_points_are_those_of_an_exercise_and_never_of_the_swarm_itself(
    grade: dict[str, Any], name: str, points: tuple[int, int] | None
) -> None:
    assert run._points({**grade, "exercises": [*grade["exercises"], UPDATE]}, name) == points


@pytest.mark.parametrize(
    ("name", "line"),
    [("cluster", "cluster: graded, 37 of 38 checks\n"), ("update", "update: graded, 9 of 11 points\n")],
)
def test_run_grade_is_told_as_points_or_as_checks(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, line: str
) -> None:
    folder = LabFolder.at(tmp_path)
    folder.report.mkdir(parents=True)

    def write_report(*_: object, **__: object) -> Result:
        (folder.report / "report.json").write_text(json.dumps({**V5, "exercises": [UPDATE]}), encoding="utf-8")
        return Result(("verify",), 0, "", "")

    monkeypatch.setattr(run.Runner, "run", write_report)
    assert run._grade(folder, name) == (0, None if name == "cluster" else (9, 11))
    assert capsys.readouterr().out == line
    assert (folder.report / name / "report.json").exists()


def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Have no program started; gives the commands that would have been."""
    commands: list[list[str]] = []

    def run_program(_runner: object, argv: Sequence[str], stdin: str = "", **_: object) -> Result:
        commands.append([*(str(word) for word in argv), stdin])
        return Result(tuple(argv), 0, "", "")

    monkeypatch.setattr(run.Runner, "run", run_program)
    return commands


def test_run_starts_one_process_for_an_exercise_and_one_for_its_grade(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    commands = started(monkeypatch)
    (tmp_path / ".labgen" / "report").mkdir(parents=True)
    assert cli.main(["-C", str(tmp_path), "run", "update", "--grade"]) == 0
    assert [command[1:-1] for command in commands] == [
        ["-m", "provision", "exercise.update"],
        ["-P", "-m", "labgen.apps.grading"],
    ]
    assert json.loads(commands[1][-1])["exercises"] == ["update"]


def test_run_prints_the_outcome_as_json_and_nothing_else(
    carried: Carried, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    carried.fails["exercise.update"] = 10
    carried.grades["scaling"] = (11, (3, 5))
    words = ["run", "service", "update", "scaling", "quorum", "--grade", "--json", "--shuffle", "1"]
    assert cli.main(["-C", str(tmp_path), *words]) in (10, 11)
    printed = capsys.readouterr()
    data = json.loads(printed.out)
    assert data["version"] == run.JSON_VERSION
    assert data["status"] in (10, 11)
    by_name = {exercise.pop("name"): exercise for exercise in data["exercises"]}
    assert {name: exercise["outcome"] for name, exercise in by_name.items()} == {
        "service": "done",
        "update": "failed",
        "scaling": "failed",
        "quorum": "left out",
    }
    assert by_name["scaling"]["points"] == {"got": 3, "of": 5}
    assert by_name["update"] | {"seconds": 0} == {
        "outcome": "failed",
        "status": 10,
        "reason": None,
        "seconds": 0,
        "swarm_seconds": 0.0,
        "points": None,
    }
    assert "3 managers" in by_name["quorum"]["reason"]
    assert "EXERCISE" in printed.err


def test_run_list_prints_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["run", "--list", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert [exercise["name"] for exercise in data["exercises"]] == list(exercise_names())


def test_run_refuses_json_of_a_dry_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["run", "update", "--dry-run", "--json"]) == 2
    assert "cannot be used together" in capsys.readouterr().err


def test_run_table_is_korean_and_aligned_for_a_korean_learner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "ko_KR.UTF-8")
    *rows, remark = run.table(
        [
            run.ExerciseOutcome("one", 0, seconds=10.4, of_swarm=5, points=(7, 8)),
            run.ExerciseOutcome("two", 10, seconds=20.2),
            run.ExerciseOutcome("quorum", 0, left_out=untranslated("quorum takes 3 managers.")),
        ]
    ).splitlines()
    assert len(set(map(cell_len, rows))) == 1
    assert [row.split()[1] for row in rows] == ["결과", "완료", "실패", "건너뜀", "2개"]
    assert not re.search("[A-Za-z]", remark)
