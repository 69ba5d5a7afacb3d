"""A value of ``lab.yml`` that cannot be."""

from __future__ import annotations

from labgen.core.i18n import Text


class Wrong(ValueError):
    """A value that cannot be.

    :param words: why.
    :param remedy: the way out.
    """

    def __init__(self, words: Text, remedy: Text) -> None:
        super().__init__(f"{words} {remedy}")
        self.words = words
        self.remedy = remedy
