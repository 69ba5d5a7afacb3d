"""The report of a grading run: what was judged, how it came out, what it is worth, what was seen.

One model (:class:`Report`), written as JSON and JUnit XML for programs, and for people as text for a terminal,
as Markdown, and as one HTML page. No writer lets a control character or a secret through, whatever a learner
has named a service or put on a page.
"""

from __future__ import annotations

from labgen.report.as_json import VERSION, from_json, to_json
from labgen.report.as_text import WIDTH, to_text
from labgen.report.cleaning import clean, cleaned
from labgen.report.model import Bundle, LabNode, NotApplicable, Outcome, Points, Report
from labgen.report.seen import (
    Seen,
    SeenAnswer,
    SeenExchange,
    SeenNode,
    SeenProbe,
    SeenRequests,
    SeenService,
    SeenStretch,
    SeenTask,
)

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
    "SeenExchange",
    "SeenNode",
    "SeenProbe",
    "SeenRequests",
    "SeenService",
    "SeenStretch",
    "SeenTask",
    "clean",
    "cleaned",
    "from_json",
    "to_json",
    "to_text",
]
