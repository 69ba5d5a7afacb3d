"""The report of a grading run: what was judged, how it came out, what it is worth.

One model, written as JSON (for programs), Markdown and plain text (for people). The JSON's ``schema``
and ``version`` say what it is; a reader refuses a version it does not know. No writer lets a control
character or a secret through, whatever a learner has named a service or put on a page.

Version 2 knows the verdict "not applicable": checks of what the nodes cannot do where they run. They have
points, but none of these is at stake: sums leave them out and tell them apart (``not_applicable``).
Version 1 had no such checks, and is read as well.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from verify.checks import Verdict

SCHEMA = "labgen.report"
VERSION = 2
_READABLE = (1, 2)

_SECRETS = re.compile(
    r"SWMTKN-\S+|SWMKEY-\S+|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL
)
_SHOWN = 600
"""Characters of evidence kept for a check."""


def clean(text: str) -> str:
    """A text from outside, fit for a report: no secret, no control character, not endless."""
    kept = "".join(
        mark if mark.isprintable() or mark == "\n" else " " if mark == "\t" else f"\\x{ord(mark):02x}"
        for mark in _SECRETS.sub("(secret)", text).replace("\r\n", "\n")
    ).strip()
    return kept if len(kept) <= _SHOWN else kept[: _SHOWN - 1] + "…"


@dataclass(frozen=True)
class Outcome:
    """How one check came out.

    :param id: unique in a report: ``cluster.swarm_active[swarm-worker1]``.
    :param node: the node it is about, ``None`` where it is about the whole.
    :param points: what it is worth; ``got`` is what was earned of that.
    :param seen: the evidence; empty where it passed, the reason where it is not applicable.
    :param hint: what to try next; empty where it passed.
    """

    id: str
    exercise: str
    name: str
    node: str | None
    claim: str
    points: int
    got: int
    verdict: Verdict
    seen: str
    hint: str
    seconds: float

    @property
    def applicable(self) -> bool:
        """It is about something that the nodes can do where they run."""
        return self.verdict is not Verdict.NOT_APPLICABLE


@dataclass(frozen=True)
class Points:
    """Points of several checks.

    :param got: earned.
    :param of: at stake.
    :param undecided: at stake, of checks that could not be judged.
    :param not_applicable: not at stake, of checks that are not applicable.
    """

    got: int
    of: int
    undecided: int
    not_applicable: int

    @classmethod
    def sum(cls, outcomes: Iterable[Outcome]) -> Points:
        """Of these checks together."""
        each = list(outcomes)
        at_stake = [one for one in each if one.applicable]
        return cls(
            got=sum(one.got for one in each),
            of=sum(one.points for one in at_stake),
            undecided=sum(one.points for one in each if one.verdict is Verdict.INCONCLUSIVE),
            not_applicable=sum(one.points for one in each if not one.applicable),
        )


@dataclass(frozen=True)
class NotApplicable:
    """Checks that are not applicable for the same reason: how many, and what they would be worth."""

    reason: str
    checks: int
    points: int


@dataclass(frozen=True)
class LabNode:
    """A node, as a report names it."""

    name: str
    role: str
    address: str


@dataclass(frozen=True)
class Report:
    """A whole run.

    :param lab: the lab's name.
    :param started: when, ISO 8601 in UTC.
    :param seconds: how long it took.
    :param complete: every check that was chosen has a verdict; ``False`` after an interruption.
    :param not_begun: exercises that were not graded, because nothing of them was there and nobody had named them.
    """

    lab: str
    provider: str
    nodes: tuple[LabNode, ...]
    started: str
    seconds: float
    complete: bool
    checks: tuple[Outcome, ...]
    not_begun: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """``pass``, ``fail``, ``inconclusive`` (some could not be judged), or ``nothing`` (none was).

        A check that is not applicable was not judged: a run of nothing else is no full mark.
        """
        verdicts = {one.verdict for one in self.applicable}
        if not verdicts:
            return "nothing"
        if Verdict.INCONCLUSIVE in verdicts:
            return "inconclusive"
        return "pass" if verdicts == {Verdict.PASS} else "fail"

    @property
    def applicable(self) -> list[Outcome]:
        """The checks of what the nodes can do where they run."""
        return [one for one in self.checks if one.applicable]

    @property
    def not_applicable(self) -> list[NotApplicable]:
        """The others, by reason."""
        reasons: dict[str, list[Outcome]] = {}
        for one in self.checks:
            if not one.applicable:
                reasons.setdefault(one.seen, []).append(one)
        return [NotApplicable(reason, len(each), sum(one.points for one in each)) for reason, each in reasons.items()]

    @property
    def points(self) -> Points:
        """Of the whole run."""
        return Points.sum(self.checks)

    def exercises(self) -> list[tuple[str, list[Outcome]]]:
        """The checks by exercise, in the order in which they stand."""
        names = dict.fromkeys(one.exercise for one in self.checks)
        return [(name, [one for one in self.checks if one.exercise == name]) for name in names]


def to_json(report: Report) -> str:
    """The report for programs."""
    return json.dumps(
        {
            "schema": SCHEMA,
            "version": VERSION,
            "lab": {
                "name": report.lab,
                "provider": report.provider,
                "nodes": [asdict(node) for node in report.nodes],
            },
            "started": report.started,
            "seconds": round(report.seconds, 3),
            "complete": report.complete,
            "verdict": report.verdict,
            "points": asdict(report.points),
            "not_begun": list(report.not_begun),
            "not_applicable": [asdict(one) for one in report.not_applicable],
            "exercises": [
                {"name": name, "checks": len(outcomes), "points": asdict(Points.sum(outcomes))}
                for name, outcomes in report.exercises()
            ],
            "checks": [{**asdict(one), "seconds": round(one.seconds, 3)} for one in report.checks],
        },
        ensure_ascii=False,
        indent=2,
    )


def from_json(text: str) -> Report:
    """A report that :func:`to_json` wrote.

    :raises ValueError: it is something else, or of a version that is not known here.
    """
    told: Any = json.loads(text)
    if not isinstance(told, dict) or told.get("schema") != SCHEMA:
        raise ValueError("this is no labgen report")
    if told.get("version") not in _READABLE:
        raise ValueError(f"this report has version {told.get('version')}; known here are 1 to {VERSION}")
    try:
        return Report(
            lab=told["lab"]["name"],
            provider=told["lab"]["provider"],
            nodes=tuple(LabNode(**node) for node in told["lab"]["nodes"]),
            started=told["started"],
            seconds=told["seconds"],
            complete=told["complete"],
            checks=tuple(Outcome(**{**one, "verdict": Verdict(one["verdict"])}) for one in told["checks"]),
            not_begun=tuple(told.get("not_begun", ())),
        )
    except (KeyError, TypeError) as why:
        raise ValueError(f"this report is damaged: {why}") from None


_SIGNS = {
    Verdict.PASS: "pass",
    Verdict.FAIL: "FAIL",
    Verdict.BLOCKED: "blocked",
    Verdict.INCONCLUSIVE: "UNCLEAR",
    Verdict.NOT_APPLICABLE: "n/a",
}


def to_text(report: Report) -> str:
    """The report for a terminal: a line for each claim, with what to do where it does not hold."""
    lines: list[str] = []
    for name, outcomes in report.exercises():
        lines.append(f"{name}: {_tally(Points.sum(outcomes))}")
        for claim in _by_claim([one for one in outcomes if one.applicable]):
            lines.append(f"  {_SIGNS[_worst(claim)]:<8}{_score(claim):>6}  {claim[0].claim}")
            lines += _details(claim)
        lines.append("")
    if report.not_applicable:
        lines.append("not applicable here")
        for name, outcomes in report.exercises():
            for claim in _by_claim([one for one in outcomes if not one.applicable]):
                worth = f"-/{Points.sum(claim).not_applicable}"
                lines.append(f"  {_SIGNS[Verdict.NOT_APPLICABLE]:<8}{worth:>6}  {name}: {claim[0].claim}")
                # One reason for all stands below, once.
                lines += [f"{_INDENT}{claim[0].seen}"] if len(report.not_applicable) > 1 else []
        lines.append("")
    lines.append(_closing(report))
    return "\n".join(lines) + "\n"


def to_markdown(report: Report) -> str:
    """The report as Markdown."""
    lines = [
        f"# Report: {_escaped(report.lab)}",
        "",
        f"{report.started}, {report.seconds:.0f} s. **{_escaped(_closing(report))}**",
        "",
    ]
    for name, outcomes in report.exercises():
        applicable = [one for one in outcomes if one.applicable]
        lines += [f"## {_escaped(name)}: {_tally(Points.sum(outcomes))}", ""]
        lines += _table(applicable) if applicable else []
        for one in applicable:
            if one.verdict is Verdict.PASS:
                continue
            where = f" on {one.node}" if one.node else ""
            lines += [f"- **{_SIGNS[one.verdict]}**: {_escaped(one.claim)}{_escaped(where)}"]
            lines += [f"  - seen: {_escaped(one.seen)}"] if one.seen else []
            lines += [f"  - try: {_escaped(one.hint)}"] if one.hint else []
        lines.append("")
    for apart in report.not_applicable:
        lines += [f"## Not applicable here: {_escaped(apart.reason)}", ""]
        lines += _table([one for one in report.checks if not one.applicable and one.seen == apart.reason])
    return "\n".join(lines).rstrip() + "\n"


def _table(outcomes: Iterable[Outcome]) -> list[str]:
    lines = ["| Verdict | Points | What must be true | Node |", "|---|---:|---|---|"]
    for one in outcomes:
        got = str(one.got) if one.applicable else "-"
        claim, node = _escaped(one.claim), _escaped(one.node or "")
        lines.append(f"| {_SIGNS[one.verdict]} | {got}/{one.points} | {claim} | {node} |")
    return [*lines, ""]


def _by_claim(outcomes: Sequence[Outcome]) -> list[list[Outcome]]:
    names = dict.fromkeys(one.name for one in outcomes)
    return [[one for one in outcomes if one.name == name] for name in names]


def _worst(outcomes: Sequence[Outcome]) -> Verdict:
    order = (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.BLOCKED)
    return next((verdict for verdict in order if any(one.verdict is verdict for one in outcomes)), Verdict.PASS)


def _score(outcomes: Sequence[Outcome]) -> str:
    points = Points.sum(outcomes)
    return f"{points.got}/{points.of}"


def _details(claim: Sequence[Outcome]) -> list[str]:
    """What was seen where it does not hold, and once after them what to try for those that say the same."""
    lines: list[str] = []
    for hint in dict.fromkeys(one.hint for one in claim if one.verdict is not Verdict.PASS):
        for one in claim:
            if one.verdict is Verdict.PASS or one.hint != hint:
                continue
            first, *more = one.seen.splitlines() or [""]
            sign = f"{_SIGNS[one.verdict]} " if one.verdict is not _worst(claim) else ""
            lines.append(f"{_INDENT}{sign}{_part(one)}{first}")
            lines += [f"{_INDENT}  {line}" for line in more]
        lines += [f"{_INDENT}-> {line}" for line in hint.splitlines()]
    return lines


_INDENT = " " * 18


def _part(one: Outcome) -> str:
    """Which of the checks of a claim: ``swarm-worker1-tcp: ``."""
    part = one.id.partition("[")[2].removesuffix("]")
    return f"{part}: " if part else ""


def _tally(points: Points) -> str:
    unclear = f", {points.undecided} could not be judged" if points.undecided else ""
    apart = f", {points.not_applicable} not applicable here" if points.not_applicable else ""
    return f"{points.got} of {points.of} points{unclear}{apart}"


def _closing(report: Report) -> str:
    judged = report.applicable
    counts = {verdict: sum(one.verdict is verdict for one in judged) for verdict in Verdict}
    apart = [
        f"not applicable here: {_counted(one.checks, 'check')} ({_counted(one.points, 'point')}): {one.reason}"
        for one in report.not_applicable
    ]
    if not judged:
        return "; ".join([f"Nothing was graded: no check {'applies here' if apart else 'ran'}", *apart]) + "."
    told = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)
    # What is not applicable is told last, with its reason.
    points = _tally(replace(report.points, not_applicable=0))
    rest = "" if report.complete else " The run was cut short: not every check was judged."
    if report.not_begun:
        rest += f" Not begun, and not graded: {', '.join(report.not_begun)}."
    return "; ".join([points, f"{_counted(len(judged), 'check')}: {told}", *apart]) + f".{rest}"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _escaped(text: str) -> str:
    flat = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_{}\[\]()#|!~$])", r"\\\1", flat)
