"""The report of a grading run: what was judged, how it came out, what it is worth, what was seen.

One model (:class:`Report`), written as JSON and JUnit XML for programs, and for people as text for a terminal,
as Markdown, and as one HTML page. No writer lets a control character or a secret through, whatever a learner
has named a service or put on a page.
"""

from __future__ import annotations

from collections.abc import Iterator

from verify.report.as_html import to_html
from verify.report.as_json import VERSION, from_json, to_json
from verify.report.as_junit import to_junit
from verify.report.as_markdown import to_markdown
from verify.report.as_text import WIDTH, to_text
from verify.report.cleaning import clean, without_secrets
from verify.report.model import Bundle, LabNode, NotApplicable, Outcome, Points, Report
from verify.report.seen import Seen, SeenAnswer, SeenNode, SeenProbe, SeenRequests, SeenService, SeenStretch, SeenTask

__all__ = [
    "VERSION",
    "WIDTH",
    "Bundle",
    "LabNode",
    "NotApplicable",
    "Outcome",
    "Points",
    "Report",
    "Seen",
    "SeenAnswer",
    "SeenNode",
    "SeenProbe",
    "SeenRequests",
    "SeenService",
    "SeenStretch",
    "SeenTask",
    "clean",
    "files",
    "from_json",
    "to_html",
    "to_json",
    "to_junit",
    "to_markdown",
    "to_text",
    "without_secrets",
]


def files(report: Report) -> Iterator[tuple[str, str]]:
    """Every form of a report that is left in a folder: name of the file, and its text."""
    yield "report.json", to_json(report)
    yield "report.html", to_html(report)
    yield "report.md", to_markdown(report)
    yield "report.txt", to_text(report)
    yield "junit.xml", to_junit(report)
