"""check.py and `labgen kit check`: a kit proved whole, and fit for a computer, by Python alone."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from package_index import Index, make_kit

from labgen import cli
from labgen.kit import check
from labgen.kit.check import DAMAGED, UNSUITABLE, WELL, Computer
from tests import needs

HERE = Computer("linux-amd64", "3.12", 64, "cpython", "2.36", "")


def checked(kit: Path, computer: Computer = HERE, installed: bool = False) -> tuple[int, str]:
    """Check a kit as a computer, and give exit status and lines in English."""
    lines: list[str] = []
    status = check.check(kit, lambda text: lines.append(text.msgid % text.values), installed, computer)
    return status, "\n".join(lines)


@pytest.fixture(autouse=True)
def large_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk with room for the lab."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: shutil._ntuple_diskusage(1 << 40, 0, 1 << 40))  # type: ignore[attr-defined]


def test_check_of_a_whole_kit_ends_with_the_commands_of_this_computer(kit: Path) -> None:
    status, lines = checked(kit)
    assert status == WELL
    assert check.digest(kit / "manifest.json") in lines
    assert lines.index("  python3.12 -I -m venv ~/labgen-python") < lines.index("  labgen up --provider virtualbox")
    assert "venv" not in checked(kit, installed=True)[1]


def edit(kit: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the manifest of a kit."""
    content = json.loads((kit / "manifest.json").read_text(encoding="utf-8"))
    change(content)
    (kit / "manifest.json").write_text(json.dumps(content), encoding="utf-8")


PURE = "wheels/pure-1.0-py3-none-any.whl"


@pytest.mark.parametrize(
    ("damage", "line"),
    [
        (lambda kit: (kit / PURE).unlink(), f"missing: {PURE}"),
        (lambda kit: (kit / PURE).write_bytes(b"short"), f"changed: {PURE} has 5 bytes, and had 25"),
        (lambda kit: (kit / PURE).write_bytes(b"x" * 25), f"changed: {PURE} has another content"),
        (lambda kit: (kit / "check.ko.json").unlink(), "missing: check.ko.json"),
        (lambda kit: (kit / "wheels" / "evil-1-py3-none-any.whl").touch(), "surplus: wheels/evil-1-py3-none-any.whl"),
        (
            lambda kit: [(kit / "wheels" / name).touch() for name in ("pyvenv.cfg", "evil-1-py3-none-any.whl")],
            "surplus: wheels/evil-1-py3-none-any.whl",
        ),
        (lambda kit: (kit / PURE).unlink() or (kit / PURE).mkdir(), f"{PURE}"),
        (lambda kit: (kit / "manifest.json").unlink(), "it has no manifest.json"),
        (lambda kit: (kit / "manifest.json").write_text("{", encoding="utf-8"), "manifest.json was changed"),
        (lambda kit: (kit / "manifest.json").write_text("[" * 100000, encoding="utf-8"), "manifest.json was changed"),
        (lambda kit: (kit / "manifest.json").write_text("[]", encoding="utf-8"), "manifest.json was changed"),
        (lambda kit: edit(kit, lambda content: content.update(complete=False)), "not complete"),
        (lambda kit: edit(kit, lambda content: content.update(format=2)), "another version"),
        (
            lambda kit: edit(kit, lambda content: content["files"].append({"path": "../x", "size": 0, "sha256": ""})),
            "manifest.json was changed",
        ),
        *(
            (lambda kit, change=change: edit(kit, change), "manifest.json was changed")
            for change in (
                lambda content: content["platforms"]["linux-amd64"].update(room=10**400),
                lambda content: content["platforms"]["linux-amd64"].update(room="10"),
                lambda content: content["platforms"]["linux-amd64"]["oldest"].update(glibc="\N{SUPERSCRIPT TWO}"),
                lambda content: content["platforms"]["linux-amd64"]["oldest"].update(glibc="9" * 5000),
                lambda content: content["files"][0].update(path="a\0b"),
                lambda content: content["files"][0].update(path="a\ud800b"),
                lambda content: content["files"][0].update(path=""),
                lambda content: content["files"][0].update(size=-1),
                lambda content: content["files"][0].update(size=10**400),
            )
        ),
    ],
)
def test_check_names_what_is_wrong_with_a_kit(kit: Path, damage: Callable[[Path], object], line: str) -> None:
    damage(kit)
    status, lines = checked(kit)
    assert status == DAMAGED
    assert line in lines
    assert "labgen up" not in lines


@pytest.mark.parametrize("name", check.OWN_FOLDERS)
def test_check_refuses_a_folder_of_the_kit_that_is_a_link(kit: Path, tmp_path: Path, name: str) -> None:
    needs.posix("a link")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    if (kit / name).is_dir():
        shutil.copytree(kit / name, elsewhere, dirs_exist_ok=True)
        shutil.rmtree(kit / name)
    (elsewhere / "labgen-99.0-py3-none-any.whl").touch()
    (kit / name).symlink_to(elsewhere)
    status, lines = checked(kit)
    assert status == DAMAGED
    assert f"changed: {name} is a link to another folder" in lines.splitlines()


@pytest.mark.parametrize("name", ["json.py", "pip.PY", "json.pyc", "pip.so", "pip/__init__.py", "pip/__init__.pyd"])
def test_check_refuses_a_module_that_python_would_import_in_place_of_its_own(kit: Path, name: str) -> None:
    (kit / "pip").mkdir()
    (kit / name).touch()
    (kit / "pip" / "pyvenv.cfg").touch()
    status, lines = checked(kit)
    assert status == DAMAGED
    assert f"surplus: {name.split('/')[0]} is not of this kit: remove it" in lines.splitlines()
    assert name not in lines.partition("Beside the kit")[2]


@pytest.mark.parametrize("options", [[], ["-I"]])
def test_check_py_imports_nothing_from_the_kit_s_folder(kit: Path, options: list[str]) -> None:
    (kit / "json.py").write_text("import sys; sys.exit('imported')", encoding="utf-8")
    result = subprocess.run(
        [sys.executable, *options, "check.py", "--lang", "en"], cwd=kit, capture_output=True, text=True, timeout=60
    )
    assert result.returncode == DAMAGED, result.stderr
    assert "surplus: json.py is not of this kit" in result.stdout


def test_check_of_a_kit_that_is_reached_through_a_link_is_well(kit: Path, tmp_path: Path) -> None:
    needs.posix("a link")
    (tmp_path / "stick").symlink_to(kit.parent)
    assert checked(tmp_path / "stick" / kit.name)[0] == WELL


def test_check_takes_no_notice_of_what_systems_and_teachers_leave_beside_a_kit(kit: Path) -> None:
    (kit / "wheels" / "._pure-1.0-py3-none-any.whl").touch()
    (kit / "System Volume Information").mkdir()
    (kit / "System Volume Information" / "IndexerVolumeGuid").touch()
    (kit / "슬라이드.pdf").touch()
    (kit / "boxes").mkdir()
    (kit / "boxes" / "VirtualBox-7.2.exe").touch()
    (kit / ".venv" / "lib").mkdir(parents=True)
    (kit / "env" / "lib").mkdir(parents=True)
    for name in ("env/pyvenv.cfg", "env/lib/x.py", ".venv/lib/y.py"):
        (kit / name).touch()
    status, lines = checked(kit)
    assert status == WELL
    assert "Beside the kit, and not checked: 슬라이드.pdf, boxes/VirtualBox-7.2.exe" in lines.splitlines()


@pytest.mark.parametrize(
    ("computer", "line"),
    [
        (HERE._replace(platform="linux-arm64"), "not for this computer, which is linux-arm64. It is for: "),
        (HERE._replace(python="3.9"), "not for Python 3.9, which runs here. Start check.py with Python 3.12."),
        (HERE._replace(bits=32), "32 bits"),
        (HERE._replace(kind="free-threaded"), "free-threaded"),
        (HERE._replace(glibc="2.17"), "glibc 2.17, and the packages need 2.28"),
        (HERE._replace(glibc="0"), "too old"),
        (HERE._replace(platform="macos-arm64", glibc="", macos="11.7.10"), "macos 11.7.10"),
    ],
)
def test_check_says_why_a_computer_cannot_use_the_kit(kit: Path, computer: Computer, line: str) -> None:
    status, lines = checked(kit, computer)
    assert (status, line in lines) == (UNSUITABLE, True), lines


def test_check_says_that_the_disk_is_too_full(kit: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: shutil._ntuple_diskusage(1 << 40, 0, 3 << 30))  # type: ignore[attr-defined]
    status, lines = checked(kit)
    assert status == UNSUITABLE
    assert "has 3.0 GiB free; the lab takes 10 GiB" in lines


@pytest.mark.parametrize(
    ("system", "machine", "build", "name"),
    [
        ("Windows", "AMD64", "win-amd64", "windows-amd64"),
        ("Windows", "ARM64", "win-amd64", "windows-amd64"),
        ("Darwin", "arm64", "macosx-10.9-universal2", "macos-arm64"),
        ("Linux", "aarch64", "linux-aarch64", "linux-arm64"),
        ("FreeBSD", "amd64", "freebsd", "freebsd-amd64"),
    ],
)
def test_this_computer_is_named_for_its_python(
    monkeypatch: pytest.MonkeyPatch, system: str, machine: str, build: str, name: str
) -> None:
    monkeypatch.setattr("platform.system", lambda: system)
    monkeypatch.setattr("platform.machine", lambda: machine)
    monkeypatch.setattr("sysconfig.get_platform", lambda: build)
    monkeypatch.setattr(check, "WINDOWS", system == "Windows")
    assert check.this_computer().platform == name


def test_check_py_of_a_kit_runs_alone_in_korean_and_leaves_no_trace(kit: Path, tmp_path: Path) -> None:
    (kit / PURE).write_bytes(b"x" * 25)
    before = sorted(kit.rglob("*"))
    environment = {**os.environ, "LC_ALL": "ko_KR.UTF-8", "PYTHONUTF8": "1"}
    result = subprocess.run(
        [sys.executable, "-I", "-S", str(kit / "check.py")],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
    )
    assert result.returncode == DAMAGED, result.stderr
    assert f"바뀜: {PURE}의 내용이 다릅니다(SHA-256)" in result.stdout
    assert sorted(kit.rglob("*")) == before


def test_speaker_says_a_text_in_english_whose_translation_cannot_be_filled_in(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = check.Message("%(size)s bytes", {"size": 1 << 40})
    for translation in ("%(size)c", "%(other)s", "%(size)", "%(size)99999999999999999999d"):
        check.speaker({"%(size)s bytes": translation})(text)
    assert capsys.readouterr().out == f"{1 << 40} bytes\n" * 4


def test_check_py_is_read_by_python_3_8_and_imports_the_standard_library_only() -> None:
    tree = ast.parse(Path(check.__file__).read_text(encoding="utf-8"), feature_version=(3, 8))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {
        (node.module or "") if isinstance(node, ast.ImportFrom) else alias.name
        for node in imports
        for alias in node.names
    }
    assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names | {"__future__"}


def test_kit_check_command_checks_the_working_folder(
    kit: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(check, "this_computer", lambda: HERE)
    monkeypatch.chdir(kit)
    assert cli.main(["kit", "check", "--lang", "ko"]) == WELL
    assert "모든 파일이 만든 그대로입니다" in capsys.readouterr().out
    assert cli.main(["kit", "check", str(kit / "wheels")]) == DAMAGED


def test_check_is_for_another_platform_of_the_same_kit(index: Index, tmp_path: Path) -> None:
    kit = make_kit(tmp_path / "kit", "windows-amd64")
    status, lines = checked(kit, Computer("windows-amd64", "3.12", 64, "cpython", "", ""))
    assert status == WELL
    assert '  & "$HOME\\labgen-python\\Scripts\\Activate.ps1"' in lines.splitlines()
