"""A kit with the real packages, and labgen installed from it where there is no network."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from labgen.kit import own_wheel
from labgen.kit.check import this_computer
from labgen.kit.platforms import PLATFORMS

CHECKOUT = Path(__file__).parents[3]
Run = Callable[..., "subprocess.CompletedProcess[str]"]

pytestmark = pytest.mark.skipif(
    this_computer().platform not in PLATFORMS or sys.implementation.name != "cpython",
    reason="no kit is for this computer",
)


def run(*words: str | Path, folder: Path = CHECKOUT, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program, and give what it printed."""
    variables = {**os.environ, "PYTHONUTF8": "1", **environment}
    return subprocess.run(
        words, cwd=folder, env=variables, capture_output=True, text=True, encoding="utf-8", timeout=600
    )


def options() -> list[str]:
    """Give the options of a kit for this computer and Python."""
    computer = this_computer()
    return ["--for", computer.platform, "--python", computer.python, "--without-nodes"]


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A kit for this computer, with packages from the index that this user's pip has."""
    folder = tmp_path_factory.mktemp("classroom") / "교실 키트"
    made = run(sys.executable, "-m", "labgen", "kit", "make", folder, *options())
    if "pip reaches no package index" in made.stderr:
        pytest.skip("no package index can be reached")
    assert made.returncode == 0, made.stderr
    return folder


@pytest.fixture(scope="module")
def offline(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run a program where there is no network: in an empty network namespace, if this user may make one."""
    prefix = ("unshare", "--net")
    try:
        allowed = subprocess.run([*prefix, "true"], capture_output=True, timeout=10).returncode == 0
    except FileNotFoundError:
        allowed = False

    def start(*words: str | Path, **options: object) -> subprocess.CompletedProcess[str]:
        settings = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", "PYTHONPATH": "", **options}
        return run(*(prefix if allowed else ()), *words, **settings)  # type: ignore[arg-type]

    return start


@pytest.fixture(scope="module")
def environment(kit: Path, offline: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a fresh environment with labgen, installed by the line of the start page."""
    place = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", place], check=True, timeout=120)
    programs = place / ("Scripts" if os.name == "nt" else "bin")
    line = ["-I", "-m", "pip", "install", "--no-index", "--find-links", "wheels", "labgen"]
    installed = offline(programs / "python", *line, folder=kit)
    assert installed.returncode == 0, installed.stdout + installed.stderr
    return programs


def test_kit_check_py_ends_well_before_anything_is_installed(kit: Path, offline: Run) -> None:
    result = offline(sys.executable, "-I", "-S", kit / "check.py", "--lang", "en")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "python -I -m pip install --no-index --find-links wheels labgen" in result.stdout


def test_kit_gives_a_labgen_that_works_without_a_network(
    kit: Path, environment: Path, offline: Run, tmp_path: Path
) -> None:
    labgen = environment / "labgen"
    checked = offline(labgen, "kit", "check", "--lang", "en", folder=kit)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert offline(labgen, "init", tmp_path / "lab", folder=tmp_path).returncode == 0
    (tmp_path / "lab" / "lab.yml").write_text((kit / "lab.yml").read_text(encoding="utf-8"), encoding="utf-8")
    doctor = offline(labgen, "doctor", folder=tmp_path / "lab")
    assert doctor.returncode in (0, 5), doctor.stderr
    assert "Traceback" not in doctor.stdout + doctor.stderr
    assert offline(labgen, "render", folder=tmp_path / "lab").returncode == 0


def test_kit_check_names_a_byte_that_was_changed(kit: Path, environment: Path, offline: Run) -> None:
    wheel = kit / "wheels" / own_wheel.NAME
    content = bytearray(wheel.read_bytes())
    content[1000] ^= 1
    before = wheel.read_bytes()
    try:
        wheel.write_bytes(content)
        result = offline(environment / "labgen", "kit", "check", "--lang", "en", folder=kit)
    finally:
        wheel.write_bytes(before)
    assert result.returncode == 6
    assert f"changed: wheels/{own_wheel.NAME} has another content" in result.stdout


def test_kit_can_be_made_by_the_labgen_that_was_installed_from_one(
    kit: Path, environment: Path, offline: Run, tmp_path: Path
) -> None:
    made = offline(
        *(environment / "labgen", "kit", "make", tmp_path / "kit", *options()),
        folder=tmp_path,
        PIP_FIND_LINKS=(kit / "wheels").as_uri(),  # pip takes a space for the end of a path
    )
    assert made.returncode == 0, made.stderr

    def members(folder: Path) -> dict[str, bytes]:
        with zipfile.ZipFile(folder / "wheels" / own_wheel.NAME) as wheel:
            return {name: wheel.read(name) for name in wheel.namelist() if not name.endswith("/RECORD")}

    assert members(tmp_path / "kit") == members(kit)
    others = {path.name: path.read_bytes() for path in (kit / "wheels").iterdir() if path.name != own_wheel.NAME}
    again = {path.name: path.read_bytes() for path in (tmp_path / "kit" / "wheels").iterdir()}
    assert {name: content for name, content in again.items() if name != own_wheel.NAME} == others
    fresh = tmp_path / "fresh"
    subprocess.run([sys.executable, "-m", "venv", fresh], check=True, timeout=120)
    python = fresh / environment.name / "python"
    line = ["-m", "pip", "install", "--no-index", "--no-deps", "--find-links", "wheels", "labgen"]
    assert offline(python, *line, folder=tmp_path / "kit").returncode == 0
