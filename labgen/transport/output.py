"""What a script did on a node, and how it is told: without secrets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from labgen.core.printable import printable
from labgen.core.redaction import redact

Say = Callable[[str], None]
"""Where what is told goes, line by line."""


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
        """Return the end of what it printed, for people: without secrets and terminal control characters."""
        return printable(redact("\n".join((self.err.strip() or self.out.strip()).splitlines()[-12:])))
