"""make release: what it refuses, and what it leaves behind when all is well."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from labgen import __version__
from tests import release
from tests.release import Release

PROJECT = Path(__file__).parents[3]
PYPROJECT = '[project]\nname = "labgen"\nversion = "1.2.0"\n'
CHANGELOG = "# Changelog\n\n## [Unreleased]\n\n## [1.2.0] - 2027-01-31\n\n### Added\n\n- Something.\n"


@pytest.fixture
def clone(tmp_path: Path, require_tool: Callable[[str], str]) -> Release:
    """A repository that is ready to be released."""
    require_tool("git")
    (tmp_path / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG, encoding="utf-8")
    (tmp_path / ".gitignore").write_text("/dist/\n", encoding="utf-8")
    ready = Release.of(tmp_path)
    ready.git("init", "--quiet")
    for key, value in (("user.name", "A"), ("user.email", "a@example.org"), ("tag.gpgSign", "false")):
        ready.git("config", key, value)
    commit(ready)
    return ready


def commit(clone: Release) -> None:
    """Commit everything in a clone."""
    clone.git("add", "--all")
    clone.git("-c", "commit.gpgSign=false", "commit", "--quiet", "--message", "Something")


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The Python programs that a release starts; the build is pretended."""
    commands: list[list[str]] = []

    def python(clone: Release, *words: str, **variables: str) -> None:
        commands.append([*words, *variables])
        clone.dist.mkdir(exist_ok=True)
        (clone.dist / "labgen-1.2.0-py3-none-any.whl").touch()

    monkeypatch.setattr(Release, "_python", python)
    return commands


def test_release_builds_tests_the_built_wheel_and_tags(
    clone: Release, built: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    clone.dist.mkdir()
    (clone.dist / "labgen-1.1.0-py3-none-any.whl").touch()
    assert release.main(clone.project) == 0
    assert [command[0] for command in built] == ["hatchling", "pytest"]
    assert built[-1][-1] == "LABGEN_WHEEL"
    assert clone.git("tag", "--list", "--format=%(refname:short) %(contents:subject)") == "v1.2.0 labgen 1.2.0"
    printed = capsys.readouterr().out
    assert "git push origin main v1.2.0" in printed
    assert "labgen-1.1.0" not in printed


@pytest.mark.parametrize(
    ("path", "text", "reason"),
    [
        ("CHANGELOG.md", CHANGELOG.replace("[1.2.0]", "[1.1.0]"), "no line `## [1.2.0] - YYYY-MM-DD`"),
        ("CHANGELOG.md", CHANGELOG.replace("2027-01-31", "soon"), "no line `## [1.2.0] - YYYY-MM-DD`"),
        ("CHANGELOG.md", CHANGELOG.replace("[Unreleased]\n", "[Unreleased]\n\n- More.\n"), "under Unreleased"),
    ],
    ids=["version missing", "no date", "unreleased entries"],
)
def test_release_refuses_a_changelog_that_does_not_have_the_version(
    clone: Release, built: list[list[str]], capsys: pytest.CaptureFixture[str], path: str, text: str, reason: str
) -> None:
    (clone.project / path).write_text(text, encoding="utf-8")
    commit(clone)
    assert release.main(clone.project) == 1
    assert reason in capsys.readouterr().err
    assert not built
    assert not clone.git("tag")


def test_release_refuses_a_tree_with_changes(
    clone: Release, built: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    (clone.project / "new.py").touch()
    assert release.main(clone.project) == 1
    assert "new.py" in capsys.readouterr().err
    assert not built


def test_release_refuses_a_version_that_has_a_tag(
    clone: Release, built: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    clone.add_tag()
    assert release.main(clone.project) == 1
    assert "v1.2.0 exists already" in capsys.readouterr().err
    assert not built


def test_release_tags_nothing_when_a_step_fails(clone: Release, capsys: pytest.CaptureFixture[str]) -> None:
    assert release.main(clone.project) == 1  # nothing can be built: there is no package
    assert "hatchling build" in capsys.readouterr().err
    assert not clone.git("tag")


def test_changelog_names_the_version_of_the_project_and_every_section_by_its_kind() -> None:
    text = (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"(?m)^## \[(.+?)\]", text)
    assert versions[0] == "Unreleased"
    assert __version__ in versions
    kinds = set(re.findall(r"(?m)^### (.*)$", text))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_version_of_the_package_is_that_of_the_project() -> None:
    assert Release.of(PROJECT).version == __version__
