"""labgen's wheel for a kit: packed again from what is installed, or one that is named."""

from __future__ import annotations

import zipfile
from importlib import metadata
from pathlib import Path

import pytest

import labgen
from labgen.core.errors import HostError
from labgen.core.process import Runner
from labgen.kit import own_wheel

INFORMATION = f"labgen-{labgen.__version__}.dist-info"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which labgen is installed, with what an installer adds."""
    site = tmp_path / "site"
    contents = {
        "labgen/__init__.py": b"x = 1\n",
        "verify/plugin.py": b"",
        f"{INFORMATION}/WHEEL": b"Wheel-Version: 1.0\n",
        f"{INFORMATION}/INSTALLER": b"pip\n",
        "labgen/__pycache__/__init__.cpython-312.pyc": b"compiled",
    }
    record = "../../bin/labgen,,\n"
    for name, content in contents.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_bytes(content)
        record += f"{name},sha256={own_wheel._checksum(content)},{len(content)}\n"
    (site / INFORMATION / "RECORD").write_text(record, encoding="utf-8")
    distribution = metadata.PathDistribution(site / INFORMATION)
    monkeypatch.setattr(metadata, "distribution", lambda _name: distribution)
    monkeypatch.setattr(own_wheel, "INSTALLED", site)
    return site


def test_put_packs_the_installed_files_the_same_each_time(site: Path, tmp_path: Path) -> None:
    wheel = own_wheel.put(tmp_path / "one", Runner())
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert names == [f"{INFORMATION}/WHEEL", "labgen/__init__.py", "verify/plugin.py", f"{INFORMATION}/RECORD"]
    assert own_wheel.put(tmp_path / "two", Runner()).read_bytes() == wheel.read_bytes()


def test_put_refuses_installed_files_that_were_changed(site: Path, tmp_path: Path) -> None:
    (site / "labgen" / "__init__.py").write_bytes(b"x = 2\n")
    with pytest.raises(HostError, match="was changed after labgen was installed"):
        own_wheel.put(tmp_path / "kit", Runner())
    assert not (tmp_path / "kit" / own_wheel.NAME).exists()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("notes.txt", b"", "is not a wheel"),
        (own_wheel.NAME, b"no archive", "is not a wheel"),
        ("none-1.0-py3-none-any.whl", None, "is not a wheel"),
    ],
)
def test_put_refuses_a_file_that_is_no_wheel(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(HostError, match=message):
        own_wheel.put(tmp_path / "kit", Runner(), tmp_path / name)


def test_put_refuses_the_wheel_of_another_version(site: Path, tmp_path: Path) -> None:
    wheel = own_wheel.put(tmp_path, Runner())
    later = wheel.rename(tmp_path / "labgen-99.0-py3-none-any.whl")
    with pytest.raises(HostError, match=r"it is labgen 99\.0"):
        own_wheel.put(tmp_path / "kit", Runner(), later)
    copied = own_wheel.put(tmp_path / "kit", Runner(), later.rename(wheel))
    assert copied.read_bytes() == wheel.read_bytes()
