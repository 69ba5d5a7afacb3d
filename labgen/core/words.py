"""A text for people, in the course's two languages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Language = Literal["en", "ko"]


@dataclass(frozen=True)
class Words:
    """A text in the course's two languages."""

    en: str
    ko: str

    def __bool__(self) -> bool:
        """Whether it says anything."""
        return bool(self.en)

    def __add__(self, suffix: Words) -> Words:
        return Words(self.en + suffix.en, self.ko + suffix.ko)

    def in_(self, language: Language) -> str:
        """Give the text in one language."""
        return self.ko if language == "ko" else self.en


NOTHING = Words("", "")
