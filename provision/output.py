"""What a script did on a node, and how it is told: never with a join token."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

Say = Callable[[str], None]
"""Where what is told goes, line by line."""

TOKEN = re.compile(r"SWMTKN-1-[0-9a-z]+-[0-9a-z]+")
"""A join token."""


def redact(text: str) -> str:
    """The text without join tokens."""
    return TOKEN.sub("SWMTKN-1-…", text)


@dataclass(frozen=True)
class Output:
    """What a script did."""

    status: int
    out: str = field(repr=False)  # may hold a join token
    err: str = field(repr=False)

    @property
    def ok(self) -> bool:
        """Exit status 0."""
        return self.status == 0

    @property
    def said(self) -> str:
        """The end of what it printed, without join tokens, for people."""
        return redact("\n".join((self.err.strip() or self.out.strip()).splitlines()[-12:]))
