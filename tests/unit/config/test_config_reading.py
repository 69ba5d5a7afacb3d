"""Reading lab.yml: what may lie at its name, and files whose names nearly are that."""

import os
import socket

import pytest

from labgen.config import load, of_folder
from labgen.config.reading import LONGEST
from labgen.core.errors import LabFileError
from tests import needs


def refused(folder):
    """The one sentence that a folder's lab file gets."""
    with pytest.raises(LabFileError) as why:
        of_folder(folder)
    assert all(problem.reason and problem.fix for problem in why.value.problems)
    return str(why.value)


def test_load_reads_the_file_named_and_no_other(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lab.yml").write_text("workers: 5")
    (tmp_path / "other.yml").write_bytes(b"\xef\xbb\xbfworkers: 1\n")
    assert len(load(tmp_path / "other.yml").workers) == 1
    # The course's lab is the same wherever labgen is typed.
    assert len(load().workers) == 2
    with pytest.raises(LabFileError, match="does not exist"):
        load(tmp_path / "third.yml")


def test_reading_of_folder_reads_no_other_folders_file(tmp_path, monkeypatch):
    (tmp_path / "lab.yml").write_text("workers: 5")
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path)
    assert len(of_folder(tmp_path / "sub").workers) == 2


@pytest.mark.parametrize(
    "name", ["lab.yaml", "Lab.yml", "LAB.YML", "lab.yml.txt", "lab.yaml.txt", "lab.yml.yml", "labgen.yml", " lab.yml"]
)
def test_reading_of_folder_refuses_a_name_that_is_nearly_right(tmp_path, name):
    (tmp_path / name).write_text("workers: 5\n")
    assert f"{name}: 1 mistake" in refused(tmp_path)
    assert "is not read: labgen reads lab.yml. Rename it to lab.yml" in refused(tmp_path)


def test_reading_of_folder_warns_of_a_second_file_beside_lab_yml(tmp_path):
    (tmp_path / "lab.yml").write_text("workers: 1\n")
    (tmp_path / "lab.yaml").write_text("workers: 5\n")
    lab = of_folder(tmp_path)
    assert len(lab.workers) == 1
    assert tuple(map(str, lab.warnings)) == ("lab.yaml is not read: labgen reads lab.yml. Rename or remove lab.yaml.",)


@pytest.mark.parametrize("name", ["lab2.yml", "lab.yml.bak", "lab.yml~", "lab.schema.json", "labs.yml"])
def test_reading_of_folder_leaves_other_files_alone(tmp_path, name):
    (tmp_path / name).write_text("workers: 5\n")
    assert of_folder(tmp_path).warnings == ()


def test_reading_of_folder_takes_lab_yml_under_another_case_for_itself(tmp_path):
    """As on Windows and macOS, where both names lead to the same file."""
    (tmp_path / "lab.yml").write_text("workers: 1\n")
    os.link(tmp_path / "lab.yml", tmp_path / "Lab.yml")
    assert of_folder(tmp_path).warnings == ()


def test_reading_of_folder_refuses_a_link_that_leads_nowhere(tmp_path):
    needs.posix("links")
    (tmp_path / "lab.yml").symlink_to("gone.yml")
    assert "is a link to 'gone.yml', which is not there" in refused(tmp_path)


def test_reading_of_folder_refuses_a_link_that_leads_to_itself(tmp_path):
    needs.posix("links")
    (tmp_path / "lab.yml").symlink_to("lab.yml")
    assert "cannot be read" in refused(tmp_path)


def test_reading_of_folder_follows_a_link_to_a_file(tmp_path):
    needs.posix("links")
    (tmp_path / "shared.yml").write_text("workers: 1\n")
    (tmp_path / "lab.yml").symlink_to("shared.yml")
    assert len(of_folder(tmp_path).workers) == 1


def _folder(path):
    path.mkdir()


def _fifo(path):
    needs.posix("pipes in folders")
    os.mkfifo(path)


def _socket(path):
    needs.posix("sockets in folders")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))


def _device(path):
    needs.posix("devices")
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("make", [_folder, _fifo, _socket, _device])
def test_reading_of_folder_refuses_what_is_no_file(tmp_path, monkeypatch, make):
    monkeypatch.chdir(tmp_path)
    make((tmp_path / "lab.yml").relative_to(tmp_path))
    assert "is not a file" in refused(tmp_path)


def test_reading_of_folder_refuses_a_file_that_is_too_long(tmp_path):
    (tmp_path / "lab.yml").write_bytes(b"# " + b"x" * LONGEST)
    assert "is longer than 64 KiB" in refused(tmp_path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"workers: 1\nname: \xff", "line 2, file: is not UTF-8 (byte 17)"),
        ("workers: 1".encode("utf-16"), "is UTF-16, as Windows PowerShell writes"),
        ("name: 실습".encode("cp949"), "is not UTF-8"),
        ("workers: 1".encode("utf-16-le"), "holds a character that YAML does not allow"),
    ],
)
def test_reading_of_folder_names_the_encoding_that_is_wrong(tmp_path, content, words):
    (tmp_path / "lab.yml").write_bytes(content)
    assert words in refused(tmp_path)
