"""A finding: one thing the doctor looked at, how it stands, and the way out where it does not stand well."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Literal

Level = Literal["ok", "warning", "error"]
Version = tuple[int, ...]

_VERSION = re.compile(r"^(?:\w+ )?v?(\d+)\.(\d+)(?:\.(\d+))?", re.MULTILINE)


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    :param id: stable name for programs: ``virtualbox.version``.
    :param level: ``ok``; ``warning``: the lab can come up, something will be slow or unreachable;
        ``error``: the lab cannot come up with this provider.
    :param subject: what was looked at, for people: "VirtualBox".
    :param message: one sentence.
    :param fix: the way out; may hold a command to paste. Everything that is not ``ok`` has one.
    :param provider: the provider it is about; ``None`` where it is about all of them.
    """

    id: str
    level: Level
    subject: str
    message: str
    fix: str = ""
    provider: str | None = None

    def __post_init__(self) -> None:
        if self.level != "ok" and not self.fix:
            raise ValueError(f"finding {self.id} has no fix")

    def as_json(self) -> dict[str, str | None]:
        """The finding as plain data."""
        return asdict(self)


def version_in(text: str) -> Version | None:
    """Find the version in what a program reported, ``None`` if it has none.

    Takes ``Vagrant 2.3.4``, ``7.0.26_Ubuntur168464`` and ``7.1.4r165100``, with warnings before it:
    VBoxManage prints some, on standard output, with kernel versions in them.
    """
    versions = _VERSION.findall(text)
    if not versions:
        return None
    return tuple(int(part) for part in versions[-1] if part)


def dotted(version: Version) -> str:
    """Write ``(7, 1, 6)`` as people do."""
    return ".".join(map(str, version))
