"""The results of a run: how each check came out, and what else its report tells."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from labgen import __version__
from labgen import report as reports
from labgen.core.i18n import Language, Text
from labgen.exercise.catalogue import exercises
from labgen.exercise.hint import FIRST_STAGE, Stage
from labgen.model.capabilities import Lacks
from labgen.model.lab import Lab
from labgen.observation.causes import RecognisedCause
from labgen.report import words
from verify.checks import Check


@dataclass
class RunResults:
    """The outcomes of the checks of a run.

    :param lacks: what the nodes cannot do where they run, and why.
    :param places: of each outcome, by which a report is ordered however the run was.
    :param expected: how many checks were chosen.
    :param language: of claims and hints.
    :param hints: how much of them is shown; none is kept where they are switched off.
    :param not_begun: exercises that were left out, because nothing of them is there and nobody has named them.
    :param seen: what was seen of the swarm, to be told beside the verdicts.
    :param evidence: the bundle that is kept of the run, or that it is graded from.
    :param clock: seconds that pass; of a run that is graded from evidence, those that passed when that was taken.
    :param begun: when the run began, by that clock.
    :param least: seconds that the run took at least.
    :param beside: files that are left beside the report, and what is written to each.
    :param diagnose: finds the cause of a check's failure on a node; ``None`` where none is recognised.
    :param excuse: why a failure that depends on every node says nothing now; empty where there is no reason.
    """

    lab: Lab | None = None
    provider: str = ""
    lacks: Lacks = field(default_factory=dict)
    outcomes: dict[str, reports.Outcome] = field(default_factory=dict)
    places: dict[str, tuple[int, ...]] = field(default_factory=dict)
    expected: int = 0
    excuse: Callable[[], str] = str
    diagnose: Callable[[Check, str | None], RecognisedCause | None] = lambda _check, _node: None
    snapshot: Callable[[], reports.Seen] = reports.Seen
    evidence: Callable[[], reports.Bundle | None] = lambda: None
    beside: dict[Path, Callable[[], str]] = field(default_factory=dict)
    language: Language = "en"
    hints: Stage = FIRST_STAGE
    not_begun: tuple[str, ...] = ()
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    clock: Callable[[], float] = time.monotonic
    begun: float = field(default_factory=time.monotonic)
    least: float = 0.0

    def needed(self, need: str, node: str | None) -> list[reports.Outcome]:
        """Give what came of a check that another needs: on the same node, or everywhere where either has none.

        In the order of the report: of several that are not so the same one is named, however the run was.
        """
        outcomes = [outcome for outcome in self.outcomes.values() if f"{outcome.exercise}.{outcome.name}" == need]
        outcomes.sort(key=lambda outcome: (self.places.get(outcome.id, ()), outcome.id))
        return [outcome for outcome in outcomes if outcome.node == node] or outcomes

    def report(self) -> reports.Report:
        """Build the report of the run so far."""
        nodes = self.lab.nodes if self.lab else ()
        return reports.Report(
            lab=self.lab.name if self.lab else "",
            provider=self.provider,
            nodes=tuple(reports.LabNode(node.name, node.role, str(node.address)) for node in nodes),
            started=self.started.isoformat(timespec="seconds"),
            seconds=max(self.clock() - self.begun, self.least),
            complete=len(self.outcomes) == self.expected,
            not_begun=self.not_begun,
            checks=tuple(sorted(self.outcomes.values(), key=lambda outcome: (self.places[outcome.id], outcome.id))),
            language=self.language,
            titles={name: title.in_(self.language) for name, title in self.titles().items()},
            network=str(self.lab.plan.lab) if self.lab else "",
            seen=self.snapshot(),
            evidence=self.evidence(),
            labgen=__version__,
        )

    def titles(self) -> dict[str, Text]:
        """Give the title of each exercise that was judged."""
        judged = {outcome.exercise for outcome in self.outcomes.values()}
        titles = {"cluster": words.SWARM} | {exercise.name: exercise.title for exercise in exercises().values()}
        return {name: title for name, title in titles.items() if name in judged}
