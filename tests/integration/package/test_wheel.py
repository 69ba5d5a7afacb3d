"""labgen installed from a wheel, away from the checkout: a lab folder made by `labgen init` works."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from verify import bundle

CHECKOUT = Path(__file__).parents[3]
sys.path.insert(0, str(CHECKOUT / "tests" / "unit" / "verify"))
from recorded import Recorded  # noqa: E402


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel unpacked in it; what labgen depends on is this environment's.

    The wheel is the one that ``LABGEN_WHEEL`` names, as for a release, or is built from the checkout.
    """
    place = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    wheel = os.environ.get("LABGEN_WHEEL")
    if not wheel:
        wheels = place / "wheels"
        subprocess.run(
            [*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(wheels), str(CHECKOUT)], check=True
        )
        wheel = str(next(wheels.glob("*.whl")))
    target = place / "installed"
    subprocess.run([*pip, "install", "--no-deps", "--target", str(target), wheel], check=True)
    return target


def run(installed: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a module of the installed labgen in a folder."""
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    return subprocess.run(
        [sys.executable, "-m", *words], cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )


@pytest.mark.parametrize("package", ["labgen", "provision", "verify"])
def test_wheel_says_that_its_packages_are_typed(installed: Path, package: str) -> None:
    assert (installed / package / "py.typed").is_file()


def test_wheel_and_sdist_hold_no_recording(installed: Path, tmp_path: Path) -> None:
    assert not list(installed.rglob("recording.jsonl"))
    command = [sys.executable, "-m", "hatchling", "build", "--target", "sdist", "--directory", str(tmp_path)]
    subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True)
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as sdist:
        names = sdist.getnames()
    assert any(name.endswith("/loadbalance/checks.py") for name in names)
    assert not [name for name in names if name.endswith("recording.jsonl")]
    for name in ("loadbalance/recording.jsonl", "loadbalance/checks.py"):
        assert (CHECKOUT / "labgen" / "exercises" / name).is_file()


def test_wheel_refuses_a_recording(installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(bundle.ALLOW_RECORDINGS)
    file = tmp_path / "kim.jsonl"
    file.write_text(bundle.write(Recorded("update").evidence), encoding="utf-8")
    refused = run(installed, tmp_path, "labgen.cli", "grade", "update", "--from", str(file))
    assert refused.returncode == 14, refused.stdout
    assert "kim.jsonl cannot be graded: it is a recording that labgen is tested with" in refused.stdout + refused.stderr


def test_wheel_lab_folder_works_without_the_checkout(installed: Path, tmp_path: Path) -> None:
    where = run(installed, tmp_path, "labgen.cli", "init", "lab")
    assert where.returncode == 0, where.stderr
    lab = tmp_path / "lab"
    place = subprocess.run(
        [sys.executable, "-c", "import labgen, provision, verify; print(labgen.__file__, verify.__file__)"],
        cwd=lab,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert place.stdout.count(str(installed)) == 2

    rendered = run(installed, lab, "labgen.cli", "render")
    assert rendered.returncode == 0, rendered.stderr
    checkout = run(CHECKOUT, lab, "labgen.cli", "render", "--stdout").stdout
    assert (lab / "Vagrantfile").read_text(encoding="utf-8") == checkout

    tasks = run(installed, lab, "fabric", "-l")
    assert "exercise.loadbalance" in tasks.stdout

    rehearsed = run(installed, lab, "fabric", "exercise.loadbalance", "--dry-run")
    assert "docker service create --name web-alb" in rehearsed.stdout, rehearsed.stderr

    # No machine is there: one sentence, and the way out.
    (lab / "Vagrantfile").unlink()
    checks = run(installed, lab, "pytest", "verify/")
    assert checks.returncode == 4
    assert "is not up" in checks.stdout + checks.stderr
    assert "Traceback" not in checks.stdout + checks.stderr


def test_evidence_is_graded_and_explained_without_the_checkout(installed: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept.jsonl"
    kept.write_text(bundle.write(Recorded("update").evidence), encoding="utf-8")
    graded = run(installed, tmp_path, "labgen.cli", "grade", "update", "--from", str(kept), "--report", "out")
    # The recording may be older than some check of the swarm itself.
    assert graded.returncode in (0, 12), graded.stdout + graded.stderr
    told = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    (points,) = [one["points"] for one in told["exercises"] if one["name"] == "update"]
    assert points["got"] == points["of"] > 0
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "<style>\n:root {" in page
    assert (installed / "labgen" / "report" / "schema.json").exists()
    explained = run(installed, tmp_path, "labgen.cli", "explain", "update.history", "--from", str(kept), "--lang", "en")
    assert explained.returncode == 0, explained.stderr
    assert "The history shows both versions" in explained.stdout


PAGE = CHECKOUT / "docs" / "writing-an-exercise.md"
GREETING = dict(re.findall(r"(?ms)^```\w+ title=(\w[\w.]*)\n(.*?)^```$", PAGE.read_text(encoding="utf-8")))
PROJECT = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "my-exercises"
version = "1"

[project.entry-points."labgen.exercises"]
mine = "my_exercises"

[tool.hatch.build.targets.wheel]
packages = ["my_exercises"]
"""


@pytest.fixture(scope="module")
def with_exercises(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The installed labgen, and beside it a package with the exercise of docs/writing-an-exercise.md."""
    place = tmp_path_factory.mktemp("exercises")
    greeting = place / "project" / "my_exercises" / "greeting"
    greeting.mkdir(parents=True)
    for name, text in GREETING.items():
        (greeting / name).write_text(text, encoding="utf-8")
    (greeting.parent / "__init__.py").touch()
    (place / "project" / "pyproject.toml").write_text(PROJECT, encoding="utf-8")
    shutil.copytree(installed, place / "site")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    options = ["--no-deps", "--no-build-isolation", "--upgrade", "--target", str(place / "site")]
    subprocess.run([*pip, "install", *options, str(place / "project")], check=True)
    return place / "site"


def test_wheel_with_exercises_of_another_package(with_exercises: Path, tmp_path: Path) -> None:
    assert run(with_exercises, tmp_path, "labgen.cli", "init", "lab").returncode == 0
    lab = tmp_path / "lab"
    shown = run(with_exercises, lab, "labgen.cli", "run", "greeting", "--dry-run")
    assert "docker service create --name greeting --replicas 2" in shown.stdout, shown.stderr
    assert "exercise.greeting" in run(with_exercises, lab, "fabric", "-l").stdout
    explained = run(with_exercises, lab, "labgen.cli", "explain", "greeting.running", "--lang", "ko")
    assert "greeting 서비스의 복제본 2개가 모두 실행 중이다." in explained.stdout, explained.stderr
    (tmp_path / "kim.jsonl").write_text(bundle.write(Recorded("update").evidence), encoding="utf-8")
    graded = run(with_exercises, tmp_path, "labgen.cli", "grade", "greeting", "--from", "kim.jsonl")
    # The evidence is of another exercise.
    assert graded.returncode == 11, graded.stdout + graded.stderr
    assert "0 of 1 point" in graded.stdout
