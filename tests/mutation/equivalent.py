"""Mutants that change nothing anyone can observe, each with the reason: they are left out of the sample's figures."""

from __future__ import annotations

from tests.mutation.mutants import Mutant

EQUIVALENT: dict[tuple[str, str], str] = {}
"""By the line as it is and as the mutant has it, without indentation."""


def reason(mutant: Mutant, source: bytes) -> str:
    """Return why a mutant changes nothing; empty if it may change something."""
    start = source.rfind(b"\n", 0, mutant.start) + 1
    end = source.find(b"\n", mutant.end)
    before = source[start:end].decode().strip()
    after = f"{source[start : mutant.start].decode()}{mutant.text}{source[mutant.end : end].decode()}".strip()
    return EQUIVALENT.get((before, after), "")
