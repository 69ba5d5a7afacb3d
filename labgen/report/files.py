"""Every form of a report that is left in a folder.

A module of its own, so that Jinja is imported only where an HTML report is written.
"""

from __future__ import annotations

from collections.abc import Iterator

from labgen.exercise.hint import FIRST_STAGE, Stage
from labgen.report.as_html import to_html
from labgen.report.as_json import to_json
from labgen.report.as_junit import to_junit
from labgen.report.as_markdown import to_markdown
from labgen.report.as_text import to_text
from labgen.report.model import Report


def files(report: Report, hints: Stage = FIRST_STAGE) -> Iterator[tuple[str, str]]:
    """Give every form of a report that is left in a folder: name of the file, and its text.

    :param hints: how much of them is shown in texts that are read from top to bottom. The page has all of them, those
        after the first stage behind a click; JSON has all of them as data.
    """
    yield "report.json", to_json(report)
    yield "report.html", to_html(report)
    yield "report.md", to_markdown(report, hints=hints)
    yield "report.txt", to_text(report, hints=hints)
    yield "junit.xml", to_junit(report, hints=hints)
