"""Whether this computer can build a box, and where it gets Debian from."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from labgen.box import recipe
from labgen.errors import BoxError, ProgramMissing
from labgen.proc import Runner

DISK_NEEDED = 3 * 1024**3
"""Bytes free where the cache is. Measured: a build of both boxes takes 2.0 GiB at its widest."""

_OS_RELEASE = Path("/etc/os-release")


def check(cache: Path, runner: Runner) -> None:
    """See that a box can be built here.

    :raises BoxError: another system or architecture, no root, no room.
    :raises ProgramMissing: something is not installed; the hint is the line that installs it.
    """
    family = _family()
    if not family & {"debian", "ubuntu"}:
        raise BoxError(
            "A box is built from Debian packages, and this computer is neither Debian nor Ubuntu.",
            "Build it on one that is (a virtual machine will do) and copy the .box file here, or use a box "
            "from Vagrant's registry: set `box` in lab.yml.",
        )
    if platform.machine() not in {"x86_64", "AMD64"}:
        raise BoxError(
            f"The box is for amd64 and can only be built there; this computer is {platform.machine()}.",
            "Set `box` in lab.yml to a box for this architecture, such as bento/ubuntu-24.04 on VirtualBox.",
        )
    missing = [package for program, package in recipe.PROGRAMS.items() if runner.which(program) is None]
    if not recipe.MBR.exists():
        missing.append("syslinux-common")
    if not recipe.KEYRING.exists():
        missing.append("debian-archive-keyring")
    if missing:
        packages = " ".join(sorted(set(missing)))
        raise ProgramMissing(
            f"Building a box needs packages that are not installed: {packages}.",
            f"sudo apt-get install --no-install-recommends -y {packages}",
        )
    if os.geteuid() != 0:
        me = runner.which("labgen") or f"{sys.executable} -m labgen"
        raise BoxError("Building a box mounts its disk, which only root may do.", f"Run `sudo {me} box build`.")
    there = next(parent for parent in (cache, *cache.parents) if parent.exists())
    free = shutil.disk_usage(there).free
    if free < DISK_NEEDED:
        raise BoxError(
            f"Building a box needs {_gib(DISK_NEEDED)} free in {there}, and {_gib(free)} are.",
            "Free some room, or set XDG_CACHE_HOME to a directory on a larger disk.",
        )


@dataclass(frozen=True)
class Apt:
    """How Debian's packages are reached from here.

    :param options: apt settings of this computer that a download depends on: proxies, clock checks.
    """

    options: tuple[str, ...]

    def sources(self, suite: str, runner: Runner) -> tuple[str, ...]:
        """Lines of a sources.list for a suite, from the first mirror that has it.

        :raises BoxError: no mirror answers.
        """
        main = self._first(recipe.MIRRORS, suite, runner)
        security = self._first(recipe.SECURITY_MIRRORS, f"{suite}-security", runner)
        # A suite that has moved to the archive keeps the date its last release file expires on.
        old = "[check-valid-until=no] " if suite != recipe.SUITE else ""
        return (f"deb {old}{main} {suite} main", f"deb {old}{security} {suite}-security main")

    def _first(self, mirrors: tuple[str, ...], suite: str, runner: Runner) -> str:
        for mirror in mirrors:
            if self._serves(f"{mirror}/dists/{suite}/InRelease", runner):
                return mirror
        raise BoxError(
            f"No mirror of Debian gives the suite {suite}: tried {', '.join(mirrors)}.",
            "Building needs Debian's packages once: check the connection, and apt's proxy settings if there "
            "is a proxy (`apt-config dump | grep -i proxy`).",
        )

    def _serves(self, url: str, runner: Runner) -> bool:
        # apt's own downloader knows apt's proxy; nothing else on this computer does.
        with tempfile.TemporaryDirectory() as scratch:
            result = runner.run(
                [
                    "/usr/lib/apt/apt-helper",
                    *("-o", "Acquire::http::Timeout=10", "-o", "Acquire::Retries=1"),
                    *("-o", "APT::Sandbox::User=root"),
                    *("download-file", url, Path(scratch) / "release"),
                ],
                timeout=40,
            )
        return result.ok


_PASSED_ON = (
    "Acquire::http::Proxy",
    "Acquire::https::Proxy",
    "Acquire::Check-Valid-Until",
    "Acquire::Check-Date",
)


def apt(runner: Runner) -> Apt:
    """This computer's way to Debian's packages."""
    asked = [part for name in _PASSED_ON for part in (name.replace(":", "").replace("-", ""), name)]
    said = runner.run(["apt-config", "shell", *asked]).or_raise().out
    return Apt(tuple(f'{name} "{value}";' for name, value in _settings(said).items()))


def _settings(said: str) -> Mapping[str, str]:
    """The settings in what ``apt-config shell`` prints, one ``NAME='value'`` a line."""
    names = {name.replace(":", "").replace("-", ""): name for name in _PASSED_ON}
    found = (line.partition("=") for line in said.splitlines())
    return {names[name]: value.strip("'") for name, _, value in found if name in names}


def _family() -> set[str]:
    try:
        text = _OS_RELEASE.read_text(encoding="utf-8")
    except OSError:
        return set()
    entries = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    return {word for name in ("ID", "ID_LIKE") for word in entries.get(name, "").strip('"').split()}


def _gib(size: int) -> str:
    return f"{size / 1024**3:.1f} GiB"
