"""A value of ``lab.yml`` that cannot be."""

from __future__ import annotations


class Wrong(ValueError):
    """A value that cannot be: why, and the way out."""

    def __init__(self, reason: str, fix: str) -> None:
        super().__init__(f"{reason} {fix}")
        self.reason = reason
        self.fix = fix
