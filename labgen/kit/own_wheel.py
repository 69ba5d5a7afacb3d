"""labgen's own wheel: built from a checkout, or packed again from the files that were installed from one."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import os
import tempfile
import zipfile
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path, PurePosixPath

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

import labgen
from labgen.core.environment import INSTALLED
from labgen.core.errors import HostError
from labgen.core.process import Runner, python
from labgen.kit.files import copy, writing

NAME = f"labgen-{labgen.__version__}-py3-none-any.whl"

_BUILD = 600.0
"""Deadline for building, seconds: a build back end may have to be downloaded."""

_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
_INSTALLERS_OWN = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")
"""Files that pip adds beside the metadata of a wheel, and the list of files, which is written again."""


def put(folder: Path, runner: Runner, file: Path | None = None) -> Path:
    """Put labgen's wheel into a folder.

    :param file: a wheel that was built already.
    :raises HostError: it is not labgen's of this version, or labgen's files cannot be made a wheel.
    """
    target = folder / NAME
    if file is not None:
        check(file)
        copy(file, target)
    elif (INSTALLED / "pyproject.toml").is_file():
        _build(INSTALLED, target, runner)
    else:
        _pack(metadata.distribution("labgen"), target)
    return target


def check(file: Path) -> None:
    """See that a file is the wheel of this labgen.

    :raises HostError: it is another file.
    """
    try:
        name, version, _build, _tags = parse_wheel_filename(file.name)
        with zipfile.ZipFile(file) as wheel:
            damaged = wheel.testzip()
    except (InvalidWheelFilename, zipfile.BadZipFile, OSError) as why:
        raise HostError(f"{file} is not a wheel: {why}.", "Name labgen's wheel: --wheel FILE") from None
    if (name, str(version)) != ("labgen", labgen.__version__) or damaged:
        problem = f"its {damaged} is damaged" if damaged else f"it is {name} {version}"
        raise HostError(
            f"{file} is not the wheel of labgen {labgen.__version__}: {problem}.",
            "A kit is made by the labgen that it carries: install that wheel first, or leave --wheel out.",
        )


def _build(checkout: Path, target: Path, runner: Runner) -> None:
    isolation = ["--no-build-isolation"] if find_spec("hatchling") else []
    with tempfile.TemporaryDirectory(prefix="labgen-kit-") as place:
        command = [python(), "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps", *isolation]
        environment = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
        runner.run([*command, "--wheel-dir", place, checkout], timeout=_BUILD, cwd=checkout, env=environment).or_raise(
            "Or name a wheel that is built already: --wheel FILE"
        )
        copy(Path(place) / NAME, target)


def _pack(distribution: metadata.Distribution, target: Path) -> None:
    """Write the installed files of a distribution as a wheel: the same bytes for the same files."""
    information = f"{labgen.__name__}-{labgen.__version__}.dist-info"
    record: list[tuple[str, str, str]] = []
    with writing(target) as part, zipfile.ZipFile(part, "w") as wheel:
        for path in sorted(distribution.files or (), key=str):
            if _belongs(PurePosixPath(str(path)), information):
                content = Path(str(path.locate())).read_bytes()
                checksum = _checksum(content)
                if path.hash is None or path.hash.value != checksum:
                    raise HostError(
                        f"{path.locate()} was changed after labgen was installed.",
                        "Install labgen again (pip install --force-reinstall), or name a wheel: --wheel FILE",
                    )
                _add(wheel, str(path), content)
                record.append((str(path), f"sha256={checksum}", str(len(content))))
        if not record:
            raise HostError("the files of the installed labgen are not known.", "Name its wheel: --wheel FILE")
        lines = io.StringIO()
        csv.writer(lines, lineterminator="\n").writerows([*record, (f"{information}/RECORD", "", "")])
        _add(wheel, f"{information}/RECORD", lines.getvalue().encode())


def _belongs(path: PurePosixPath, information: str) -> bool:
    """Tell whether an installed file came from the wheel: no script, no compiled module, nothing of pip's own."""
    if path.parts[0] == information:
        return path.name not in _INSTALLERS_OWN
    return path.parts[0] in ("labgen", "provision", "verify") and path.suffix != ".pyc"


def _add(wheel: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, _ZIP_EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.create_system, entry.external_attr = 3, 0o100644 << 16
    wheel.writestr(entry, content)


def _checksum(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
