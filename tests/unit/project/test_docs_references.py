"""The references of commands and of lab.yml are those that the command line and the schema make."""

from __future__ import annotations

import re

import pytest

from labgen.cli import root
from labgen.config.schema import LabFile
from labgen.core.i18n import LANGUAGES, Language
from tests.docs_references import FOLDERS, PAGES, PROJECT


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_reference_is_fresh(language: Language, name: str) -> None:
    page = PROJECT / FOLDERS[language] / name
    assert page.read_text(encoding="utf-8") == PAGES[name](language), f"{page.name}: run `make references`"


@pytest.mark.parametrize("language", LANGUAGES)
def test_reference_of_commands_has_every_command_and_what_it_does(language: Language) -> None:
    page = PAGES["commands.md"](language)
    for name, summary in root.SUMMARIES.items():
        section = page.partition(f"\n## labgen {name}\n")[2].partition("\n## ")[0]
        assert summary.in_(language)[1:] in section
    assert "\n### labgen snapshot save\n" in page


@pytest.mark.parametrize("language", LANGUAGES)
def test_reference_of_lab_yml_has_every_key_with_its_meaning(language: Language) -> None:
    page = PAGES["lab-yml.md"](language)
    rows = re.findall(r"(?m)^\| `(\w+)` \|.*\| ([^|]+) \|$", page)
    assert {*LabFile.model_fields, "guest", "docker_gwbridge", "no_proxy", "suite"} <= {key for key, _meaning in rows}
    assert all(re.search("[가-힣]", meaning) for _key, meaning in rows) is (language == "ko")
