"""A bundle for bug reports: the lab, what the doctor finds, what the last commands said; without secrets."""

from __future__ import annotations

import io
import json
import os
import platform
import re
import stat
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from labgen import __version__, boxes, config, images
from labgen.core.atomic_files import is_link
from labgen.core.errors import HostError, LabgenError
from labgen.core.i18n import _
from labgen.core.redaction import redact
from labgen.model.lab_folder import LabFolder
from labgen.providers import doctor

_LONGEST = 256 * 1024
"""Bytes of a file's end that are taken."""

_MOST_LOGS = 12
"""Logs that are taken, those written last."""


@dataclass(frozen=True)
class BundleFile:
    """A file of the bundle: its name there and its text, redacted."""

    name: str
    text: str


def collect(folder: LabFolder) -> list[BundleFile]:
    """Collect what a bundle of a lab folder holds."""
    parts = [BundleFile("versions.txt", _versions()), BundleFile("doctor.json", _findings(folder)), *_files(folder)]
    return [BundleFile(part.name, redact(part.text)) for part in parts]


def _without_passwords(text: str) -> str:
    """Cut out of a lab.yml, which may not be YAML, what stands before an @ on its line: no other key can have one."""
    return re.sub(r"(?m)^([^:@\n]*:)?[^\n]*@", r"\1 (secret)@", text)


def _versions() -> str:
    """Give the versions of labgen, of what it runs on, and of the libraries that it uses."""
    lines = [
        f"labgen {__version__}",
        f"Python {platform.python_version()} ({sys.executable})",
        f"system {platform.platform()} {platform.machine()}",
    ]
    requirements = metadata.requires("labgen") or [] if _is_installed() else []
    for requirement in sorted(requirements):
        name = re.match(r"[\w.-]+", requirement)
        if name and "extra ==" not in requirement:
            lines.append(f"{name[0]} {_version(name[0])}")
    return "\n".join(lines) + "\n"


def _is_installed() -> bool:
    return _version("labgen") != "not installed"


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _findings(folder: LabFolder) -> str:
    """Give what the doctor finds, as JSON; where lab.yml cannot be read, for the default lab, and the reason."""
    mistake = None
    try:
        # A message about a mistake quotes the file: not one that a link leads to.
        lab = config.load() if is_link(folder.lab_file) else config.of_folder(folder.path)
    except LabgenError as error:
        lab, mistake = config.load(), str(error)
    diagnosis = doctor.examine(lab, doctor.Host(folder=folder.path, images=images, boxes=boxes))
    return json.dumps({**doctor.as_json(diagnosis), "lab_file_error": mistake}, indent=2, ensure_ascii=False) + "\n"


def _files(folder: LabFolder) -> Iterator[BundleFile]:
    """Give the files of a lab folder that say what happened; no link is followed out of it."""
    for path in (folder.lab_file, folder.own / "state.json", folder.own / "lock.json", folder.unfinished):
        if (text := _end_of(path, folder)) is not None:
            text = _without_passwords(text) if path == folder.lab_file else text
            yield BundleFile(path.relative_to(folder.path).as_posix().removeprefix("."), text)
    for path in _last_logs(folder):
        if (text := _end_of(path, folder)) is not None:
            yield BundleFile(f"logs/{path.name}", text)


def _last_logs(folder: LabFolder) -> list[Path]:
    try:
        logs = [path for path in folder.logs.iterdir() if stat.S_ISREG(path.lstat().st_mode)]
        return sorted(logs, key=lambda path: path.lstat().st_mtime, reverse=True)[:_MOST_LOGS]
    except OSError:
        return []


def _end_of(path: Path, folder: LabFolder) -> str | None:
    """Read a file's end; ``None`` for what is no file, or is reached through a link."""
    within = [path, *path.parents]
    if any(is_link(place) for place in within[: within.index(folder.path)]):
        return None
    try:
        # A pipe would be waited for.
        if not stat.S_ISREG(path.lstat().st_mode):
            return None
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _LONGEST))
            end = file.read(_LONGEST)
    except FileNotFoundError:
        return None
    except OSError as error:
        return f"(cannot be read: {error.strerror or error})\n"
    # Half a line at the beginning might be half a secret, which nothing recognises.
    return end.partition(b"\n")[2].decode("utf-8", "replace") if size > _LONGEST else end.decode("utf-8", "replace")


def write(parts: list[BundleFile], path: Path) -> None:
    """Write a bundle, readable by the user alone.

    :raises HostError: something is there already, or it cannot be written.
    """
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as bundle:
        for part in parts:
            bundle.writestr(part.name, part.text.encode("utf-8", "replace"))
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0), 0o600)
    except FileExistsError:
        raise HostError(
            _("%(path)s already exists.", path=path), _("Remove it, or name another file: labgen support FILE")
        ) from None
    except (OSError, ValueError) as error:
        raise _not_written(path, error) from None
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content.getvalue())
    except OSError as error:
        path.unlink(missing_ok=True)
        raise _not_written(path, error) from None


def _not_written(path: Path, error: OSError | ValueError) -> HostError:
    reason = getattr(error, "strerror", None) or error
    return HostError(
        _("%(path)s cannot be written: %(reason)s.", path=path, reason=reason),
        _("Name another file: labgen support FILE"),
    )
