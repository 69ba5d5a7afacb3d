"""The bundle for bug reports: what is in it, what is cut out, and where it does not go."""

from __future__ import annotations

import json
import os
import stat
import zipfile
from pathlib import Path

import pytest

from labgen import cli
from labgen.apps import support
from labgen.model.lab_folder import LabFolder
from labgen.providers import doctor
from tests import needs

PASSWORD = "hunter2-and-more"


class _Diagnosis:
    """Stands in for what the doctor finds."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LabFolder:
    monkeypatch.setattr(doctor, "examine", lambda *_: _Diagnosis())
    monkeypatch.setattr(doctor, "as_json", lambda _: {"findings": []})
    lab = LabFolder.at(tmp_path / "lab")
    lab.logs.mkdir(parents=True)
    lab.lab_file.write_text("workers: 1\n", encoding="utf-8")
    (lab.own / "state.json").write_text('{"version": 2, "provider": "docker"}', encoding="utf-8")
    (lab.logs / "vagrant.log").write_text(f"export DB_PASSWORD={PASSWORD}\nbooting\n", encoding="utf-8")
    return lab


def texts(folder: LabFolder) -> dict[str, str]:
    return {part.name: part.text for part in support.collect(folder)}


def test_collect_takes_what_says_what_happened(folder: LabFolder) -> None:
    parts = texts(folder)
    assert set(parts) == {"versions.txt", "doctor.json", "lab.yml", "labgen/state.json", "logs/vagrant.log"}
    assert parts["lab.yml"] == "workers: 1\n"
    assert parts["versions.txt"].startswith("labgen ")
    assert json.loads(parts["doctor.json"]) == {"findings": [], "lab_file_error": None}


def test_collect_cuts_secrets_out(folder: LabFolder) -> None:
    folder.lab_file.write_text(f"workers: 1\n# docker login -u kim --password {PASSWORD}\n", encoding="utf-8")
    parts = texts(folder)
    assert PASSWORD not in "".join(parts.values())
    assert "booting" in parts["logs/vagrant.log"]


@pytest.mark.parametrize(
    "line",
    [
        "proxy: http://kim:hunter2@proxy:3128",
        "proxy: {http: 'http://kim:hunter2@proxy:3128', https: 'http://kim:hunter2@proxy:3128'}",
        "proxy: http://kim:hun/ter2@proxy:3128",
        "proxy: 'http://kim:p@hunter2@proxy",
        "proxy: kim:hunter2@proxy:3128",
        "proxy: http://hunter2@proxy:3128",
        "# proxy: http://kim:hunter2 @proxy:3128",
        "- http://kim:hunter2@proxy",
        "proxy:\n  http:\n    http://kim:hunter2@proxy: 3",
        "kim: {hunter2@proxy: [",
        "hunter2@proxy",
    ],
)
def test_collect_cuts_the_password_of_a_proxy_out(folder: LabFolder, line: str) -> None:
    folder.lab_file.write_text(f"workers: 1\n{line}\nname: kept\n", encoding="utf-8")
    parts = texts(folder)
    assert not any("ter2" in text for text in parts.values())
    assert parts["lab.yml"].startswith("workers: 1\n")
    assert parts["lab.yml"].endswith("\nname: kept\n")


def test_collect_follows_no_link(folder: LabFolder, tmp_path: Path) -> None:
    needs.posix("links")
    outside = tmp_path / "id_rsa"
    outside.write_text("mine", encoding="utf-8")
    (folder.logs / "other.log").symlink_to(outside)
    folder.lab_file.unlink()
    folder.lab_file.symlink_to(outside)
    assert "mine" not in "".join(texts(folder).values())
    folder.own.rename(tmp_path / "elsewhere")
    folder.own.symlink_to(tmp_path / "elsewhere")
    assert set(texts(folder)) == {"versions.txt", "doctor.json"}


def test_collect_does_not_wait_for_a_pipe(folder: LabFolder) -> None:
    needs.posix("pipes")
    os.mkfifo(folder.logs / "pipe.log")
    assert "logs/pipe.log" not in texts(folder)


def test_collect_takes_whole_lines_of_a_long_log(folder: LabFolder) -> None:
    line = f"password={PASSWORD}\n"
    (folder.logs / "vagrant.log").write_text(line * (support._LONGEST // len(line) + 99), encoding="utf-8")
    log = texts(folder)["logs/vagrant.log"]
    assert PASSWORD[-6:] not in log
    assert 0 < len(log) <= support._LONGEST


def test_collect_takes_the_last_logs(folder: LabFolder) -> None:
    for number in range(support._MOST_LOGS + 3):
        log = folder.logs / f"{number}.log"
        log.write_text("x")
        os.utime(log, (number + 2e9, number + 2e9))
    logs = [name for name in texts(folder) if name.startswith("logs/")]
    assert logs == [f"logs/{number}.log" for number in range(support._MOST_LOGS + 2, 2, -1)]


def test_collect_says_what_is_wrong_with_the_lab_file(folder: LabFolder) -> None:
    folder.lab_file.write_text("workers: two\n", encoding="utf-8")
    assert "workers" in json.loads(texts(folder)["doctor.json"])["lab_file_error"]


def test_support_writes_a_bundle_for_the_user_alone_and_lists_it(
    folder: LabFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = tmp_path / "bundle.zip"
    assert cli.main(["-C", str(folder.path), "support", str(bundle)]) == 0
    if os.name == "posix":
        assert stat.S_IMODE(bundle.stat().st_mode) == 0o600
    printed = capsys.readouterr().out
    with zipfile.ZipFile(bundle) as archive:
        assert set(archive.namelist()) == set(texts(folder))
        for name in archive.namelist():
            assert name in printed


def test_support_refuses_to_overwrite(
    folder: LabFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    mine = tmp_path / "labgen-support.zip"
    mine.write_text("mine")
    assert cli.main(["-C", str(folder.path), "support"]) == 5
    assert "already exists" in capsys.readouterr().err
    assert mine.read_text() == "mine"


def test_support_says_that_it_cannot_write(
    folder: LabFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["-C", str(folder.path), "support", str(tmp_path / "nowhere" / "x.zip")]) == 5
    assert "cannot be written" in capsys.readouterr().err
