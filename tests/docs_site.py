"""Build the documentation as a site in both languages: ``python -m tests.docs_site [FOLDER]`` (``make docs``).

Zensical makes each language's pages of copies in which links between files of the repository are links between pages.
A warning ends the build. Nothing is fetched: neither while the site is built, nor while it is read from a disk.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path, PurePosixPath

import jinja2

PROJECT = Path(__file__).parents[1]
SITE = PROJECT / "build" / "docs"
PARTS = PROJECT / "docs" / "site"
LANGUAGES = ("en", "ko")

_LINK = re.compile(r"(?<=\]\()([^)\s:#]+)((?:#[^)\s]*)?)(?=\))")
_LOADED = re.compile(
    r'<(?:script|img|iframe|source)\b[^>]*\ssrc="([^"]*)"'
    r'|<link\b(?=[^>]*\srel="(?:stylesheet|icon|preconnect|preload)")[^>]*\shref="([^"]*)"'
)
_SEARCH_PLACE = '/* the search, written here by tests/docs_site.py */ ""'


def pages() -> dict[str, str]:
    """Map each file of the documentation, a path in the repository, to its place in the site."""
    places = {"README.md": "en/index.md", "README.ko.md": "ko/index.md"}
    places |= {f"{name}.md": f"en/{name.lower()}.md" for name in ("CHANGELOG", "CONTRIBUTING", "SECURITY")}
    places |= {f"docs/{path.name}": f"en/{path.name}" for path in sorted(PROJECT.glob("docs/*.md"))}
    places |= {f"docs/ko/{path.name}": f"ko/{path.name}" for path in sorted(PROJECT.glob("docs/ko/*.md"))}
    return places | {"labgen/report/schema.json": "en/schema.json"}


def linked(text: str, file: str, places: dict[str, str]) -> str:
    """Turn links between files of the repository into links between pages of the site.

    :param file: the path of the page in the repository
    :raises ValueError: a link leads to a file that the site does not have
    """
    here = PurePosixPath(places[file])

    def target(match: re.Match[str]) -> str:
        repository_path = os.path.normpath(PurePosixPath(file).parent / match[1]).replace(os.sep, "/")
        if repository_path not in places:
            raise ValueError(f"{file}: the site has no page for {match[1]}")
        place = PurePosixPath(places[repository_path])
        if place.parts[0] == here.parts[0]:
            return f"{place.name}{match[2]}"
        return f"../{str(place).replace('.md', '.html')}{match[2]}"

    return _LINK.sub(target, text)


def stage(language: str, folder: Path) -> Path:
    """Write what Zensical reads for one language into a folder, and give the path of its configuration."""
    places = pages()
    names = {code: {Path(place).name for place in places.values() if place.startswith(code)} for code in LANGUAGES}
    for file, place in places.items():
        code, _, name = place.partition("/")
        if code == language:
            text = (PROJECT / file).read_text(encoding="utf-8")
            write(folder / "pages" / name, linked(text, file, places) if name.endswith(".md") else text)
    for part, place in (("iframe-worker.js", "javascripts"), ("site.css", "stylesheets")):
        write(folder / "pages" / place / part, (PARTS / part).read_text(encoding="utf-8"))
    shutil.copytree(PARTS / "partials", folder / "theme" / "partials")
    (other,) = set(LANGUAGES) - {language}
    template = jinja2.Template(
        (PARTS / "zensical.toml.j2").read_text(encoding="utf-8"), undefined=jinja2.StrictUndefined
    )
    own = names[language]
    configuration = template.render(
        language=language,
        only_here=sorted(name.replace(".md", ".html") for name in own - names[other]),
        existing=lambda listed: json.dumps([f"{name}.md" for name in listed.split() if f"{name}.md" in own]),
        _=lambda english, korean: korean if language == "ko" else english,
    )
    return write(folder / "zensical.toml", configuration)


def write(path: Path, text: str) -> Path:
    """Write a file and the folders it is in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
    return path


def put_search_into_pages(site_dir: Path) -> None:
    """Write the program of the search into the script that starts it where pages are read from a disk."""
    (worker,) = (site_dir / "assets" / "javascripts" / "workers").glob("search.*.js")
    script = site_dir / "javascripts" / "iframe-worker.js"
    source = json.dumps(worker.read_text(encoding="utf-8"))
    text = script.read_text(encoding="utf-8")
    if _SEARCH_PLACE not in text:
        raise ValueError(f"{script} has no place for the search")
    script.write_text(text.replace(_SEARCH_PLACE, source), encoding="utf-8", newline="\n")


def loaded_from_elsewhere(html: str) -> list[str]:
    """List what a page loads from other sites."""
    addresses = (source or href for source, href in _LOADED.findall(html))
    return [address for address in addresses if re.match(r"(?:https?:)?//", address)]


def build(site: Path) -> None:
    """Build the site of both languages in a folder, which is emptied first.

    :raises subprocess.CalledProcessError: Zensical warned of something
    :raises ValueError: a page would load something from another site
    """
    shutil.rmtree(site, ignore_errors=True)
    for language in LANGUAGES:
        folder = site / "source" / language
        configuration = stage(language, folder)
        command = [sys.executable, "-m", "zensical", "build", "--strict", "--config-file", str(configuration)]
        subprocess.run(command, check=True, env={**os.environ, "NO_COLOR": "1"})
        put_search_into_pages(folder / "site")
        shutil.move(folder / "site", site / language)
    shutil.rmtree(site / "source")
    for page in site.rglob("*.html"):
        if addresses := loaded_from_elsewhere(page.read_text(encoding="utf-8")):
            raise ValueError(f"{page} loads {', '.join(addresses)}")
    shutil.copy(PARTS / "index.html", site / "index.html")


def main() -> None:
    """Build the site in ``build/docs``, or in the folder that is named."""
    site = Path(sys.argv[1]).absolute() if sys.argv[1:] else SITE
    build(site)
    print(f"The documentation: {site / 'index.html'}")


if __name__ == "__main__":
    main()
