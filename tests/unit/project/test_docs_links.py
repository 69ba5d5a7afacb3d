"""What the documentation names exists: files of the project, modules, targets of make, headings."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[3]
PAGES = sorted(
    path.relative_to(PROJECT).as_posix()
    for path in (*PROJECT.glob("*.md"), *PROJECT.glob("docs/*.md"), *PROJECT.glob(".github/*.md"))
)
HISTORY = {"CHANGELOG.md"}
"""A page about the past: what it names may be gone."""

TOP = r"(?:labgen|provision|verify|tests|docs|bench|requirements|\.github|\.ci)/"
EXAMPLE = re.compile("NAME|greeting")
"""What stands for any name, and the exercise that the docs make, which a test of its own builds."""

BOXES = {"labgen/debian-12", "labgen/debian-13-cloud"}
SCHEMAS = {"labgen.evidence"}
"""What looks like a file or a module: a Vagrant box, and the formats of files that labgen writes."""

TARGETS = set(re.findall(r"(?m)^([a-z][a-z0-9 -]*):", (PROJECT / "Makefile").read_text(encoding="utf-8")))


def anchor(heading: str) -> str:
    """Give the anchor that GitHub makes of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


@pytest.mark.parametrize("page", PAGES)
def test_docs_link_to_files_and_headings_that_exist(page: str) -> None:
    path = PROJECT / page
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
        if "://" in target or target.startswith("../blob/"):
            continue
        file, _, fragment = target.partition("#")
        linked = path.parent / file if file else path
        assert linked.exists(), target
        if fragment:
            headings = re.findall(r"(?m)^#+ (.*)$", linked.read_text(encoding="utf-8"))
            assert fragment in map(anchor, headings), target


@pytest.mark.parametrize("page", [page for page in PAGES if page not in HISTORY])
def test_docs_name_files_of_the_project_that_exist(page: str) -> None:
    text = (PROJECT / page).read_text(encoding="utf-8")
    for name in re.findall(rf"(?<![\w./-]){TOP}[\w./-]*[\w/]", text):
        if name not in BOXES and not EXAMPLE.search(name):
            assert (PROJECT / name).exists(), name


@pytest.mark.parametrize("page", [page for page in PAGES if page not in HISTORY])
def test_docs_name_modules_that_exist(page: str) -> None:
    text = (PROJECT / page).read_text(encoding="utf-8")
    for dotted in re.findall(r"`((?:labgen|provision|verify|tests)(?:\.[a-z_]+)+)`", text):
        place = PROJECT.joinpath(*dotted.split("."))
        assert dotted in SCHEMAS or place.is_dir() or place.with_suffix(".py").is_file(), dotted


@pytest.mark.parametrize("page", [page for page in PAGES if page not in HISTORY])
def test_docs_name_targets_of_make_that_exist(page: str) -> None:
    targets = {target for line in TARGETS for target in line.split()}
    text = (PROJECT / page).read_text(encoding="utf-8")
    for target in re.findall(r"(?m)(?:`|^)make ([a-z][a-z0-9-]*)", text):
        assert target in targets, target
