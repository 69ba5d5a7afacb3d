"""The exercise of docs/writing-an-exercise.md in a lab folder: carried out, graded, and never taken from a hand-in."""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "verify"))
from fake_lab import FakeLab
from recorded import Recorded

from labgen import cli
from labgen.apps import explaining, grading
from labgen.core.errors import ExerciseError
from labgen.exercise.catalogue import mounted
from labgen.machines import inventory
from provision.exercise import rehearse
from verify import bundle, session

pytest_plugins = ["pytester"]

PAGE = Path(__file__).parents[3] / "docs" / "writing-an-exercise.md"
FILES = dict(re.findall(r"(?ms)^```\w+ title=(\w\S*?)\n(.*?)^```$", PAGE.read_text(encoding="utf-8")))


@pytest.fixture
def lab_folder(tmp_path: Path) -> Path:
    """A lab folder with the exercise ``greeting`` of its own."""
    folder = tmp_path / "lab"
    assert cli.main(["init", str(folder)]) == 0
    greeting = folder / "exercises" / "greeting"
    greeting.mkdir(parents=True)
    for name, text in FILES.items():
        if "/" not in name:
            (greeting / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch, lab_folder: Path) -> FakeLab:
    """A lab with the service of the exercise, in the place of any lab."""
    fake = FakeLab()
    assert fake.service is not None
    fake.service["Spec"]["Name"] = "greeting"
    ports = [{"Protocol": "tcp", "TargetPort": 80, "PublishedPort": 8123, "PublishMode": "ingress"}]
    fake.service["Endpoint"]["Ports"] = ports
    fake_inventory = fake.inventory
    fake_inventory.folder = session.LabFolder.at(lab_folder)
    for name in ("load", "discover"):
        monkeypatch.setattr(inventory, name, lambda _folder: fake_inventory)
    for module in (grading, session):
        monkeypatch.setattr(module, "SshTransport", lambda _inventory: fake)
    return fake


def test_run_carries_out_an_exercise_of_the_lab_folder(lab_folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["-C", str(lab_folder), "run", "greeting", "--dry-run"]) == 0
    shown = capfd.readouterr().out
    assert "]$ docker service create --name greeting --replicas 2 --publish 8123:80 nginx\n" in shown
    assert "]$ docker service ps greeting" in shown


def test_brief_and_run_warn_of_an_exercise_that_the_course_has(
    lab_folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (lab_folder / "exercises" / "greeting").rename(lab_folder / "exercises" / "update")
    for words in (["brief", "update"], ["run", "update", "--dry-run"]):
        assert cli.main(["-C", str(lab_folder), *words]) == 0
        shown = capfd.readouterr()
        assert "docker service update" in shown.out
        (warning,) = shown.err.splitlines()
        assert re.match(r"warning: lab_exercises\.update is left out: .*exercise\.py, line \d+: there is an", warning)


def test_brief_warns_of_translations_that_cannot_be_read(lab_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    catalogue = lab_folder / "exercises" / "greeting" / "messages.ko.po"
    catalogue.write_text("msgid oops\n", encoding="utf-8")
    assert cli.main(["-C", str(lab_folder), "brief", "greeting", "--lang", "ko"]) == 0
    shown = capsys.readouterr()
    assert "# A greeting" in shown.out
    assert shown.err.startswith(f"경고: {catalogue}, line 1: ")
    assert shown.err.endswith("; greeting의 글은 영어로 나옵니다.\n")
    assert cli.main(["-C", str(lab_folder), "brief", "greeting", "--lang", "en"]) == 0
    assert capsys.readouterr().err == ""


def test_explain_says_why_the_checks_of_an_exercise_are_left_out(
    lab_folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (lab_folder / "exercises" / "greeting" / "checks.py").write_text("def f(:\n", encoding="utf-8")
    assert cli.main(["-C", str(lab_folder), "explain", "greeting.running"]) == ExerciseError.exit_status
    shown = capfd.readouterr()
    assert re.search(r"error: .*greeting.checks\.py, line 1: ", shown.out + shown.err)


def test_rehearse_knows_a_mounted_exercise(lab_folder: Path) -> None:
    texts: list[str] = []
    with mounted(lab_folder):
        rehearse("greeting", FakeLab().lab, {}, say=texts.append)
    assert "docker service ps greeting" in texts[-1]


def test_brief_is_that_of_the_lab_folder(lab_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["-C", str(lab_folder), "brief", "greeting", "--lang", "ko"]) == 0
    assert "매니저에서 복제본이 2개인 서비스를 만듭니다" in capsys.readouterr().out


def asked(monkeypatch: pytest.MonkeyPatch, program: Callable[[], int], **request: Any) -> int:
    """Have a program answer a request in this process."""
    texts = {name: str(value) if isinstance(value, Path) else value for name, value in request.items()}
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps({"language": "en", **texts})))
    return program()


@pytest.mark.parametrize(("running", "status", "points"), [(2, 0, 1), (1, 11, 0)])
def test_grade_judges_an_exercise_of_the_lab_folder(
    lab_folder: Path,
    lab: FakeLab,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    running: int,
    status: int,
    points: int,
) -> None:
    lab.tasks = lab.tasks[:running]
    report = lab_folder / ".labgen" / "report"
    assert asked(monkeypatch, grading.main, folder=lab_folder, report=report, exercises=["greeting"]) == status
    graded = json.loads((report / "report.json").read_text(encoding="utf-8"))
    (exercise,) = graded["exercises"]
    assert (exercise["name"], exercise["title"], exercise["points"]["got"]) == ("greeting", "A greeting", points)
    assert "All 2 replicas of the service greeting run." in capsys.readouterr().out
    assert asked(monkeypatch, explaining.main, folder=lab_folder, check="greeting.running") == 0
    assert "greeting.running  (1 point)" in capsys.readouterr().out


def test_pytest_collects_an_exercise_of_the_lab_folder(
    lab_folder: Path, lab: FakeLab, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    del lab
    monkeypatch.chdir(lab_folder)
    words = ("-p", "verify.plugin", "-p", "no:cacheprovider", "--rootdir", str(lab_folder), "verify")
    result = pytester.runpytest_inprocess(*words, "--exercise", "greeting", "--json", "report.json", "-v")
    assert result.ret == 0, result.stdout.str()
    result.stdout.fnmatch_lines(["*verify/greeting::test_running PASSED*"])


@pytest.fixture
def handed_in(lab_folder: Path) -> Path:
    """Evidence in a lab folder that is handed in with it, whose exercises say when they are run."""
    file = lab_folder / "kim.jsonl"
    file.write_text(bundle.write(Recorded("update").evidence), encoding="utf-8")
    for name in ("exercise", "checks", "steps"):
        code = f"from pathlib import Path\nPath({str(lab_folder.parent / 'ran')!r}).touch()\n"
        (lab_folder / "exercises" / "greeting" / f"{name}.py").write_text(code, encoding="utf-8")
    return file


def test_grade_from_takes_no_exercise_of_the_folder(
    lab_folder: Path, handed_in: Path, monkeypatch: pytest.MonkeyPatch, pytester: pytest.Pytester
) -> None:
    monkeypatch.chdir(lab_folder)
    assert cli.main(["grade", "--from", "kim.jsonl"]) == 0
    assert cli.main(["explain", "update.history", "--from", "kim.jsonl"]) == 0
    assert cli.main(["grade", "--from", "kim.jsonl", "greeting"]) != 0
    words = ("-p", "verify.plugin", "-p", "no:cacheprovider", "--rootdir", str(lab_folder), "verify")
    pytester.runpytest_inprocess(*words, "--exercise", "update", f"--from={handed_in}")
    assert not (lab_folder.parent / "ran").exists()
    # The counter-proof: it runs where somebody carries exercises out in his own folder.
    cli.main(["run", "--list"])
    assert (lab_folder.parent / "ran").exists()
