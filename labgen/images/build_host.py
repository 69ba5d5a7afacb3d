"""Whether this computer can build a box or a node image, and where it gets Debian from."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from labgen.core.errors import BoxError, ProgramMissing
from labgen.core.i18n import _
from labgen.core.process import Runner
from labgen.images import recipe
from labgen.images.recipe import Architecture

DISK_NEEDED = 3 * 1024**3
"""Bytes free where the cache is. Measured: a build of both boxes takes 2.0 GiB at its widest, that of a node
image 1.6."""

_OS_RELEASE = Path("/etc/os-release")


def check(cache: Path, runner: Runner) -> None:
    """See that a box can be built here.

    :raises BoxError: another system or architecture, no root, no room.
    :raises ProgramMissing: something is not installed; the hint is the line that installs it.
    """
    if not _family() & {"debian", "ubuntu"}:
        raise BoxError(
            _("A box is built from Debian packages, and this computer is neither Debian nor Ubuntu."),
            _(
                "Build it on one that is (a virtual machine will do) and copy the .box file here, or "
                "use a box from Vagrant's registry: set `box` in lab.yml."
            ),
        )
    if recipe.here() is not recipe.AMD64:
        raise BoxError(
            _(
                "The box is for amd64 and can only be built there; this computer is %(machine)s.",
                machine=platform.machine(),
            ),
            _("Set `box` in lab.yml to a box for this architecture, such as bento/ubuntu-24.04 on VirtualBox."),
        )
    missing = [] if recipe.MBR.exists() else ["syslinux-common"]
    _programs(recipe.PROGRAMS, missing, runner)
    _root("Building a box mounts its disk, which only root may do.", runner)
    _room(cache)


def check_node(cache: Path, runner: Runner, arch: str | None = None) -> Architecture:
    """See that a node image can be built here from packages; gives the architecture it will be for.

    :param arch: the architecture it has to be for, as Docker names it; this computer's where ``None``.
    :raises BoxError: another system, an architecture whose programs do not run here, no root, no room.
    :raises ProgramMissing: something is not installed; the hint is the line that installs it.
    """
    if not _family() & {"debian", "ubuntu"}:
        raise BoxError(
            _(
                "Without Docker Hub the node image is built from Debian packages, and this computer is "
                "neither Debian nor Ubuntu."
            ),
            _("Build it on one that is, with `labgen box build --provider docker`, and load the file here."),
        )
    target = recipe.ARCHITECTURES.get(arch) if arch else recipe.here()
    if target is None:
        raise BoxError(
            _(
                "There is no node image for %(machine)s, but for %(architectures)s.",
                machine=arch or platform.machine(),
                architectures=" and ".join(recipe.ARCHITECTURES),
            ),
            _("Use a computer with one of these processors."),
        )
    if target is not recipe.here():
        _emulation(target, runner)
    _programs(recipe.TREE_PROGRAMS, [], runner)
    _root(
        "Building a node image installs packages into a directory, which only root may do.",
        runner,
        "--provider docker",
        *(("--arch", target.name) if target is not recipe.here() else ()),
    )
    _room(cache)
    return target


def _emulation(arch: Architecture, runner: Runner) -> None:
    """See that programs of another architecture run here, as those of the packages have to."""
    if runner.which("arch-test") is not None and runner.run(["arch-test", arch.name], timeout=20).ok:
        return
    raise BoxError(
        _(
            "A node image is built where its programs run, and this computer (%(machine)s) runs none of %(arch)s.",
            machine=platform.machine(),
            arch=arch.name,
        ),
        _(
            "Build it on a computer with an %(arch)s processor, and load the file here. Or have QEMU run them:\n"
            "sudo apt-get install --no-install-recommends -y arch-test binfmt-support qemu-user-static",
            arch=arch.name,
        ),
    )


def _programs(needed: Mapping[str, str], missing: list[str], runner: Runner) -> None:
    missing = [*missing, *(package for program, package in needed.items() if runner.which(program) is None)]
    if not recipe.KEYRING.exists():
        missing.append("debian-archive-keyring")
    if missing:
        packages = " ".join(sorted(set(missing)))
        raise ProgramMissing(
            _("Building needs packages that are not installed: %(packages)s.", packages=packages),
            _("sudo apt-get install --no-install-recommends -y %(packages)s", packages=packages),
        )


def _root(why: str, runner: Runner, *options: str) -> None:
    if os.geteuid() != 0:
        me = runner.which("labgen") or f"{sys.executable} -m labgen"
        raise BoxError(why, _("Run `sudo %(value)s`.", value=" ".join([me, "box", "build", *options])))


def _room(cache: Path) -> None:
    existing = next(parent for parent in (cache, *cache.parents) if parent.exists())
    free = shutil.disk_usage(existing).free
    if free < DISK_NEEDED:
        raise BoxError(
            _(
                "Building needs %(gib)s free in %(existing)s, and %(gib2)s are.",
                gib=_gib(DISK_NEEDED),
                existing=existing,
                gib2=_gib(free),
            ),
            _("Free some room, or set XDG_CACHE_HOME to a directory on a larger disk."),
        )


@dataclass(frozen=True)
class Apt:
    """How Debian's packages are reached from here.

    :param options: apt settings of this computer that a download depends on: proxies, clock checks.
    """

    options: tuple[str, ...]

    def sources(self, suite: str, runner: Runner) -> tuple[str, ...]:
        """Give the lines of a sources.list for a suite, from the first mirror that has it.

        :raises BoxError: no mirror answers.
        """
        main = self.mirror(recipe.MIRRORS, suite, runner)
        if suite in recipe.ROLLING:
            return (f"deb {main} {suite} main",)
        security = self.mirror(recipe.SECURITY_MIRRORS, f"{suite}-security", runner)
        # A suite that has moved to the archive keeps the date its last release file expires on.
        old = "[check-valid-until=no] " if suite != recipe.SUITE else ""
        return (f"deb {old}{main} {suite} main", f"deb {old}{security} {suite}-security main")

    def mirror(self, mirrors: tuple[str, ...], suite: str, runner: Runner) -> str:
        """Find the first mirror that has a suite.

        :raises BoxError: none has it, or none answers.
        """
        for mirror in mirrors:
            if self._serves(f"{mirror}/dists/{suite}/InRelease", runner):
                return mirror
        raise BoxError(
            _(
                "No mirror of Debian gives the suite %(suite)s: tried %(mirrors)s.",
                suite=suite,
                mirrors=", ".join(mirrors),
            ),
            _(
                "Building needs Debian's packages once: check the connection, and apt's proxy settings "
                "if there is a proxy (`apt-config dump | grep -i proxy`)."
            ),
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
    """Read this computer's settings of apt."""
    variables = [part for name in _PASSED_ON for part in (name.replace(":", "").replace("-", ""), name)]
    output = runner.run(["apt-config", "shell", *variables]).or_raise().out
    return Apt(tuple(f'{name} "{value}";' for name, value in _settings(output).items()))


def _settings(output: str) -> Mapping[str, str]:
    """Parse what ``apt-config shell`` prints, one ``NAME='value'`` a line."""
    names = {name.replace(":", "").replace("-", ""): name for name in _PASSED_ON}
    assignments = (line.partition("=") for line in output.splitlines())
    return {names[name]: value.strip("'") for name, _, value in assignments if name in names}


def _family() -> set[str]:
    try:
        text = _OS_RELEASE.read_text(encoding="utf-8")
    except OSError:
        return set()
    entries = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    return {word for name in ("ID", "ID_LIKE") for word in entries.get(name, "").strip('"').split()}


def _gib(size: int) -> str:
    return f"{size / 1024**3:.1f} GiB"
