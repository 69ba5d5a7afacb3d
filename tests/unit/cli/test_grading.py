"""`labgen grade` and `labgen explain` as processes: what is around them, folders and variables, changes no grade."""

from __future__ import annotations

import io
import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

from labgen import cli
from labgen.apps import grading
from labgen.core.environment import INSTALLED
from labgen.core.errors import LabFileError
from labgen.core.polling import NotYet, wait_until

sys.path.insert(0, str(Path(__file__).parents[1] / "verify"))
from recorded import Recorded

from tests import needs
from verify import bundle

MODULES = [
    "pytest",
    "json",
    "random",
    "types",
    "code",
    "difflib",
    "argparse",
    "re",
    "yaml",
    "labgen",
    "provision",
    "conftest",
    "sitecustomize",
    "usercustomize",
    "typing",
    "secrets",
    "token",
    "socket",
    "logging",
    "string",
    "filelock",
    "pluggy",
    "_pytest",
    "testinfra",
    "paramiko",
]
"""Names under which Python, pytest or labgen would import something of the working folder's."""


@pytest.fixture
def evidence(tmp_path: Path) -> Path:
    """What a grading of `update` has kept, in a folder of its own."""
    file = tmp_path / "handed in" / "kim.jsonl"
    file.parent.mkdir()
    file.write_text(bundle.write(Recorded("update").evidence), encoding="utf-8")
    return file


def summary(report: Path) -> dict[str, Any]:
    """What a grade comes to: the report without times."""
    report_json = json.loads((report / "report.json").read_text(encoding="utf-8"))
    checks = [(check["id"], check["verdict"], check["points"]) for check in report_json["checks"]]
    return {
        "verdict": report_json["verdict"],
        "points": report_json["points"],
        "complete": report_json["complete"],
        "checks": checks,
    }


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The grade that the evidence has, with nothing around it."""
    folder = tmp_path_factory.mktemp("right")
    (folder / "kim.jsonl").write_text(bundle.write(Recorded("update").evidence), encoding="utf-8")
    assert cli.main(["grade", "--from", str(folder / "kim.jsonl")]) == 0
    return summary(folder / "kim-report")


@pytest.fixture
def hostile(evidence: Path) -> Path:
    """The folder of the evidence, full of what would run if anything of it were imported or configured pytest."""
    folder = evidence.parent
    ran = folder.parent / "ran"
    ran.mkdir()
    for name in MODULES:
        (folder / f"{name}.py").write_text(f"open({str(ran / name)!r}, 'w')\n")
    for package in ("verify", "provision", "labgen", "encodings"):
        (folder / package).mkdir()
        (folder / package / "__init__.py").write_text(f"open({str(ran / package)!r}, 'w')\n")
    (folder / "verify" / "conftest.py").write_text(f"open({str(ran / 'conftest')!r}, 'w')\n")
    (folder / "evil.pth").write_text(f"import os; open({str(ran / 'pth')!r}, 'w')\n")
    for name, section in (("pytest.ini", "pytest"), ("tox.ini", "pytest"), ("setup.cfg", "tool:pytest")):
        (folder / name).write_text(f"[{section}]\naddopts = -k published -p conftest\npythonpath = .\n")
    (folder / "pyproject.toml").write_text('[tool.pytest.ini_options]\naddopts = "-k published"\n')
    (folder / "lab.yml").write_text("workers: 7\n")
    (folder / "Vagrantfile").write_text("raise 'read'\n")
    return folder


def typed(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Type a command of labgen's in a folder."""
    code = "import sys; from labgen import cli; sys.exit(cli.main())"
    return subprocess.run(
        [sys.executable, "-P", "-c", code, *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(INSTALLED)},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


def test_grade_runs_nothing_of_the_folder_it_is_called_in(hostile: Path, right: dict[str, Any]) -> None:
    grading = typed(hostile, "grade", "--from", "kim.jsonl")
    assert grading.returncode == 0, grading.stdout + grading.stderr
    assert summary(hostile / "kim-report") == right
    assert list((hostile.parent / "ran").iterdir()) == []


def test_grade_imports_nothing_of_a_folder_that_an_empty_entry_of_pythonpath_names(
    evidence: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What Python itself, and the script that starts labgen, import before labgen is the user's setting alone.
    for name in ("filelock", "yaml", "pydantic", "paramiko", "fabric"):
        (evidence.parent / f"{name}.py").write_text(f"open({str(evidence.parent / 'ran')!r}, 'w')\n")
    monkeypatch.setenv("PYTHONPATH", f":{INSTALLED}")
    code = "import sys; from labgen import cli; sys.exit(cli.main())"
    command = [sys.executable, "-P", "-c", code, "grade", "--from", "kim.jsonl"]
    assert subprocess.run(command, cwd=evidence.parent, capture_output=True, check=False).returncode == 0
    assert not (evidence.parent / "ran").exists()


@pytest.mark.parametrize("words", [("grade", "--from", "kim.jsonl"), ("explain", "update.history")])
@pytest.mark.parametrize("stage", ["7", "", "all"])
def test_hints_of_no_stage_are_refused_in_one_sentence(evidence: Path, words: tuple[str, ...], stage: str) -> None:
    refused = typed(evidence.parent, *words, "--hints", stage)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert f"{stage!r} is no stage of hints: choose 0 or none (no hints), 1 (what to look at)" in refused.stderr
    assert not [line for line in refused.stderr.splitlines() if "Traceback" in line]
    assert not (evidence.parent / "kim-report").exists()


@pytest.mark.parametrize(
    ("options", "printed", "in_files"),
    [
        ((), False, True),
        (("--hints", "2"), False, True),
        (("--hints", "3"), True, True),
        (("--hints", "none"), False, False),
    ],
)
def test_grade_shows_the_commands_of_hints_where_they_are_asked_for(
    evidence: Path, options: tuple[str, ...], printed: bool, in_files: bool
) -> None:
    words = ("grade", "ports", "--from", evidence.name, "--lang", "en", *options)
    grading = typed(evidence.parent, *words)
    command = "docker service create"
    assert grading.returncode == 11, grading.stdout + grading.stderr
    assert (command in grading.stdout) is printed
    assert ("--hints" in grading.stdout) is (options in ((), ("--hints", "2")))
    folder = evidence.parent / f"{evidence.stem}-report"
    having = {path.name for path in folder.iterdir() if command in path.read_text(encoding="utf-8")}
    assert ({"report.json", "report.html"} <= having) is in_files
    assert ({"report.txt", "report.md", "junit.xml"} <= having) is printed
    # JSON on standard output is the report's own.
    assert (command in typed(evidence.parent, *words, "--json").stdout) is in_files


def test_explain_runs_nothing_of_the_folder_it_is_called_in(hostile: Path) -> None:
    explained = typed(hostile, "explain", "update.history", "--from", "kim.jsonl")
    assert explained.returncode == 0, explained.stdout + explained.stderr
    assert "Verdict: pass" in explained.stdout
    assert list((hostile.parent / "ran").iterdir()) == []


def test_run_imports_nothing_of_the_lab_folder(hostile: Path) -> None:
    (hostile / "lab.yml").unlink()
    rehearsed = typed(hostile, "run", "update", "--dry-run")
    assert rehearsed.returncode == 0, rehearsed.stdout + rehearsed.stderr
    assert "docker service update" in rehearsed.stdout
    assert list((hostile.parent / "ran").iterdir()) == []


VARIABLES = {
    "PYTHONOPTIMIZE": "2",
    "PYTHONPATH": "{folder}",
    "PYTHONSTARTUP": "{folder}/json.py",
    "PYTHONINSPECT": "1",
    "PYTHONHOME": "{folder}",
    "PYTHONWARNINGS": "error",
    "PYTHONDEVMODE": "1",
    "PYTHONVERBOSE": "1",
    "PYTHONDEBUG": "1",
    "PYTHONIOENCODING": "ascii",
    "PYTHONUTF8": "0",
    "PYTHONPYCACHEPREFIX": "{folder}",
    "PYTHONBREAKPOINT": "json.py",
    "PYTHONPROFILEIMPORTTIME": "1",
    "PYTHONCASEOK": "1",
    "PYTHONHASHSEED": "0",
    "PYTHONNOUSERSITE": "1",
    "PYTHONFAULTHANDLER": "1",
    "PYTHONPLATLIBDIR": "x",
    "PYTHONEXECUTABLE": "{folder}/python",
    "PYTHONDUMPREFS": "1",
    "PYTEST_ADDOPTS": "-k published --collect-only --exercise=cluster -x -p nosuch",
    "PYTEST_PLUGINS": "nosuch,conftest",
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "",
    "PYTEST_DEBUG": "1",
    "PYTEST_THEME": "nosuch",
    "PYTEST_CURRENT_TEST": "x",
    "PYTEST_DEBUG_TEMPROOT": "/nonexistent",
    "PYTEST_XDIST_AUTO_NUM_WORKERS": "4",
    "COVERAGE_PROCESS_START": "{folder}/setup.cfg",
    "PY_COLORS": "1",
    "CI": "true",
    "VAGRANT_CWD": "{folder}",
    "VAGRANT_VAGRANTFILE": "Vagrantfile.mine",
    "VAGRANT_DOTFILE_PATH": ".vx",
    "INVOKE_RUN_ECHO": "1",
}
"""Variables that would change what Python, pytest or Vagrant does."""


def test_grade_is_the_same_whatever_variables_are_set(
    evidence: Path, right: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value.format(folder=evidence.parent))
    assert cli.main(["grade", "--from", str(evidence)]) == 0
    assert summary(evidence.with_name("kim-report")) == right
    assert "11 of 11 points" in capfd.readouterr().out


@pytest.mark.parametrize("name", ["PYTHONOPTIMIZE", "PYTEST_ADDOPTS"])
def test_grade_of_a_wrong_lab_stays_a_failure_whatever_is_set(
    evidence: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    recorded = Recorded("update")
    recorded.says("redis-cli INFO", lambda _: "redis_version:6.0.16")
    evidence.write_text(bundle.write(recorded.evidence), encoding="utf-8")
    monkeypatch.setenv(name, VARIABLES[name])
    assert cli.main(["grade", "--from", str(evidence)]) == 11


def request_of(evidence: Path, **more: Any) -> str:
    """A request for the grade of evidence, as `labgen grade` sends it."""
    handin = {"file": str(evidence), "report": str(evidence.parent / "report")}
    folders = {"folder": str(evidence.parent), "report": handin["report"]}
    return json.dumps({**folders, "language": "en", "handins": [handin], **more})


def test_grading_without_assertions_is_refused(evidence: Path) -> None:
    command = [sys.executable, "-O", "-P", "-m", "labgen.apps.grading"]
    environment = {**os.environ, "PYTHONPATH": str(INSTALLED)}
    grading = subprocess.run(
        command, input=request_of(evidence), env=environment, capture_output=True, text=True, check=False
    )
    assert grading.returncode == 1
    assert "leaves assertions out" in grading.stderr
    assert not (evidence.parent / "report").exists()


def test_grading_of_an_exercise_that_is_not_there_does_not_blame_the_evidence(
    evidence: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(request_of(evidence, exercises=["nosuch"])))
    assert grading.main() == 10
    assert "there is no exercise 'nosuch'" in capsys.readouterr().err


def test_grade_of_evidence_that_is_none_has_its_own_status(evidence: Path) -> None:
    evidence.write_text("{}\n")
    assert cli.main(["grade", "--from", str(evidence)]) == 14


def test_report_replaces_links_and_leaves_alone_what_they_lead_to(evidence: Path, tmp_path: Path) -> None:
    needs.posix("links and permission bits")
    mine = tmp_path / "mine"
    mine.write_text("mine")
    report = evidence.with_name("kim-report")
    report.mkdir()
    names = ("report.json", "report.html", "report.md", "report.txt", "junit.xml")
    for name in names:
        (report / name).symlink_to(mine)
    assert cli.main(["grade", "--from", str(evidence)]) == 0
    assert mine.read_text() == "mine"
    modes = {file.name: (file.is_symlink(), stat.S_IMODE(file.lstat().st_mode)) for file in report.iterdir()}
    assert modes == dict.fromkeys(names, (False, 0o600))


def test_report_is_not_written_through_a_link_in_its_folders_place(
    evidence: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    needs.posix("links")
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "report.json").write_text("mine")
    evidence.with_name("kim-report").symlink_to(mine)
    assert cli.main(["grade", "--from", str(evidence)]) == 5
    assert "--report DIR" in capsys.readouterr().err
    assert [file.read_text() for file in mine.iterdir()] == ["mine"]
    # Where the user names it, a link is the user's own.
    assert cli.main(["grade", "--from", str(evidence), "--report", str(evidence.with_name("kim-report"))]) == 0


def blocked_by_a_folder(report: Path) -> None:
    (report / "report.md" / "x").mkdir(parents=True)


def blocked_by_a_file(report: Path) -> None:
    report.write_text("")


@pytest.mark.parametrize("block", [blocked_by_a_folder, blocked_by_a_file])
def test_report_that_cannot_be_written_costs_no_grade(
    evidence: Path, block: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    report = evidence.parent / "report"
    block(report)
    status = cli.main(["grade", "--from", str(evidence), "--report", str(report)])
    printed = capfd.readouterr()
    if report.is_dir():
        assert "11 of 11 points" in printed.out
        assert (report / "report.json").exists()
    assert "cannot be written" in printed.out + printed.err
    assert "--report DIR" in printed.out + printed.err
    assert "Traceback" not in printed.out + printed.err
    assert status == 5


def test_grade_opens_the_page_of_the_report_where_it_is_asked_to(
    evidence: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pages: list[str] = []

    def launch(page: str) -> int:
        pages.append(page)
        return 1  # as where no browser can be started

    monkeypatch.setattr(click, "launch", launch)
    assert cli.main(["grade", "update", "--from", str(evidence)]) == 0
    assert pages == []
    assert cli.main(["grade", "update", "--from", str(evidence), "--open"]) == 0
    (page,) = map(Path, pages)
    assert page == evidence.with_name("kim-report") / "report.html"
    assert page.is_file()
    assert f"No browser could be started: open {page} yourself." in capsys.readouterr().err


@pytest.mark.parametrize("sign", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_grade_that_is_ended_leaves_no_process(evidence: Path, sign: str) -> None:
    needs.linux("/proc")
    code = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
        # Whoever runs the tests by nohup has it ignored, and labgen leaves it so.
        "signal.signal(signal.SIGHUP, signal.SIG_DFL); "
        "from labgen import cli; sys.exit(cli.main())"
    )
    command = [sys.executable, "-P", "-c", code, "grade", "--from", str(evidence)]
    environment = {**os.environ, "PYTHONPATH": str(INSTALLED)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as grading_process:
        children = Path(f"/proc/{grading_process.pid}/task/{grading_process.pid}/children")

        def started() -> str:
            if not (child := children.read_text().strip()):
                raise NotYet("it has started none")
            return child

        child = wait_until("labgen to start its child", started, within=30, every=0.01)
        grading_process.send_signal(signal.Signals[sign])
        _, error = grading_process.communicate(timeout=30)
    assert grading_process.returncode == 130
    assert error == "\nInterrupted. Run the same command again: it carries on.\n"
    assert not Path(f"/proc/{child}").exists()


def test_grade_of_hand_ins_refuses_a_lab_file_that_is_not_there(
    evidence: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = evidence.with_name("lb.yml")
    assert cli.main(["grade", "--from", str(evidence), "--lab-file", str(missing)]) == LabFileError.exit_status
    assert f"error: {missing}: 1 mistake" in capsys.readouterr().err
