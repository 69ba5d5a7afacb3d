"""The five verdicts that a check can have."""

from __future__ import annotations

from enum import StrEnum


class Verdict(StrEnum):
    """What came of a check."""

    PASS = "pass"  # noqa: S105 - a verdict
    FAIL = "fail"
    """It is not so, and that is the learner's."""
    BLOCKED = "blocked"
    """Something it needs is not so: nothing could be seen."""
    INCONCLUSIVE = "inconclusive"
    """The lab could not be looked at: it costs no points and earns none."""
    NOT_APPLICABLE = "not applicable"
    """It asks for what the nodes cannot do where they run: its points are not at stake."""
