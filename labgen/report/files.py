"""Every form of a report that is left in a folder.

Apart from the package, whose other parts every run needs: what draws the page is loaded only where there is to be one.
"""

from __future__ import annotations

from collections.abc import Iterator

from labgen.report.as_html import to_html
from labgen.report.as_json import to_json
from labgen.report.as_junit import to_junit
from labgen.report.as_markdown import to_markdown
from labgen.report.as_text import to_text
from labgen.report.model import Report


def files(report: Report) -> Iterator[tuple[str, str]]:
    """Every form of a report that is left in a folder: name of the file, and its text."""
    yield "report.json", to_json(report)
    yield "report.html", to_html(report)
    yield "report.md", to_markdown(report)
    yield "report.txt", to_text(report)
    yield "junit.xml", to_junit(report)
