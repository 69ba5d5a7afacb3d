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
from labgen.exercise.hint import text_of
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


def to_junit(report: Report) -> str:
    """The report for CI servers."""
    root = Element("testsuites", _counts(report.checks) | {"name": _fit(f"labgen {report.lab}")})
    suites = [(prerequisite(), report.cluster)] if report.cluster else []
    for name, outcomes in [*suites, *report.exercises()]:
        suite = SubElement(
            root, "testsuite", _counts(outcomes) | {"name": _fit(name), "timestamp": _fit(report.started)}
        )
        if name != prerequisite():
            _properties(suite, Points.sum(outcomes))
        for one in outcomes:
            _case(suite, one, report)
    indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _case(suite: Element, one: Outcome, report: Report) -> None:
    case = SubElement(
        suite,
        "testcase",
        {
            "classname": _fit(f"labgen.{one.exercise}"),
            "name": _fit(one.id.partition(".")[2] or one.id),
            "time": f"{one.seconds:.3f}",
        },
    )
    properties = SubElement(case, "properties")
    points = () if one.exercise == prerequisite() else (("points", one.points), ("got", one.got))
    for name, value in (("claim", one.claim), *points, ("verdict", one.verdict)):
        SubElement(properties, "property", {"name": name, "value": _fit(str(value))})
    if one.verdict in _TAGS:
        first = one.seen.partition("\n")[0]
        told = SubElement(case, _TAGS[one.verdict], {"message": _fit(first), "type": str(one.verdict)})
        lines = [f"{words.MUST_BE_TRUE.in_(report.language)}: {one.claim}", one.seen]
        lines += [f"{words.TRY.in_(report.language)}: {text_of(one.advice)}"] if one.advice else []
        told.text = _fit("\n".join(lines))


def _properties(suite: Element, points: Points) -> None:
    properties = SubElement(suite, "properties")
    for name, value in (("points", points.of), ("got", points.got), ("undecided", points.undecided)):
        SubElement(properties, "property", {"name": name, "value": str(value)})


def _counts(outcomes: Iterable[Outcome]) -> dict[str, str]:
    each = list(outcomes)
    tags = [_TAGS.get(one.verdict, "") for one in each]
    return {
        "tests": str(len(each)),
        "failures": str(tags.count("failure")),
        "errors": str(tags.count("error")),
        "skipped": str(tags.count("skipped")),
        "time": f"{sum(one.seconds for one in each):.3f}",
    }


def _fit(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
