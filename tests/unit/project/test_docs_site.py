"""The site of the documentation: what Zensical is given, and what is put into its pages."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import docs_site, markdown

PAGES = docs_site.pages()


@pytest.fixture(params=docs_site.LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_docs_site_has_every_page_of_a_language_in_its_navigation(language: str, tmp_path: Path) -> None:
    project = tomllib.loads(docs_site.stage(language, tmp_path).read_text(encoding="utf-8"))["project"]
    assert sorted(listed(project["nav"])) == sorted(path.name for path in (tmp_path / "pages").glob("*.md"))
    assert all((tmp_path / "pages" / path).is_file() for path in project["extra_css"] + project["extra"]["polyfills"])
    assert project["theme"]["font"] is False
    assert project["theme"]["language"] == language


def listed(entry: Any) -> Iterator[str]:
    """Give the pages of an entry of the navigation."""
    if isinstance(entry, str):
        yield entry
    else:
        for child in entry.values() if isinstance(entry, dict) else entry:
            yield from listed(child)


def test_docs_site_links_lead_to_pages_of_the_site(language: str, tmp_path: Path) -> None:
    docs_site.stage(language, tmp_path)
    places = {place.replace(".md", ".html") for place in PAGES.values()}
    for page in (tmp_path / "pages").glob("*.md"):
        for target in re.findall(r"\]\(([^)\s:#]+)[^)\s:]*\)", page.read_text(encoding="utf-8")):
            place = target[3:] if target.startswith("../") else f"{language}/{target.replace('.md', '.html')}"
            assert place in places, f"{page.name}: {target}"


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("[a](boxes.md)", "[a](boxes.md)"),
        ("[a](../README.md#grades)", "[a](index.md#grades)"),
        ("[a](../README.ko.md)", "[a](../ko/index.html)"),
        ("[a](../CONTRIBUTING.md)", "[a](contributing.md)"),
        ("[a](https://docs.docker.com/)", "[a](https://docs.docker.com/)"),
        ("[a](#part)", "[a](#part)"),
    ],
)
def test_linked_turns_files_into_pages(link: str, expected: str) -> None:
    assert docs_site.linked(link, "docs/course.md", PAGES) == expected


def test_linked_refuses_a_file_that_the_site_does_not_have() -> None:
    with pytest.raises(ValueError, match=r"docs/course\.md: the site has no page for \.\./Makefile"):
        docs_site.linked("[make](../Makefile)", "docs/course.md", PAGES)


def test_put_search_into_pages_puts_the_program_where_the_script_takes_it_from(tmp_path: Path) -> None:
    docs_site.write(tmp_path / "assets" / "javascripts" / "workers" / "search.1234.min.js", 'post("결과")\n')
    script = docs_site.write(
        tmp_path / "javascripts" / "iframe-worker.js",
        (docs_site.PARTS / "iframe-worker.js").read_text(encoding="utf-8"),
    )
    docs_site.put_search_into_pages(tmp_path)
    assert r'const source = "post(\"\uacb0\uacfc\")\n";' in script.read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="no place for the search"):
        docs_site.put_search_into_pages(tmp_path)


@pytest.mark.parametrize(
    ("html", "addresses"),
    [
        ('<script async src="https://unpkg.com/a.js"></script>', ["https://unpkg.com/a.js"]),
        ('<link rel="stylesheet" href="//fonts.googleapis.com/css">', ["//fonts.googleapis.com/css"]),
        ('<link href="https://fonts.gstatic.com" rel="preconnect">', ["https://fonts.gstatic.com"]),
        ('<script src="assets/a.js"></script><a href="https://docs.docker.com/">Docker</a>', []),
        ('<link rel="alternate" href="https://example.com/ko/">', []),
    ],
)
def test_loaded_from_elsewhere_lists_what_a_page_loads_but_no_links(html: str, addresses: list[str]) -> None:
    assert docs_site.loaded_from_elsewhere(html) == addresses


@pytest.mark.parametrize("page", [page for page in PAGES if page.endswith(".md")])
def test_docs_have_no_drawing_whose_program_is_fetched(page: str) -> None:
    assert "```mermaid" not in (docs_site.PROJECT / page).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", [page for page in PAGES if page.endswith(".md")])
def test_docs_indent_blocks_in_lists_as_the_site_generator_takes_them(page: str) -> None:
    text = (docs_site.PROJECT / page).read_text(encoding="utf-8")
    # Python-Markdown takes a block for a part of an item from four blanks on.
    assert re.findall(r"(?m)^ {1,3}```.*$", text) == []
    assert re.findall(r"(?m)^ {1,3}\|.*$", markdown.without_code(text)) == []
