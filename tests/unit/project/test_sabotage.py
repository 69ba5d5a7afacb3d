"""The faults on nodes, as far as they can be tested without any: they are about checks that exist."""

from __future__ import annotations

from collections import Counter
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest

from labgen.config import parse
from labgen.core.errors import NodeError
from labgen.exercise.catalogue import exercise_names
from labgen.exercise.faults import MANAGER, WORKER1, WORKER2, Fault
from labgen.exercises.quorum.faults import MANAGERS
from labgen.model.capabilities import Capability
from labgen.observation.causes import CAUSES
from tests.e2e.sabotage.__main__ import (
    ALL,
    FAULTS,
    SIZES,
    Outcome,
    _bring_about,
    _by_size,
    _grade_with,
    _line,
    _never_failed,
    counted,
    matrix,
)
from verify.checks import Check

TURNED_ON_MACHINES_ONLY = {"loadbalance.port_open"}
"""No fault on container nodes shuts a port of the routing mesh on one node alone."""

NODES = {MANAGER, WORKER1, WORKER2, *MANAGERS}


def checks_of(exercise: str) -> dict[str, Check]:
    """Checks by their id, without nodes."""
    module = import_module(f"labgen.exercises.{exercise}.checks")
    marks = [
        mark for value in vars(module).values() for mark in getattr(value, "pytestmark", ()) if mark.name == "check"
    ]
    return {mark.args[0].id: mark.args[0] for mark in marks}


def full(fault: Fault, names: tuple[str, ...]) -> list[str]:
    """Ids of the checks that a fault names."""
    return [name if "." in name else f"{fault.exercise}.{name}" for name in names]


def test_faults_on_nodes_are_enough_and_each_has_a_title_of_its_own() -> None:
    assert len(FAULTS) >= 180
    titles = Counter((fault.exercise, fault.title) for fault in ALL)
    assert [title for title, times in titles.items() if times > 1] == []


def test_sabotage_every_cause_has_a_fault_that_shows_it() -> None:
    assert {fault.cause for fault in ALL} - {""} == {cause.name for cause in CAUSES}


@pytest.mark.parametrize("fault", ALL, ids=lambda fault: f"{fault.exercise}: {fault.title}")
def test_sabotage_fault_names_checks_that_exist(fault: Fault) -> None:
    checks = checks_of("cluster") | checks_of(fault.exercise)
    for check in full(fault, (*fault.fail, *fault.blocked, *fault.inconclusive)):
        name, _, part = check.partition("[")
        assert name in checks, check
        assert not part or part.removesuffix("]").removesuffix("-tcp").removesuffix("-udp") in NODES
    # Only what needs another can be blocked.
    for check in full(fault, fault.blocked):
        assert checks[check.partition("[")[0]].needs, check


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.exercise}: {fault.title}")
def test_sabotage_fault_on_nodes_makes_a_check_fail(fault: Fault) -> None:
    # Of a node that cannot be asked nothing is judged.
    assert fault.fail or fault.cause == "node-off"


@pytest.mark.parametrize("exercise", exercise_names())
def test_sabotage_every_check_is_turned_by_a_fault_on_nodes(exercise: str) -> None:
    failed = {check.partition("[")[0] for fault in FAULTS for check in full(fault, fault.fail)}
    assert set(checks_of(exercise)) - failed - TURNED_ON_MACHINES_ONLY == set()


class Stage:
    """Stands in for the lab: grades as it is told."""

    def __init__(self, verdicts: dict[str, str], lacks: str = "") -> None:
        self.verdicts = verdicts
        self.inventory = SimpleNamespace(lacks={Capability.ROUTING_MESH: lacks} if lacks else {})
        self.typed: list[tuple[str, ...]] = []
        self.causes: set[str] = set()
        self.seconds = 1.0

    def grade(self, exercise: str) -> dict[str, str]:
        return self.verdicts

    def labgen(self, *words: str, within: float = 0) -> str:
        self.typed.append(words)
        return ""


RIGHT = {"a.one": "pass", "a.two": "pass", "a.three": "not applicable"}


def fault(on_nodes: Any = lambda _: None, **values: Any) -> Fault:
    """A fault on nodes in an exercise."""
    return Fault("it", on_nodes=on_nodes, only="it is made up", **{"exercise": "a", **values})


def bring_about(verdicts: dict[str, str], lacks: str = "", **turned: tuple[str, ...]) -> Outcome:
    """Bring a fault about in the lab that stands in for one."""
    stage: Any = Stage(RIGHT | verdicts, lacks)
    return _grade_with(stage, fault(needs=(Capability.ROUTING_MESH,), **turned), RIGHT)


@pytest.mark.parametrize(
    ("verdicts", "wrong"),
    [
        ({"a.one": "fail", "a.two": "blocked"}, ()),
        ({"a.one": "fail"}, ("a.two: pass, must be blocked",)),
        ({"a.one": "inconclusive", "a.two": "blocked"}, ("a.one: inconclusive, must be fail",)),
        ({"a.one": "fail", "a.two": "blocked", "a.three": "fail"}, ("a.three: fail, must not be turned",)),
    ],
)
def test_grade_with_a_fault_takes_what_it_names_and_nothing_else(
    verdicts: dict[str, str], wrong: tuple[str, ...]
) -> None:
    outcome = bring_about(verdicts, fail=("one",), blocked=("two",))
    assert outcome.wrong == wrong
    assert _line(outcome).startswith("WRONG" if wrong else "right")


def test_grade_with_a_fault_takes_a_check_that_the_nodes_cannot_show_as_it_is() -> None:
    assert bring_about({"a.one": "fail"}, fail=("one",), blocked=("three",)).wrong == ()


def test_grade_with_a_fault_leaves_out_what_nodes_cannot_show() -> None:
    outcome = bring_about({}, "no IPVS", fail=("one",))
    assert (outcome.left_out, outcome.wrong) == ("no IPVS", ())


def test_grade_with_a_fault_needs_the_cause_that_it_shows() -> None:
    stage: Any = Stage(RIGHT | {"a.one": "fail"})
    stage.causes = {"near-name"}
    assert _grade_with(stage, fault(fail=("one",), cause="near-name"), RIGHT).wrong == ()
    (wrong,) = _grade_with(stage, fault(fail=("one",), cause="node-off"), RIGHT).wrong
    assert wrong == "the cause told is near-name, must be node-off"


@pytest.mark.parametrize(("size", "left_out"), list(zip(SIZES, (True, False), strict=True)))
def test_faults_that_take_more_managers_have_a_lab_of_their_own(size: str, left_out: bool) -> None:
    chosen = [fault(exercise="quorum", fail=("service_runs",))]
    stage: Any = Stage({"quorum.service_runs": "pass"})
    stage.lab = parse(size)
    outcomes: list[Outcome] = []
    _bring_about(stage, chosen, None, outcomes, {})
    (outcome,) = outcomes
    assert outcome.left_out == ("quorum needs 3 managers, and the lab has 1 manager." if left_out else "")
    assert bool(stage.typed) is not left_out
    assert [len(faults) for faults in _by_size([*chosen, *FAULTS[:1]])] == [1, 1]


@pytest.mark.parametrize(
    ("exercise", "commands"), [("a", [("reset",), ("run", "a")]), ("cluster", [("reset",)])], ids=["a", "cluster"]
)
def test_grade_with_a_fault_that_cannot_be_brought_about_carries_the_exercise_out_again(
    exercise: str, commands: list[tuple[str, ...]]
) -> None:
    def fails(_: Any) -> None:
        raise NodeError("gone")

    stage: Any = Stage(RIGHT)
    outcome = _grade_with(stage, fault(fails, exercise=exercise, fail=("one",)), RIGHT)
    assert outcome.wrong == ("it could not be brought about: gone",)
    assert stage.typed == commands


def test_sabotage_check_that_nothing_turns_is_found_and_the_matrix_shows_the_rest() -> None:
    outcome = bring_about({"a.one": "fail"}, fail=("one",))
    assert _never_failed({"a": RIGHT}, [outcome]) == {"a.two"}
    assert matrix([outcome], RIGHT) == "  1  a.one\n\n      1\nit    F"


def test_counted_says_why_faults_have_one_way_only() -> None:
    both = Fault("both", fail=("one",), on_nodes=lambda _: None, on_recording=lambda _: None)
    assert counted([both, fault(), fault()]).splitlines() == [
        "3 faults: 1 on nodes and in a recording, 2 on nodes only, 0 recorded",
        "   2  on nodes only: it is made up",
    ]
