"""The platforms that a kit can be for, and the versions of Python: their names, wheel tags and markers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from packaging.tags import Tag, compatible_tags, cpython_tags, mac_platforms

from labgen.config.schema import nearest
from labgen.core.errors import UsageError

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
"""Versions of Python that a kit is for if none is named: those that labgen is tested with."""

_OLDEST_PYTHON = 11
GLIBC = (2, 28)
"""The oldest C library of Linux that a kit is for: that of Debian 10, RHEL 8 and Ubuntu 20.04."""
MACOS = (12, 0)


@dataclass(frozen=True)
class Platform:
    """A system and processor that wheels are for.

    :param name: ``windows-amd64``.
    :param title: as people name it.
    :param arch: as Docker and Vagrant name it.
    :param markers: what differs by system in the environment markers of requirements (PEP 508).
    :param wheel_platforms: platform tags of wheels, the best first.
    :param oldest: the oldest version of a system's part that the wheels run on, by its name; empty for any.
    """

    name: str
    title: str
    arch: str
    markers: Mapping[str, str]
    wheel_platforms: tuple[str, ...]
    oldest: Mapping[str, str] = field(default_factory=dict)

    @property
    def system(self) -> str:
        """``windows``, ``macos`` or ``linux``."""
        return self.name.partition("-")[0]

    @property
    def provider(self) -> str:
        """The provider that a kit for it holds nodes for if none is named: boxes are made for amd64 only."""
        return "virtualbox" if self.arch == "amd64" else "docker"


@dataclass(frozen=True)
class Target:
    """A platform with a version of Python: what pip chooses wheels for.

    :param python: ``3.12``.
    """

    platform: Platform
    python: str

    @property
    def name(self) -> str:
        """``windows-amd64/3.12``."""
        return f"{self.platform.name}/{self.python}"

    def __str__(self) -> str:
        return f"{self.platform.name} with Python {self.python}"

    @property
    def abi(self) -> str:
        """``cp312``."""
        return f"cp{self.python.replace('.', '')}"

    def markers(self) -> dict[str, str]:
        """Give the environment in which the markers of requirements are read (PEP 508)."""
        return {
            "implementation_name": "cpython",
            "implementation_version": f"{self.python}.0",
            "platform_python_implementation": "CPython",
            "python_full_version": f"{self.python}.0",
            "python_version": self.python,
            **self.platform.markers,
        }

    def tags(self) -> Iterator[Tag]:
        """Give the tags of the wheels that it takes, the best first."""
        version = tuple(map(int, self.python.split(".")))
        platforms = self.platform.wheel_platforms
        return chain(cpython_tags(version, [self.abi], platforms), compatible_tags(version, self.abi, platforms))


def _windows(arch: str, title: str, machine: str) -> Platform:
    markers = {"os_name": "nt", "sys_platform": "win32", "platform_system": "Windows", "platform_machine": machine}
    return Platform(f"windows-{arch}", title, arch, markers, (f"win_{arch}",))


def _macos(arch: str, title: str, machine: str) -> Platform:
    markers = {"os_name": "posix", "sys_platform": "darwin", "platform_system": "Darwin", "platform_machine": machine}
    oldest = {"macos": ".".join(map(str, MACOS))}
    return Platform(f"macos-{arch}", title, arch, markers, tuple(mac_platforms(MACOS, machine)), oldest)


def _linux(arch: str, title: str, machine: str) -> Platform:
    markers = {"os_name": "posix", "sys_platform": "linux", "platform_system": "Linux", "platform_machine": machine}
    older = [f"manylinux_2_{minor}_{machine}" for minor in range(GLIBC[1], 16, -1)]
    return Platform(
        *(f"linux-{arch}", title, arch, markers),
        wheel_platforms=(*older, f"manylinux2014_{machine}", f"linux_{machine}"),
        oldest={"glibc": ".".join(map(str, GLIBC))},
    )


PLATFORMS: Mapping[str, Platform] = {
    platform.name: platform
    for platform in (
        _windows("amd64", "Windows", "AMD64"),
        _windows("arm64", "Windows, ARM", "ARM64"),
        _macos("arm64", "macOS, Apple silicon", "arm64"),
        _macos("amd64", "macOS, Intel", "x86_64"),
        _linux("amd64", "Linux, amd64", "x86_64"),
        _linux("arm64", "Linux, arm64", "aarch64"),
    )
}


def platforms(words: str) -> tuple[Platform, ...]:
    """Read the platforms that a kit is to be for: ``windows-amd64,macos-arm64``.

    :raises UsageError: one is not known, or none is named.
    """
    names = _listed(words)
    for name in names:
        if name not in PLATFORMS:
            raise UsageError(f"{name!r} is not a platform.", nearest(name, list(PLATFORMS)))
    if not names:
        raise UsageError("no platform is named.", f"Known are: {', '.join(PLATFORMS)}.")
    return tuple(platform for platform in PLATFORMS.values() if platform.name in names)


def pythons(words: str) -> tuple[str, ...]:
    """Read the versions of Python that a kit is to be for: ``3.11,3.12``, the oldest first.

    :raises UsageError: one is no version of Python, or too old for labgen.
    """
    versions = _listed(words)
    for version in versions:
        parts = re.fullmatch(r"3\.(\d{1,2})", version, re.ASCII)
        if parts is None:
            raise UsageError(
                f"{version!r} is not a version of Python such as 3.12.", "Name it without the last number."
            )
        if int(parts[1]) < _OLDEST_PYTHON:
            raise UsageError(
                f"Python {version} is too old: labgen needs 3.{_OLDEST_PYTHON} or newer.", "Name a newer version."
            )
    return tuple(sorted(set(versions), key=lambda version: int(version.partition(".")[2]))) or PYTHONS


def _listed(words: str) -> Sequence[str]:
    return [word for word in re.split(r"[\s,]+", words.lower()) if word]
