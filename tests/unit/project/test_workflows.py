"""The workflows, templates and hooks: they name files and Pythons that exist."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

PROJECT = Path(__file__).parents[3]
GITHUB = PROJECT / ".github"
PYPROJECT = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))


def workflow(name: str) -> dict[Any, Any]:
    """Read a workflow. YAML 1.1 reads its key ``on`` as the truth value."""
    content = yaml.safe_load((GITHUB / "workflows" / name).read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    return content


def commands(job: dict[str, Any]) -> str:
    """Give everything that a job runs."""
    return "\n".join(step.get("run", "") for step in job["steps"])


def test_unit_workflow_runs_on_every_system_and_every_python_of_the_classifiers() -> None:
    (job,) = workflow("unit.yml")["jobs"].values()
    matrix = job["strategy"]["matrix"]
    assert {system.partition("-")[0] for system in matrix["os"]} == {"ubuntu", "windows", "macos"}
    classifiers = "\n".join(PYPROJECT["project"]["classifiers"])
    assert matrix["python"] == re.findall(r"Python :: (3\.\d+)", classifiers)
    assert PYPROJECT["project"]["requires-python"] == f">={matrix['python'][0]}"
    assert re.search(r"pytest .*tests/unit$", commands(job), re.MULTILINE)


def test_ci_workflow_runs_what_ci_runs_here() -> None:
    (job,) = workflow("ci.yml")["jobs"].values()
    assert "bash .ci/run" in commands(job)


@pytest.mark.parametrize("name", ["unit.yml", "ci.yml"])
def test_workflow_may_only_read_and_runs_for_changes_and_on_main(name: str) -> None:
    content = workflow(name)
    assert content["permissions"] == {"contents": "read"}
    assert set(content[True]) == {"push", "pull_request"}
    for job in content["jobs"].values():
        assert job["timeout-minutes"] <= 120
        for path in re.findall(r"requirements/\S+|\.ci/\S+", commands(job)):
            assert (PROJECT / path).is_file(), path


@pytest.mark.parametrize("path", sorted((GITHUB / "ISSUE_TEMPLATE").glob("[!c]*.yml")), ids=lambda path: path.stem)
def test_issue_form_has_questions_with_labels(path: Path) -> None:
    form = yaml.safe_load(path.read_text(encoding="utf-8"))
    questions = [field for field in form["body"] if field["type"] != "markdown"]
    assert questions
    assert all(question["attributes"]["label"] for question in questions)
    identifiers = [question["id"] for question in questions]
    assert len(set(identifiers)) == len(identifiers)


def test_pre_commit_hooks_run_programs_of_the_development_environment() -> None:
    configuration = yaml.safe_load((PROJECT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    (repository,) = configuration["repos"]
    assert repository["repo"] == "local"
    lint = (PROJECT / "Makefile").read_text(encoding="utf-8").partition("\nlint:")[2].partition("\n\n")[0]
    for hook in repository["hooks"]:
        assert hook["language"] == "system"
        assert f"$(BIN)/{hook['entry'].partition(' ')[0]}" in lint
