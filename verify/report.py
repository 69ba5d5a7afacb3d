"""The report of a grading run: what was judged, how it came out, what it is worth.

One model, written as JSON (for programs), Markdown and plain text (for people). The JSON's ``schema``
and ``version`` say what it is; a reader refuses a version it does not know. No writer lets a control
character or a secret through, whatever a learner has named a service or put on a page.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from verify.checks import Verdict

SCHEMA = "labgen.report"
VERSION = 1

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
    :param seen: the evidence; empty where it passed.
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


@dataclass(frozen=True)
class Points:
    """Points of several checks: earned, at stake, and those of checks that could not be judged."""

    got: int
    of: int
    undecided: int

    @classmethod
    def sum(cls, outcomes: Iterable[Outcome]) -> Points:
        """Of these checks together."""
        each = list(outcomes)
        return cls(
            got=sum(one.got for one in each),
            of=sum(one.points for one in each),
            undecided=sum(one.points for one in each if one.verdict is Verdict.INCONCLUSIVE),
        )


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
    """

    lab: str
    provider: str
    nodes: tuple[LabNode, ...]
    started: str
    seconds: float
    complete: bool
    checks: tuple[Outcome, ...]

    @property
    def verdict(self) -> str:
        """``pass``, ``fail``, ``inconclusive`` (some could not be judged), or ``nothing`` (none was)."""
        verdicts = {one.verdict for one in self.checks}
        if not verdicts:
            return "nothing"
        if Verdict.INCONCLUSIVE in verdicts:
            return "inconclusive"
        return "pass" if verdicts == {Verdict.PASS} else "fail"

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
    if told.get("version") != VERSION:
        raise ValueError(f"this report has version {told.get('version')}; only {VERSION} is known here")
    try:
        return Report(
            lab=told["lab"]["name"],
            provider=told["lab"]["provider"],
            nodes=tuple(LabNode(**node) for node in told["lab"]["nodes"]),
            started=told["started"],
            seconds=told["seconds"],
            complete=told["complete"],
            checks=tuple(Outcome(**{**one, "verdict": Verdict(one["verdict"])}) for one in told["checks"]),
        )
    except (KeyError, TypeError) as why:
        raise ValueError(f"this report is damaged: {why}") from None


_SIGNS = {Verdict.PASS: "pass", Verdict.FAIL: "FAIL", Verdict.BLOCKED: "blocked", Verdict.INCONCLUSIVE: "UNCLEAR"}


def to_text(report: Report) -> str:
    """The report for a terminal: a line for each claim, with what to do where it does not hold."""
    lines: list[str] = []
    for name, outcomes in report.exercises():
        lines.append(f"{name}: {_tally(Points.sum(outcomes))}")
        for claim in _by_claim(outcomes):
            lines.append(f"  {_SIGNS[_worst(claim)]:<8}{_score(claim):>6}  {claim[0].claim}")
            lines += _details(claim)
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
        lines += [f"## {_escaped(name)}: {_tally(Points.sum(outcomes))}", ""]
        lines += ["| Verdict | Points | What must be true | Node |", "|---|---:|---|---|"]
        lines += [
            f"| {_SIGNS[one.verdict]} | {one.got}/{one.points} | {_escaped(one.claim)} | {_escaped(one.node or '')} |"
            for one in outcomes
        ]
        lines.append("")
        for one in outcomes:
            if one.verdict is Verdict.PASS:
                continue
            where = f" on {one.node}" if one.node else ""
            lines += [f"- **{_SIGNS[one.verdict]}**: {_escaped(one.claim)}{_escaped(where)}"]
            lines += [f"  - seen: {_escaped(one.seen)}"] if one.seen else []
            lines += [f"  - try: {_escaped(one.hint)}"] if one.hint else []
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


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
    return f"{points.got} of {points.of} points{unclear}"


def _closing(report: Report) -> str:
    counts = {verdict: sum(one.verdict is verdict for one in report.checks) for verdict in Verdict}
    if not report.checks:
        return "Nothing was graded: no check ran."
    told = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)
    rest = "" if report.complete else " The run was cut short: not every check was judged."
    return f"{_tally(report.points)}; {len(report.checks)} checks: {told}.{rest}"


def _escaped(text: str) -> str:
    flat = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_{}\[\]()#|!~$])", r"\\\1", flat)
