"""The report as one HTML page that needs nothing else: no network, no script, readable on paper and on a phone.

Jinja escapes whatever it puts into the page, and the page itself forbids every browser to load or run anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labgen.core.i18n import Text
from labgen.exercise.catalogue import prerequisite
from labgen.exercise.verdict import Verdict
from labgen.report import words
from labgen.report.drawing import cards, probes, spreads, timeline
from labgen.report.episodes import episodes
from labgen.report.model import Outcome, Points, Report, by_claim, precondition_line, tally, worst

if TYPE_CHECKING:
    from jinja2 import Template

_HERE = Path(__file__).parent
_FIRST = 3
"""Failures that are told at the top: what else is wrong is often their doing."""

_EPISODES = 12
_COMMAND = re.compile(
    r"`([^`]+)`"
    r"|(?:(?<=: )|(?<=; )|(?<=then )|^)((?:sudo|docker|docker-compose|fab|labgen|curl|ip|ss|pytest|vagrant) [^`\n;]+?)"
    r"(?=; |\. |\.$|\?|, then |$)"
)


def to_html(report: Report) -> str:
    """Write the report as a page."""
    snapshot = report.seen
    drawn, answers = spreads(snapshot.requests)
    all_episodes = [episode for service in snapshot.services for episode in episodes(service)]
    newest = sorted(all_episodes, key=lambda episode: episode.began, reverse=True)[:_EPISODES]
    return _template().render(
        report=report,
        say=lambda word, **values: _say(word, report, **values),
        w=words,
        cluster=_section(report, prerequisite(), report.cluster) if report.cluster else None,
        precondition=precondition_line(report.precondition, report.language) if report.precondition else "",
        exercises=[_section(report, name, outcomes) for name, outcomes in report.exercises()],
        first=_first(report),
        cards=cards(report),
        timelines=[timeline(episode, snapshot) for episode in sorted(newest, key=lambda episode: episode.began)],
        probes=probes(snapshot.probes),
        probed=lambda probe: words.probe(probe, report.language),
        happened=lambda episode: words.episode(episode, report.language),
        running=lambda service: words.running(service, report.language),
        spreads=drawn,
        answers=answers,
        tally=lambda points: tally(points, report.language),
        share=lambda points: 100 * points.got / points.of if points.of else 0,
        ids={outcome.id for outcome in report.checks},
        css=(_HERE / "page.css").read_text(encoding="utf-8"),
    )


def _say(word: Text, report: Report, **values: Any) -> str:
    return word.in_(report.language, **values)


def _first(report: Report) -> list[Outcome]:
    """Choose where to begin: what failed before what could not be judged, and only outcomes with advice."""
    kinds = (Verdict.FAIL, Verdict.INCONCLUSIVE)
    outcomes = [outcome for kind in kinds for outcome in report.checks if outcome.verdict is kind and outcome.advice]
    return outcomes[:_FIRST]


def _section(report: Report, name: str, outcomes: list[Outcome]) -> dict[str, Any]:
    return {
        "name": name,
        "title": report.title(name),
        "points": Points.sum(outcomes),
        "claims": [
            {"outcomes": claim, "verdict": worst(claim), "points": Points.sum(claim), "claim": claim[0].claim}
            for claim in by_claim(outcomes)
        ],
        "counts": {
            verdict: count for verdict in Verdict if (count := sum(outcome.verdict is verdict for outcome in outcomes))
        },
    }


def advice(hint: str) -> Iterable[tuple[str, bool]]:
    """Split a hint into parts, each with whether it is a command to type.

    >>> list(advice("On a: docker node ls. Is it there?"))
    [('On a: ', False), ('docker node ls', True), ('. Is it there?', False)]
    """
    at = 0
    for match in _COMMAND.finditer(hint):
        if match.start() > at:
            yield hint[at : match.start()], False
        yield match[1] or match[2], True
        at = match.end()
    if hint[at:]:
        yield hint[at:], False


def _moment(text: str) -> str:
    """``2026-11-24 10:25:38 UTC``; what is no moment stays as it is."""
    try:
        return datetime.fromisoformat(text).strftime("%Y-%m-%d %H:%M:%S %Z").strip()
    except ValueError:
        return text


def _sign(verdict: Verdict) -> str:
    return verdict.replace(" ", "-")


def _anchor(check: str) -> str:
    return re.sub(r"[^0-9A-Za-z_.-]", "-", check)


@cache
def _template() -> Template:
    # Imported only where a page is made: a grading without --report would pay for it, too.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"advice": advice, "moment": _moment, "sign": _sign, "anchor": _anchor}
    return environment.get_template("page.html.j2")
