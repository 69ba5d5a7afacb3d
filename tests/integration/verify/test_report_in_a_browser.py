"""The report in a real browser: nothing is loaded, nothing runs, nothing sticks out, and it prints."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from labgen.core.process import Runner
from labgen.report.as_html import to_html

sys.path.insert(0, str(Path(__file__).parents[2] / "unit" / "verify"))
from sample_report import NASTY, REPORT

QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Whatever the page asks for by name or address leads nowhere.
    "--host-resolver-rules=MAP * ~NOTFOUND",
)

MEASURE = """
<iframe src="report.html" style="width:{width}px;height:9000px;border:0"></iframe>
<script>
const page = document.querySelector("iframe");
page.onload = () => {{
  const inside = page.contentDocument, width = inside.documentElement.clientWidth;
  const out = [];
  for (const one of inside.body.querySelectorAll("*")) {{
    const box = one.getBoundingClientRect();
    if (one.closest(".wide, .nodes") === null && box.width && box.right > width + 1)
      out.push(one.tagName + "." + one.className);
  }}
  const bars = [...inside.querySelectorAll(".timeline rect.run")].map(one => one.getBoundingClientRect().width);
  const told = {{
    width, out, scroll: inside.documentElement.scrollWidth,
    title: inside.title, nodes: inside.querySelectorAll(".node").length,
    images: inside.images.length, scripts: inside.scripts.length,
    broad: Math.max(...bars), rows: inside.querySelectorAll(".timeline .row:not(.axis)").length,
    side: inside.querySelector(".timeline .row svg").getBoundingClientRect().left >
      inside.querySelector(".timeline .row .label").getBoundingClientRect().right,
    text: inside.querySelector(".spread").innerText,
    colour: inside.defaultView.getComputedStyle(inside.body).backgroundColor,
  }};
  document.body.innerHTML = "<pre>" + JSON.stringify(told).replaceAll("&", "&amp;").replaceAll("<", "&lt;") + "</pre>";
}};
</script>
"""


@pytest.fixture
def browse(require_tool: Callable[[str], str]) -> Callable[..., str]:
    """Runs the browser on a file, in a profile of its own; gives what it printed."""
    chromium = require_tool("chromium")

    def run(file: Path, *options: str) -> str:
        with TemporaryDirectory(prefix="lg") as profile:
            done = Runner().run(
                [
                    chromium,
                    *QUIET,
                    f"--user-data-dir={profile}",
                    "--allow-file-access-from-files",
                    "--virtual-time-budget=5000",
                    *options,
                    file.as_uri(),
                ],
                timeout=120,
            )
        assert done.status == 0, done.err
        return done.out

    return run


def measured(browse: Callable[..., str], folder: Path, width: int, *options: str) -> dict[str, object]:
    """What the browser makes of the report in a window of that width."""
    (folder / "report.html").write_text(to_html(REPORT), encoding="utf-8")
    (folder / "measure.html").write_text("<!DOCTYPE html><body>" + MEASURE.format(width=width), encoding="utf-8")
    dom = browse(folder / "measure.html", "--window-size=1600,1200", "--dump-dom", *options)
    found = re.search(r"<pre>(.*)</pre>", dom, re.DOTALL)
    assert found is not None, dom[-2000:]
    told: dict[str, object] = json.loads(
        found[1].replace("&lt;", "<").replace("&gt;", ">").replace("&nbsp;", " ").replace("&amp;", "&")
    )
    return told


@pytest.mark.parametrize(("width", "beside"), [(1100, True), (360, False)], ids=["wide", "phone"])
def test_report_it_fits_and_shows_everything(
    browse: Callable[..., str], tmp_path: Path, width: int, beside: bool
) -> None:
    told = measured(browse, tmp_path, width)
    assert told["width"] == width
    assert told["out"] == []
    assert told["scroll"] == width
    assert (told["nodes"], told["rows"]) == (5, 4)
    # Labels stand beside the bars where there is room, and above them if there is none.
    assert told["side"] is beside
    assert isinstance(told["broad"], float)
    assert told["broad"] > width / 8


def test_report_what_a_learner_wrote_is_text(browse: Callable[..., str], tmp_path: Path) -> None:
    told = measured(browse, tmp_path, 1100)
    assert (told["images"], told["scripts"]) == (0, 0)
    assert NASTY in str(told["text"])
    assert told["title"] == "Report: course, 0/4"


def test_report_it_is_dark_where_the_reader_is(browse: Callable[..., str], tmp_path: Path) -> None:
    colours = [
        measured(browse, tmp_path, 800, f"--blink-settings=preferredColorScheme={scheme}")["colour"]
        for scheme in (0, 1)
    ]
    assert colours == ["rgb(18, 22, 28)", "rgb(246, 247, 249)"]


def test_report_it_prints(browse: Callable[..., str], tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text(to_html(replace(REPORT, language="ko")), encoding="utf-8")
    browse(page, "--no-pdf-header-footer", f"--print-to-pdf={tmp_path / 'report.pdf'}")
    printed = (tmp_path / "report.pdf").read_bytes()
    assert printed.startswith(b"%PDF-")
    assert 2 <= len(re.findall(rb"/Type\s*/Page\b(?!s)", printed)) <= 6
