"""One question to a node, and its answer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Observation:
    """One question to a node, and its answer.

    :param script: what was run there, its mark replaced by one that is the same each time.
    :param out: what it printed, without secrets; empty where there was no answer.
    :param error: why there was none, and the way out; both empty where there was one.
    :param since: seconds from the beginning of the run to the answer.
    :param left_out: there was an answer, and it was too much to be kept.
    """

    node: str
    script: str
    out: str
    error: tuple[str, str]
    since: float
    left_out: bool = False
