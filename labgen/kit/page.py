"""The start page of a kit: one HTML file for each language, readable without a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from labgen.core.i18n import Language, Text, _
from labgen.kit import commands
from labgen.kit.commands import SHELLS
from labgen.kit.nodes import NodeFile
from labgen.kit.platforms import Platform
from labgen.kit.programs import Program

if TYPE_CHECKING:
    from jinja2 import Template

FILES: Mapping[Language, str] = {"en": "start.html", "ko": "start.ko.html"}
_TITLES: Mapping[Language, str] = {"en": "English", "ko": "한국어"}

WORDS: Mapping[str, Text] = {
    "title": _("labgen: start here"),
    "intro": _(
        "With this folder you install labgen without internet, and bring up a Docker Swarm lab on your computer. Find "
        "your computer below, and do the steps in their order."
    ),
    "contents": _("Your computer"),
    "programs": _("1. Install these programs"),
    "programs_about": _(
        "They are not in this folder: they come from their makers. Your teacher may have them for you. A newer version "
        "will do as well, and has another checksum."
    ),
    "program": _("program"),
    "version": _("version"),
    "address": _("address"),
    "compare": _("This command prints the SHA-256 of a file, to compare it:"),
    "packages": _("Debian, Ubuntu:"),
    "open": _("2. Open a terminal in this folder"),
    "open_windows": _(
        "In the Explorer, open this folder, hold Shift, click into it with the right button, and choose "
        "“Open in Terminal” or “Open PowerShell window here”."
    ),
    "open_macos": _("In the Finder, click this folder with the right button and choose “New Terminal at Folder”."),
    "open_linux": _("In the file manager, click into this folder with the right button and choose to open a terminal."),
    "check": _("3. Check this folder"),
    "check_about": _(
        "It compares every file with its checksum, and says whether this computer fits. Go on only if it ends with the "
        "next commands. It prints the SHA-256 of manifest.json: compare it with the one that your teacher has."
    ),
    "install": _("4. Install labgen"),
    "install_about": _("It goes into a folder of its own in your home folder. No internet is asked for anything."),
    "policy": _("PowerShell says that running scripts is disabled? Allow it once, for your user:"),
    "use": _("5. Bring up the lab"),
    "use_about": _("The first command hands over what the machines are made of. The last one may take some minutes."),
    "use_about_empty": _("The machines are made of what labgen fetches from the internet: this folder has no box."),
    "needs_network": _(
        "The machines need internet when the lab comes up for the first time: they fetch the Docker engine from the "
        "distribution."
    ),
    "again": _("In a new terminal, type these two lines again before labgen's commands:"),
    "pythons": _("Other versions of Python that this folder is for: %(versions)s. Write that number in the commands."),
    "made_for": _("For labgen %(version)s. manifest.json has the checksum of every file."),
}


@dataclass(frozen=True)
class Section:
    """What the page says for a platform and a provider.

    :param nodes: what nodes are made of; empty if the kit does not have it.
    """

    platform: Platform
    provider: str
    title: str
    programs: Sequence[Program]
    check: Sequence[str]
    install: Sequence[str]
    use: Sequence[str]
    nodes: Sequence[NodeFile]

    @property
    def anchor(self) -> str:
        """Its id in the page."""
        return f"{self.platform.name}-{self.provider}"


def render(language: Language, sections: Sequence[Section], pythons: Sequence[str], usual: str, version: str) -> str:
    """Write the start page.

    :param pythons: the versions of Python that the kit is for.
    :param usual: the one that commands are written with.
    """
    values = {"versions": ", ".join(python for python in pythons if python != usual), "version": version}
    return _template().render(
        w={
            key: text.in_(language, **values) if "%(" in text.msgid else text.in_(language)
            for key, text in WORDS.items()
        },
        language=language,
        others={_TITLES[code]: file for code, file in FILES.items() if code != language},
        sections=sections,
        pythons=values["versions"],
        shells=SHELLS,
        again=lambda section: [SHELLS[section.platform.system].activate, f"cd {SHELLS[section.platform.system].lab}"],
        line=lambda command: command.replace(commands.PYTHON, usual),
    )


@cache
def _template() -> Template:
    # Imported only where a page is made.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("page.html.j2")
