"""The wheels that labgen depends on, for each platform and Python, downloaded by pip in the locked versions.

pip reads environment markers for the computer that it runs on, whatever platform it downloads for. So they are read
here, and pip gets the lines that hold for the target, each with its checksums, and resolves nothing.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import Version

from labgen.core.errors import HostError
from labgen.core.process import Runner, python
from labgen.kit.files import NO_ROOM, ROOM_HINT
from labgen.kit.platforms import Target

LOCK = Path(__file__).with_name("requirements.txt")
"""What labgen depends on, in the locked versions, with the SHA-256 of every file of each (`make lock`)."""

_DEADLINE, _SILENCE = 3600.0, 300.0
"""Seconds for the wheels of one target (25 MiB), and between two lines of pip."""

_SETTINGS = (
    "INDEX_URL EXTRA_INDEX_URL NO_INDEX FIND_LINKS CERT CLIENT_CERT TRUSTED_HOST PROXY CACHE_DIR NO_CACHE_DIR "
    "CONFIG_FILE DEFAULT_TIMEOUT KEYRING_PROVIDER"
)
"""Of pip, which say from where it downloads; the user's are kept, and no others."""

_NO_WHEEL = re.compile(r"No matching distribution found for ([\w.-]+)==([\w.+!-]+)")
_NO_NETWORK = re.compile(
    r"connection broken by|NewConnectionError|Max retries exceeded|ConnectTimeoutError|ReadTimeoutError|ProxyError|"
    r"Failed to establish|name resolution|SSLError|Could not fetch URL"
)


@dataclass(frozen=True)
class Pin:
    """A locked package.

    :param requirement: ``NAME==VERSION``, with the marker that says where it is needed.
    :param hashes: SHA-256 of every file of that version.
    """

    requirement: Requirement
    hashes: frozenset[str]

    @property
    def version(self) -> str:
        """The locked version."""
        return next(iter(self.requirement.specifier)).version

    def holds(self, target: Target) -> bool:
        """Tell whether it is needed on a platform with a Python."""
        marker = self.requirement.marker
        return marker is None or marker.evaluate(dict[str, str | frozenset[str]](target.markers()))

    @property
    def has_one_wheel(self) -> bool:
        """Whether its version has hardly another: what a wheel is built from is one of the files."""
        return len(self.hashes) <= 2

    def line(self) -> str:
        """Write it as a line of a requirements file, without its marker."""
        sums = " ".join(f"--hash=sha256:{checksum}" for checksum in sorted(self.hashes))
        return f"{self.requirement.name}=={self.version} {sums}\n"


@cache
def locked() -> tuple[Pin, ...]:
    """Read the lock file."""
    entries = LOCK.read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    return tuple(
        Pin(Requirement(entry.partition(" --hash")[0]), frozenset(re.findall(r"--hash=sha256:([0-9a-f]{64})", entry)))
        for entry in entries
        if entry[:1].isalnum()
    )


def needed(target: Target) -> list[Pin]:
    """List what labgen depends on, on a platform with a Python."""
    return [pin for pin in locked() if pin.holds(target)]


def download(
    target: Target, folder: Path, runner: Runner, on_line: Callable[[str], None], digests: Callable[[Path], str]
) -> None:
    """Download the wheels of a target that are not in the folder yet; one that is there with a wrong sum comes again.

    A package that has a wheel there already is asked for again where the index may have one that fits better.

    :param on_line: is told each line that pip prints.
    :param digests: computes the SHA-256 of a file.
    :raises HostError: there is no pip or no network, a package has no wheel for the target, or the disk is full.
    """
    present = select(target, folder.glob("*.whl"), digests)
    pins = [pin for pin in needed(target) if not (pin.has_one_wheel and pin in present)]
    if not pins:
        return
    if find_spec("pip") is None:
        raise HostError("the Python that runs labgen has no pip.", f"Install it: {python()} -m ensurepip --upgrade")
    with tempfile.TemporaryDirectory(prefix="labgen-kit-") as place:
        file = Path(place) / "requirements.txt"
        file.write_text("".join(pin.line() for pin in pins), encoding="utf-8")
        result = runner.run(
            [*(python(), "-m", "pip", "download"), *_options(target, folder), "--requirement", file],
            timeout=_DEADLINE,
            silence=_SILENCE,
            on_line=on_line,
            cwd=Path(place),
            env=_settings(),
            hint="Check the network, then type the command again: it carries on.",
        )
    if not result.ok:
        raise _error(target, result.out, folder)


def select(target: Target, files: Iterable[Path], digests: Callable[[Path], str]) -> dict[Pin, Path]:
    """Choose for each package the best of some wheels for a target, as pip would; those that have none are left out.

    Only files with a locked checksum are chosen.
    """
    rank = {tag: position for position, tag in enumerate(target.tags())}
    pins = {(canonicalize_name(pin.requirement.name), Version(pin.version)): pin for pin in needed(target)}
    best: dict[Pin, tuple[int, Path]] = {}
    for path in sorted(files):
        try:
            name, version, _build, tags = parse_wheel_filename(path.name)
        except InvalidWheelFilename:
            continue
        pin = pins.get((name, version))
        position = min((rank[tag] for tag in tags if tag in rank), default=None)
        if pin is None or position is None or (pin in best and best[pin][0] <= position):
            continue
        if digests(path) in pin.hashes:
            best[pin] = (position, path)
    return {pin: path for pin, (_position, path) in best.items()}


def lacking(target: Target, chosen: Mapping[Pin, Path]) -> list[str]:
    """Name the packages of a target that have no wheel."""
    return [f"{pin.requirement.name} {pin.version}" for pin in needed(target) if pin not in chosen]


def _options(target: Target, folder: Path) -> list[str | Path]:
    platforms = [word for name in target.platform.wheel_platforms for word in ("--platform", name)]
    version = ["--implementation", "cp", "--python-version", target.python, "--abi", target.abi]
    quiet = ["--progress-bar", "off", "--no-input", "--disable-pip-version-check", "--retries", "2"]
    sources = ["--no-deps", "--only-binary", ":all:", "--require-hashes"]
    return [*sources, *platforms, *version, *quiet, "--dest", folder.resolve()]


def _settings() -> Mapping[str, str]:
    names = [f"PIP_{name}" for name in _SETTINGS.split()]
    return {name: os.environ[name] for name in names if name in os.environ}


def _error(target: Target, output: str, folder: Path) -> HostError:
    """Say why pip has failed."""
    again = "Then type the command again: it carries on."
    if NO_ROOM.search(output):
        return HostError(f"the disk of {folder} is full.", ROOM_HINT)
    if _NO_NETWORK.search(output):
        return HostError(
            "the packages cannot be downloaded: pip reaches no package index.",
            f"Check the network (HTTPS_PROXY, if there is a proxy; PIP_INDEX_URL, if there is a mirror). {again}",
        )
    if missing := _NO_WHEEL.search(output):
        return HostError(
            f"pip finds no wheel of {missing[1]} {missing[2]} for {target}.",
            "Leave the platform out of --for, or name versions of Python with --python that have one. Learners with "
            "such a computer install labgen from the internet. If pip asks a mirror (PIP_INDEX_URL), it may lack it.",
        )
    errors = [line for line in output.splitlines() if line.startswith("ERROR:")] or output.splitlines()[-3:]
    return HostError(f"pip cannot download the packages for {target}:\n" + "\n".join(errors), again)
