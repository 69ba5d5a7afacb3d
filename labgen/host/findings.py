"""A finding of the doctor: level, sentence, and what to do about it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from labgen.core.i18n import NOTHING, Language, Text

Level = Literal["ok", "warning", "error"]
Version = tuple[int, ...]

_VERSION = re.compile(r"^(?:\w+ )?v?(\d+)\.(\d+)(?:\.(\d+))?", re.MULTILINE)


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    :param id: stable name for programs: ``virtualbox.version``.
    :param level: ``ok``; ``warning``: the lab can come up, something will be slow or unreachable;
        ``error``: the lab cannot come up with this provider.
    :param topic: what was looked at, for people: "VirtualBox".
    :param words: one sentence.
    :param remedy: the way out; may hold a command to paste. Everything that is not ``ok`` has one.
    :param provider: the provider it is about; ``None`` where it is about all of them.
    """

    id: str
    level: Level
    topic: Text
    words: Text
    remedy: Text = NOTHING
    provider: str | None = None

    def __post_init__(self) -> None:
        if self.level != "ok" and not self.remedy:
            raise ValueError(f"finding {self.id} has no fix")

    @property
    def subject(self) -> str:
        """Give the topic in English."""
        return str(self.topic)

    @property
    def message(self) -> str:
        """Give the sentence in English."""
        return str(self.words)

    @property
    def fix(self) -> str:
        """Give the way out in English."""
        return str(self.remedy)

    def as_json(self, language: Language = "en") -> dict[str, str | None]:
        """Convert the finding to plain data."""
        return {
            "id": self.id,
            "level": self.level,
            "subject": self.topic.in_(language),
            "message": self.words.in_(language),
            "fix": self.remedy.in_(language),
            "provider": self.provider,
        }


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
