"""The report for a terminal: a line for each claim, with what to do where it does not hold, then the subtotals."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from labgen.exercise.hint import FIRST_STAGE, Advice, Stage, up_to
from labgen.exercise.verdict import Verdict
from labgen.report import words
from labgen.report.model import Outcome, Points, Report, by_claim, precondition_line, tally, worst

WIDTH = 100
"""Columns where nobody says how many there are: a file, a pipe."""

_STYLES = {
    Verdict.PASS: "green",
    Verdict.FAIL: "bold red",
    Verdict.BLOCKED: "yellow",
    Verdict.INCONCLUSIVE: "magenta",
    Verdict.NOT_APPLICABLE: "dim",
}
_MARGIN, _SCORE_WIDTH = 2, 6
"""Columns beside a verdict and its score, and of the score."""
_OVERALL = {"pass": "bold green", "fail": "bold red", "inconclusive": "bold magenta", "nothing": "bold"}


def to_text(report: Report, *, width: int = WIDTH, colour: bool = False, hints: Stage = FIRST_STAGE) -> str:
    """Write the report for a terminal. Nothing in it depends on colour.

    :param width: columns; claims are broken to fit, what is to be copied and typed is not.
    :param colour: with ANSI escape sequences.
    :param hints: how much of them is shown.
    """
    page = _Page(report, max(width, 60), colour, hints)
    page.write()
    return page.text


class _Page:
    def __init__(self, report: Report, width: int, colour: bool, hints: Stage) -> None:
        self.report = report
        self.hints = hints
        self.speak = report.language
        # In columns on the terminal: a letter of Korean takes two.
        self.verdict_width = 1 + max(cell_len(verdict.in_(self.speak)) for verdict in words.VERDICTS.values())
        self.indent = " " * (_MARGIN + self.verdict_width + _SCORE_WIDTH + _MARGIN)
        self.out = io.StringIO()
        self.console = Console(
            file=self.out,
            width=width,
            force_terminal=colour,
            color_system="standard" if colour else None,
            legacy_windows=False,
            # What a learner wrote is text, never markup.
            markup=False,
            emoji=False,
            highlight=False,
        )

    @property
    def text(self) -> str:
        text = "".join(f"{line.rstrip()}\n" for line in self.out.getvalue().split("\n")).strip("\n")
        return re.sub("\n{3,}", "\n\n", text) + "\n"

    def write(self) -> None:
        self._precondition()
        for name, outcomes in self.report.exercises():
            self._heading(f"{self._titled(name)}: {tally(Points.sum(outcomes), self.speak)}")
            for claim in by_claim(outcome for outcome in outcomes if outcome.applicable):
                self._claim(worst(claim), _score(claim), claim[0].claim)
                self._details(claim)
            self._line("")
        if self.report.not_applicable:
            self._apart()
        if self.report.seen.probes:
            self._heading(words.MEANWHILE.in_(self.speak))
            for outcome in self.report.seen.probes:
                self._line(f"  {self._titled(outcome.exercise)}: {words.probe(outcome, self.speak)}")
            self._line("")
        if self.report.seen.exchanges:
            self._heading(words.BY_SWARM.in_(self.speak))
            for exchange in self.report.seen.exchanges:
                self._line(f"  {self._titled(exchange.exercise)}: {words.exchange(exchange, self.speak)}")
            self._line("")
        if len(self.report.exercises()) > 1:
            self.console.print(self._sums())
        if more := words.more_hints(self.hints, self.report.hints(), self.speak):
            self._line(more, "cyan")
        self._line(self.report.closing, "bold")
        if self.report.took:
            self._line(self.report.took)

    def _precondition(self) -> None:
        """One line for the swarm itself, and below it what of it is not so."""
        if (precondition := self.report.precondition) is None:
            return
        self._line(precondition_line(precondition, self.speak), _OVERALL[precondition.verdict])
        for claim in by_claim(self.report.cluster):
            if worst(claim) is not Verdict.PASS:
                passed = sum(outcome.verdict is Verdict.PASS for outcome in claim)
                self._claim(worst(claim), f"{passed}/{len(claim)}", claim[0].claim)
                self._details(claim)
        self._line("")

    def _titled(self, name: str) -> str:
        title = self.report.title(name)
        return name if title == name else f"{name} · {title}"

    def _apart(self) -> None:
        self._heading(words.NOT_APPLICABLE_HERE.in_(self.speak))
        for name, outcomes in self.report.exercises():
            for claim in by_claim(outcome for outcome in outcomes if not outcome.applicable):
                worth = f"-/{Points.sum(claim).not_applicable}"
                self._claim(Verdict.NOT_APPLICABLE, worth, f"{name}: {claim[0].claim}")
                # One reason for all stands below, once.
                if len(self.report.not_applicable) > 1:
                    self._line(f"{self.indent}{claim[0].seen}")
        self._line("")

    def _claim(self, verdict: Verdict, score: str, claim: str) -> None:
        row = Table.grid(padding=0)
        for columns in (_MARGIN, self.verdict_width, _SCORE_WIDTH, _MARGIN):
            row.add_column(width=columns, justify="right" if columns == _SCORE_WIDTH else "left", no_wrap=True)
        row.add_column(ratio=1, overflow="fold")
        row.add_row("", Text(words.VERDICTS[verdict].in_(self.speak), _STYLES[verdict]), score, "", Text(claim))
        self.console.print(row)

    def _details(self, claim: Sequence[Outcome]) -> None:
        """Give what was seen where it does not hold, and once after them what to try for those that say the same."""
        by_advice: dict[tuple[Advice, ...], list[Outcome]] = {}
        for outcome in claim:
            if outcome.verdict is not Verdict.PASS:
                by_advice.setdefault(up_to(self.hints, outcome.advice), []).append(outcome)
        for advice, outcomes in by_advice.items():
            for outcome in outcomes:
                first, *more = outcome.seen.splitlines() or [""]
                sign = (
                    f"{words.VERDICTS[outcome.verdict].in_(self.speak)} " if outcome.verdict is not worst(claim) else ""
                )
                self._line(f"{self.indent}{sign}{outcome.part + ': ' if outcome.part else ''}{first}")
                for line in more:
                    self._line(f"{self.indent}  {line}")
            for stage in advice:
                self._advice(stage)

    def _advice(self, advice: Advice) -> None:
        """Write the sentences, and each command on a line of its own with nothing before it but blanks."""
        for line in advice.lines:
            self._line(f"{self.indent}-> {line}", "cyan")
        for command in advice.commands:
            self._line(f"{self.indent}     {command}", "bold cyan")

    def _sums(self) -> Table:
        graded = [outcome for _, outcomes in self.report.exercises() for outcome in outcomes]
        present = [verdict for verdict in Verdict if any(outcome.verdict is verdict for outcome in graded)]
        table = Table(box=SIMPLE_HEAD, pad_edge=False, show_footer=True, footer_style="bold", header_style="bold")
        points = self.report.points
        table.add_column(words.EXERCISE.in_(self.speak), words.TOTAL.in_(self.speak))
        table.add_column(words.POINTS.in_(self.speak), f"{points.got}/{points.of}", justify="right")
        for verdict in present:
            table.add_column(
                words.COUNTED[verdict].in_(self.speak),
                str(sum(outcome.verdict is verdict for outcome in graded)),
                justify="right",
                style=_STYLES[verdict],
            )
        for name, outcomes in self.report.exercises():
            points = Points.sum(outcomes)
            counts = [sum(outcome.verdict is verdict for outcome in outcomes) for verdict in present]
            table.add_row(
                Text(self._titled(name)),
                f"{points.got}/{points.of}",
                *(str(count) if count else "" for count in counts),
            )
        return table

    def _heading(self, text: str) -> None:
        self._line(text, "bold")

    def _line(self, text: str, style: str = "") -> None:
        # Never broken: a command that is to be copied must stay one line.
        self.console.print(Text(text, style), soft_wrap=True)


def _score(outcomes: Sequence[Outcome]) -> str:
    points = Points.sum(outcomes)
    return f"{points.got}/{points.of}"
