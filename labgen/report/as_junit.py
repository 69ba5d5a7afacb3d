"""The report as JUnit XML, as CI servers read it: a suite for each exercise, a case for each check.

The swarm itself has a suite as well, which earns no points. What fails is a ``failure``, what could not be judged an
``error``; what is blocked or not applicable is ``skipped``, with the reason. Points stand as properties of each case
and each suite.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from labgen.exercise.catalogue import prerequisite
from labgen.exercise.hint import FIRST_STAGE, Stage, text_of, up_to
from labgen.exercise.verdict import Verdict
from labgen.report import words
from labgen.report.model import Outcome, Points, Report

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold, not even as a reference (section 2.2)."""

_TAGS = {
    Verdict.FAIL: "failure",
    Verdict.INCONCLUSIVE: "error",
    Verdict.BLOCKED: "skipped",
    Verdict.NOT_APPLICABLE: "skipped",
}


def to_junit(report: Report, *, hints: Stage = FIRST_STAGE) -> str:
    """Write the report for CI servers.

    :param hints: how much of them is shown.
    """
    root = Element("testsuites", _counts(report.checks) | {"name": _fit(f"labgen {report.lab}")})
    suites = [(prerequisite(), report.cluster)] if report.cluster else []
    for name, outcomes in [*suites, *report.exercises()]:
        suite = SubElement(
            root, "testsuite", _counts(outcomes) | {"name": _fit(name), "timestamp": _fit(report.started)}
        )
        if name != prerequisite():
            _properties(suite, Points.sum(outcomes))
        for outcome in outcomes:
            _case(suite, outcome, report, hints)
    indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _case(suite: Element, outcome: Outcome, report: Report, hints: Stage) -> None:
    case = SubElement(
        suite,
        "testcase",
        {
            "classname": _fit(f"labgen.{outcome.exercise}"),
            "name": _fit(outcome.id.partition(".")[2] or outcome.id),
            "time": f"{outcome.seconds:.3f}",
        },
    )
    properties = SubElement(case, "properties")
    points = () if outcome.exercise == prerequisite() else (("points", outcome.points), ("got", outcome.got))
    for name, value in (("claim", outcome.claim), *points, ("verdict", outcome.verdict)):
        SubElement(properties, "property", {"name": name, "value": _fit(str(value))})
    if outcome.verdict in _TAGS:
        first = outcome.seen.partition("\n")[0]
        element = SubElement(case, _TAGS[outcome.verdict], {"message": _fit(first), "type": str(outcome.verdict)})
        lines = [f"{words.MUST_BE_TRUE.in_(report.language)}: {outcome.claim}", outcome.seen]
        advice = up_to(hints, outcome.advice)
        lines += [f"{words.TRY.in_(report.language)}: {text_of(advice)}"] if advice else []
        element.text = _fit("\n".join(lines))


def _properties(suite: Element, points: Points) -> None:
    properties = SubElement(suite, "properties")
    for name, value in (("points", points.of), ("got", points.got), ("undecided", points.undecided)):
        SubElement(properties, "property", {"name": name, "value": str(value)})


def _counts(outcomes: Iterable[Outcome]) -> dict[str, str]:
    cases = list(outcomes)
    tags = [_TAGS.get(outcome.verdict, "") for outcome in cases]
    return {
        "tests": str(len(cases)),
        "failures": str(tags.count("failure")),
        "errors": str(tags.count("error")),
        "skipped": str(tags.count("skipped")),
        "time": f"{sum(outcome.seconds for outcome in cases):.3f}",
    }


def _fit(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
