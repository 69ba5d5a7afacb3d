"""`labgen init`: the files of a lab folder in the learner's language."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from labgen import config
from labgen.cli import main
from labgen.cli.init import SKELETON, files_by_language
from labgen.core.i18n import LANGUAGES, Language

TEXTS = dict(files_by_language())

_SETTING = re.compile(r"# ( *(?:- |[a-z_]+:)[^#]*?) *(?:#.*)?$")
"""A line of lab.yml that is one without its mark, and may have a comment at its end."""


def settings(text: str) -> list[str]:
    """Give the lines that a learner may take the mark from, without comments."""
    return [match[1] for line in text.splitlines() if (match := _SETTING.fullmatch(line))]


def test_lab_yml_offers_the_same_settings_in_every_language() -> None:
    english, *others = (settings(TEXTS["lab.yml"][language]) for language in LANGUAGES)
    assert len(english) == 19
    assert all(lines == english for lines in others)


@pytest.mark.parametrize("language", LANGUAGES)
def test_lab_yml_of_init_is_a_lab_with_and_without_the_marks_of_its_simple_settings(language: Language) -> None:
    text = TEXTS["lab.yml"][language]
    assert config.parse(text) == config.parse("")
    unmarked = re.sub(r"(?m)^# ((?:name|managers|workers|network|memory|cpus|addresses):)", r"\1", text)
    assert set(yaml.safe_load(unmarked)) == {"name", "managers", "workers", "network", "memory", "cpus", "addresses"}
    assert config.parse(unmarked)


def test_init_lays_down_the_files_in_the_language_that_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--lang", "ko", "init", str(tmp_path / "lab")]) == 0
    files = sorted(str(path.relative_to(tmp_path / "lab")) for path in (tmp_path / "lab").rglob("*") if path.is_file())
    assert files == ["fabfile.py", "lab.yml", "pytest.ini", "verify/README.md"]
    assert "실습 환경의 설정" in (tmp_path / "lab" / "lab.yml").read_text(encoding="utf-8")
    assert "직접 만든 검사" in (tmp_path / "lab" / "verify" / "README.md").read_text(encoding="utf-8")


def test_init_in_another_language_takes_no_file_for_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--lang", "ko", "init", str(tmp_path)]) == 0
    capsys.readouterr()
    assert main(["--lang", "en", "init", str(tmp_path)]) == 0
    assert "changed by you" not in capsys.readouterr().out
    assert "실습 환경의 설정" in (tmp_path / "lab.yml").read_text(encoding="utf-8")


def test_skeleton_has_no_text_without_an_english_one() -> None:
    translated = list(SKELETON.rglob("*.ko.*"))
    assert translated
    assert all(path.with_name(path.name.replace(".ko.", ".")).exists() for path in translated)
