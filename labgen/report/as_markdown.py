"""The report as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from labgen.exercise.hint import FIRST_STAGE, Advice, Stage, up_to
from labgen.exercise.verdict import Verdict
from labgen.report import words
from labgen.report.model import Outcome, Points, Report, precondition_line, tally


def to_markdown(report: Report, *, hints: Stage = FIRST_STAGE) -> str:
    """Write the report as Markdown.

    :param hints: how much of them is shown.
    """
    speak = report.language
    took = _escaped(report.took, " ")
    lines = [
        f"# {words.REPORT.in_(speak)}: {_escaped(report.lab)}",
        "",
        f"{_escaped(report.started)}, {report.lasted:.0f} s. **{_escaped(report.closing)}**{took}",
        "",
    ]
    if report.precondition:
        lines += [f"**{_escaped(precondition_line(report.precondition, speak))}**", ""]
        if report.precondition.verdict != "pass":
            lines += [*_findings(report, report.cluster, hints), ""]
    if len(report.exercises()) > 1:
        lines += _sums(report)
    for name, outcomes in report.exercises():
        applicable = [outcome for outcome in outcomes if outcome.applicable]
        lines += [f"## {_escaped(report.title(name))}: {tally(Points.sum(outcomes), speak)}", ""]
        lines += _table(report, applicable) if applicable else []
        lines += [*_findings(report, applicable, hints), ""]
    for apart in report.not_applicable:
        heading = words.NOT_APPLICABLE_HERE.in_(speak)
        lines += [f"## {heading[:1].upper()}{heading[1:]}: {_escaped(apart.reason)}", ""]
        graded = [outcome for _, outcomes in report.exercises() for outcome in outcomes]
        lines += _table(
            report, [outcome for outcome in graded if not outcome.applicable and outcome.seen == apart.reason]
        )
    if report.seen.probes:
        lines += [f"## {words.MEANWHILE.in_(speak)}", ""]
        lines += [
            f"- {_escaped(report.title(outcome.exercise))}: {_escaped(words.probe(outcome, speak))}"
            for outcome in report.seen.probes
        ]
        lines.append("")
    if report.seen.exchanges:
        lines += [f"## {words.BY_SWARM.in_(speak)}", ""]
        lines += [
            f"- {_escaped(report.title(exchange.exercise))}: {_escaped(words.exchange(exchange, speak))}"
            for exchange in report.seen.exchanges
        ]
        lines.append("")
    if more := words.more_hints(hints, report.hints(), speak):
        lines += [_escaped(more), ""]
    if report.evidence:
        lines += [f"{words.EVIDENCE.in_(speak)}: {words.DIGEST.in_(speak)} `{_code(report.evidence.digest)}`", ""]
    return "\n".join(lines).rstrip() + "\n"


def _findings(report: Report, outcomes: Iterable[Outcome], hints: Stage) -> Iterator[str]:
    """Give what was seen of each check that did not pass, and what to try."""
    speak = report.language
    for outcome in outcomes:
        if outcome.verdict is Verdict.PASS:
            continue
        where = " " + words.ON_NODE.in_(speak, node=outcome.node) if outcome.node else ""
        sign = words.VERDICTS[outcome.verdict].in_(speak)
        yield f"- **{sign}**: {_escaped(outcome.claim)}{_escaped(where, ' ')}"
        if outcome.seen:
            yield f"  - {words.SEEN.in_(speak)}: {_escaped(outcome.seen)}"
        for advice in up_to(hints, outcome.advice):
            yield from _advice(advice, words.TRY.in_(speak))


def _advice(advice: Advice, label: str) -> list[str]:
    """Give the sentences as a list item, and the commands, one a line, as a block of code in it."""
    lines = [f"  - {label}: {_escaped(' '.join(advice.lines))}".rstrip()]
    if advice.commands:
        # Longer than any row of backticks in it, so that nothing in a command ends the block.
        ticks = max((len(row) for command in advice.commands for row in re.findall("`+", command)), default=0)
        fence = "`" * max(3, ticks + 1)
        commands = [" ".join(command.splitlines()) for command in advice.commands]
        lines += ["", *(f"    {line}" for line in (f"{fence}sh", *commands, fence)), ""]
    return lines


def _sums(report: Report) -> list[str]:
    speak = report.language
    lines = [f"| {words.EXERCISE.in_(speak)} | {words.POINTS.in_(speak)} | |", "|---|---:|---|"]
    for name, outcomes in report.exercises():
        points = Points.sum(outcomes)
        counts = ", ".join(
            f"{count} {words.COUNTED[verdict].in_(speak)}"
            for verdict in Verdict
            if (count := sum(outcome.verdict is verdict for outcome in outcomes))
        )
        lines.append(f"| {_escaped(report.title(name))} | {points.got}/{points.of} | {counts} |")
    lines.append(f"| **{words.TOTAL.in_(speak)}** | **{report.points.got}/{report.points.of}** | |")
    return [*lines, ""]


def _table(report: Report, outcomes: Iterable[Outcome]) -> list[str]:
    headings = [outcome.in_(report.language) for outcome in (words.VERDICT, words.POINTS, words.CLAIM, words.NODE)]
    lines = [f"| {' | '.join(headings)} |", "|---|---:|---|---|"]
    for outcome in outcomes:
        got = str(outcome.got) if outcome.applicable else "-"
        claim, node = _escaped(outcome.claim), _escaped(outcome.node or "")
        sign = words.VERDICTS[outcome.verdict].in_(report.language)
        lines.append(f"| {sign} | {got}/{outcome.points} | {claim} | {node} |")
    return [*lines, ""]


def _escaped(text: str, before: str = "") -> str:
    flat = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    escaped = re.sub(r"([\\`*_{}\[\]()#|!~$])", r"\\\1", flat)
    # What GitHub would make a link of, or a word to someone.
    escaped = re.sub(r"(?i)(?<=www)\.", "&#46;", escaped.replace("://", "&#58;//").replace("@", "&#64;"))
    return before + escaped if escaped else ""


def _code(text: str) -> str:
    return re.sub(r"[^0-9A-Za-z-]", "", text)
