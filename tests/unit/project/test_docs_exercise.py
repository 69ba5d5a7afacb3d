"""docs/writing-an-exercise.md: the exercise that it makes is found, complete, and can be carried out and checked."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from labgen import config
from labgen.exercise import catalogue
from labgen.exercise.faults import LiveLab, RecordedLab, faults_of
from provision.exercise.steps import Command, Step

PAGE = Path(__file__).parents[3] / "docs" / "writing-an-exercise.md"
FILES = dict(re.findall(r"(?ms)^```\w+ title=(\S+)\n(.*?)^```$", PAGE.read_text(encoding="utf-8")))
ROOT = "exercises_of_the_docs"


@pytest.fixture
def exercise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Build the exercise of the page in a package; give the package's name."""
    folder = tmp_path / ROOT / "greeting"
    folder.mkdir(parents=True)
    for name, text in FILES.items():
        if name.startswith("verify/"):
            continue  # a lab folder's
        (folder / name).write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield ROOT
    for module in [name for name in sys.modules if name.partition(".")[0] == ROOT]:
        del sys.modules[module]


def test_docs_exercise_is_found_without_a_problem(exercise: str) -> None:
    loaded = catalogue.load([exercise])
    assert list(loaded.problems) == []
    assert list(loaded.exercises) == ["greeting"]
    assert loaded.exercises["greeting"].services[0].create in loaded.exercises["greeting"].brief("en")
    assert loaded.exercises["greeting"].services[0].create in loaded.exercises["greeting"].brief("ko")


def test_docs_exercise_has_steps_that_can_be_shown(exercise: str) -> None:
    greeting = catalogue.load([exercise]).exercises["greeting"]
    steps = importlib.import_module(f"{exercise}.greeting.steps").script(config.parse(""), greeting.parameters)
    assert all(isinstance(step, Step) for step in steps)
    shown = [step.command.shown for step in steps if isinstance(step.command, Command)]
    assert shown[-1] == "docker service ps greeting"


class Lab:
    """Notes what faults do to it, on nodes or in a recording."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments: self.calls.append((name, *arguments))


def test_docs_exercise_has_faults_with_two_ways(exercise: str) -> None:
    greeting = catalogue.load([exercise]).exercises["greeting"]
    first, second, surplus = faults_of(greeting)
    checks = ["cluster.names[swarm-manager]", "greeting.running"]
    assert first.turns(checks) == second.turns(checks) == {"greeting.running": "fail"}
    assert (surplus.turns(checks), surplus.on_nodes) == ({}, None)
    nodes, recording = Lab(), Lab()
    for fault in (first, second):
        assert fault.on_nodes is not None
        assert fault.on_recording is not None
        fault.on_nodes(cast("LiveLab", nodes))
        fault.on_recording(cast("RecordedLab", recording))
    assert nodes.calls == [("remove", "greeting"), ("serve", "greeting", " --publish 8123:80 nginx", 1)]
    (gone, (kind, name, change)) = recording.calls
    assert (gone, kind, name) == (("gone", "greeting"), "tasks", "greeting")
    assert change(["first", "second"]) == ["first"]


def test_docs_exercise_has_checks_with_claims_in_both_languages(exercise: str) -> None:
    checks = importlib.import_module(f"{exercise}.greeting.checks")
    (mark,) = checks.test_running.pytestmark
    about = mark.args[0].filled(catalogue.load([exercise]).exercises["greeting"].parameters)
    assert (about.id, about.points) == ("greeting.running", 1)
    assert str(about.claim) == "All 2 replicas of the service greeting run."
    assert about.claim.in_("ko") == "greeting 서비스의 복제본 2개가 모두 실행 중이다."
