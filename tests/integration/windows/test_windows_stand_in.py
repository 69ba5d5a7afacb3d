"""labgen as a whole on something like Windows: from a clone with CRLF, in a folder with a Korean name."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from verify import bundle

HERE = Path(__file__).parent
CHECKOUT = HERE.parents[2]
sys.path.insert(0, str(CHECKOUT / "tests" / "unit" / "verify"))
from recorded import Recorded  # noqa: E402

pytestmark = pytest.mark.skipif(os.name != "posix", reason="it stands in for Windows where that is not")

INTERPRETER = """#!/bin/sh
# Not by the environment, which labgen hands on in part. Without a locale Python would speak UTF-8 of itself.
LC_CTYPE=C.UTF-8 PYTHONUTF8="${{PYTHONUTF8:-0}}" STAND_IN_CODE_PAGE='{code_page}' \\
  STAND_IN_PYTHON='{wrapper}' exec "{python}" "{program}" "$@"
"""
LAUNCHER = """#!/bin/sh
# As vagrant.exe: it ignores Ctrl-C, starts another program with its own output, and waits for that.
trap '' INT
STAND_IN_PORT={port} "{python}" "{program}" "$@" &
wait $!
"""
VBOXMANAGE = """#!/bin/sh
case "$*" in *--version*) echo 7.2.8r1;; "list systemproperties") echo "API version: 7_2";; esac
"""

Type = Callable[..., subprocess.CompletedProcess[bytes]]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The code as Git for Windows checks it out where nothing forbids that: CRLF."""
    place = tmp_path_factory.mktemp("clone") / "도커 labgen"
    for name in ("labgen", "provision", "verify"):
        shutil.copytree(CHECKOUT / name, place / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(CHECKOUT / "Vagrantfile.j2", place / "Vagrantfile.j2")
    for path in place.rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
    return place


def _closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


@pytest.fixture(params=["cp949", "cp1252"])
def typed(request: pytest.FixtureRequest, clone: Path, tmp_path: Path) -> Type:
    """Types a command of labgen's, in a folder, with Windows' programs."""
    programs = tmp_path / "programs"
    programs.mkdir()
    interpreter = programs / "python.exe"
    scripts = {
        interpreter: INTERPRETER.format(
            code_page=request.param, wrapper=interpreter, python=sys.executable, program=HERE / "python_of_windows.py"
        ),
        programs / "vagrant": LAUNCHER.format(
            port=_closed_port(), python=sys.executable, program=HERE / "vagrant_of_windows.py"
        ),
        programs / "VBoxManage": VBOXMANAGE,
    }
    for path, text in scripts.items():
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)
    home = tmp_path / "김 철수"
    home.mkdir()
    environment = {
        "PATH": f"{programs}{os.pathsep}/usr/bin{os.pathsep}/bin",
        "HOME": str(home),
        "USERPROFILE": str(home),
        "USERNAME": "김 철수",
        "TEMP": str(tmp_path),
        "PYTHONPATH": str(clone),
        "LABGEN_ALLOW_RECORDINGS": "1",
        "LABGEN_TRACEBACK": "1",
    }

    def run(*words: str, folder: Path = tmp_path, module: str = "labgen") -> subprocess.CompletedProcess[bytes]:
        done = subprocess.run(
            [interpreter, "-m", module, *words], cwd=folder, env=environment, capture_output=True, timeout=180
        )
        # labgen speaks UTF-8 whatever the code page is; pytest typed by hand is pytest's own.
        output = (done.stdout + done.stderr).decode(request.param if module == "pytest" else "utf-8")
        assert "Traceback" not in output, output
        assert "�" not in output, output
        return done

    return run


@pytest.fixture
def lab(typed: Type, tmp_path: Path) -> Path:
    """A lab folder with a Korean name."""
    assert typed("init", "도커 실습").returncode == 0
    return tmp_path / "도커 실습"


def test_init_says_what_to_type_in_powershell(typed: Type, tmp_path: Path) -> None:
    done = typed("init", "도커 실습")
    assert done.stdout.decode().splitlines()[-1] == "Next:  cd '도커 실습'  and then  labgen up"
    assert (tmp_path / "도커 실습" / "fabfile.py").exists()


def test_lab_comes_up_and_goes_away(typed: Type, lab: Path) -> None:
    text = "name: 도커 실습\nprovider: virtualbox\nbox: {name: kim/box, url: 상자.box}\n"
    (lab / "lab.yml").write_text(text, encoding="utf-8-sig", newline="\r\n")
    (lab / "상자.box").touch()
    up = typed("up", "--no-bootstrap", folder=lab)
    assert up.returncode == 0, up.stderr.decode()
    assert "The machines run." in up.stdout.decode()
    config = (lab / ".labgen" / "ssh_config").read_text(encoding="utf-8")
    assert "도커 실습/.vagrant/machines/swarm-manager/virtualbox/private_key" in config
    assert "Control" not in config
    assert typed("render", folder=lab).stdout.decode().rstrip().endswith("Vagrantfile: unchanged")
    status = typed("status", "--json", folder=lab)
    assert status.returncode == 7
    told = json.loads(status.stdout)
    assert told["machines"] == dict.fromkeys(("swarm-manager", "swarm-worker1", "swarm-worker2"), "running")
    assert "swarm-manager" in told["trouble"]
    grade = typed("grade", folder=lab)
    assert grade.returncode == 12
    down = typed("down", folder=lab)
    assert down.returncode == 0, down.stderr.decode()
    assert not (lab / ".labgen" / "state.json").exists()


def test_doctor_looks_at_everything(typed: Type, lab: Path) -> None:
    done = typed("doctor", "--json", folder=lab)
    assert done.returncode in (0, 5)
    assert {finding["provider"] for finding in json.loads(done.stdout)["findings"]} >= {"virtualbox"}


def test_windows_stand_in_exercise_is_rehearsed(typed: Type, lab: Path) -> None:
    done = typed("run", "loadbalance", "--dry-run", folder=lab)
    assert done.returncode == 0
    assert "docker service create --name web-alb" in done.stdout.decode()
    assert "로드 밸런싱" in typed("brief", "loadbalance", "--lang", "ko", folder=lab).stdout.decode()


def test_fab_by_hand_lists_its_tasks_and_rehearses(typed: Type, lab: Path) -> None:
    tasks = typed("-l", folder=lab, module="fabric")
    assert tasks.returncode == 0
    assert "exercise.loadbalance" in tasks.stdout.decode()
    assert typed("exercise.update", "--dry-run", folder=lab, module="fabric").returncode == 0


def test_pytest_by_hand_says_that_there_is_no_lab(typed: Type, lab: Path) -> None:
    done = typed("verify/", folder=lab, module="pytest")
    assert done.returncode == 4
    assert b"is not up" in done.stdout + done.stderr


def test_evidence_is_graded_and_explained(typed: Type, tmp_path: Path) -> None:
    evidence = tmp_path / "김철수.jsonl"
    evidence.write_text(bundle.write(Recorded("update").evidence), encoding="utf-8", newline="\n")
    graded = typed("grade", "update", "--from", "김철수.jsonl", "--lang", "ko")
    assert graded.returncode in (0, 11, 12), graded.stderr.decode()
    report = tmp_path / "김철수-report"
    assert json.loads((report / "report.json").read_text(encoding="utf-8"))["version"] >= 5
    assert "서비스" in (report / "report.html").read_text(encoding="utf-8")
    assert typed("explain", "update.history", "--from", "김철수.jsonl", "--lang", "ko").returncode == 0
