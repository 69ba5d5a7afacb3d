"""What came of a fault, held against what it must turn."""

from __future__ import annotations

from collections.abc import Mapping

Verdicts = Mapping[str, str]
"""Verdicts of checks, by the check's id."""


def unexpected(right: Verdicts, verdicts: Verdicts, turns: Verdicts) -> dict[str, str]:
    """Say which checks are not as they must be, by the check's id, in words.

    A check that the nodes of the right lab cannot show need not be turned. Where they can show it with the fault, it
    must pass unless the fault turns it.

    :param right: of the lab without the fault.
    :param turns: what the fault must turn, of :meth:`labgen.exercise.faults.Fault.turns`.
    """
    wrong = {}
    for check in {**right, **turns}:
        before, verdict = right.get(check, "missing"), verdicts.get(check, "missing")
        if before == "not applicable":
            if verdict in (before, turns.get(check, "pass")):
                continue
        elif verdict == turns.get(check, before):
            continue
        wrong[check] = f"{verdict}, must be {turns[check]}" if check in turns else f"{verdict}, must not be turned"
    return wrong
