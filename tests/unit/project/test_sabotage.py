"""The sabotage of real nodes, as far as it can be tested without any: its faults are about checks that exist."""

from __future__ import annotations

from collections import Counter
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest

from labgen.config import parse
from labgen.core.errors import NodeError
from labgen.exercise.catalogue import exercise_names
from labgen.exercises.quorum.faults import MANAGERS
from labgen.model.capabilities import Capability
from labgen.observation.causes import CAUSES
from tests.e2e.sabotage.__main__ import FAULTS, KINDS, Came, _by_kind, _everything, _line, _names, _one, matrix
from tests.e2e.sabotage.fault import Fault
from tests.e2e.sabotage.of_causes import ON_RECORDINGS
from tests.e2e.sabotage.stage import MANAGER, W1, W2
from verify.checks import Check

TURNED_ON_MACHINES_ONLY = {"loadbalance.port_open"}
"""No fault here shuts a port of the routing mesh on one node alone."""


NODES = {MANAGER, W1, W2, *MANAGERS}


def known(exercise: str) -> dict[str, Check]:
    """Checks by their id, without nodes."""
    module = import_module(f"labgen.exercises.{exercise}.checks")
    marks = [
        mark for value in vars(module).values() for mark in getattr(value, "pytestmark", ()) if mark.name == "check"
    ]
    return {mark.args[0].id: mark.args[0] for mark in marks}


def test_there_are_enough_faults_and_each_has_a_name() -> None:
    assert len(FAULTS) >= 180
    assert [name for name, times in Counter(fault.name for fault in FAULTS).items() if times > 1] == []


def test_every_cause_has_a_fault_that_shows_it() -> None:
    shown = {fault.cause for fault in FAULTS} - {""}
    assert not shown & set(ON_RECORDINGS)
    assert shown | set(ON_RECORDINGS) == {cause.name for cause in CAUSES}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_turns_checks_that_exist(fault: Fault) -> None:
    checks = known("cluster") | known(fault.exercise)
    # Of a node that cannot be asked nothing is judged.
    assert "fail" in fault.turns.values() or fault.cause == "node-off"
    for check, verdict in fault.turns.items():
        name, _, part = check.partition("[")
        assert name in checks, check
        assert not part or part.removesuffix("]").removesuffix("-tcp").removesuffix("-udp") in NODES
        # Only what needs another can be blocked.
        assert verdict != "blocked" or checks[name].needs, check


@pytest.mark.parametrize("exercise", exercise_names())
def test_every_check_is_turned_by_some_fault(exercise: str) -> None:
    failed = {
        check.partition("[")[0] for fault in FAULTS for check, verdict in fault.turns.items() if verdict == "fail"
    }
    assert set(known(exercise)) - failed - TURNED_ON_MACHINES_ONLY == set()


class Stage:
    """Stands in for the lab: grades as it is told."""

    def __init__(self, now: dict[str, str], lacks: str = "") -> None:
        self.now = now
        self.there = SimpleNamespace(lacks={Capability.ROUTING_MESH: lacks} if lacks else {})
        self.typed: list[tuple[str, ...]] = []
        self.causes: set[str] = set()
        self.seconds = 1.0

    def grade(self, exercise: str) -> dict[str, str]:
        return self.now

    def must(self, *argv: str, within: float = 0) -> str:
        self.typed.append(argv)
        return ""


RIGHT = {"a.one": "pass", "a.two": "pass", "a.three": "not applicable"}


def commit(now: dict[str, str], turns: dict[str, str], lacks: str = "") -> Came:
    stage: Any = Stage(RIGHT | now, lacks)
    return _one(stage, Fault("it", "a", lambda _: None, turns, needs=(Capability.ROUTING_MESH,)), RIGHT)


@pytest.mark.parametrize(
    ("now", "wrong"),
    [
        ({"a.one": "fail", "a.two": "blocked"}, ()),
        ({"a.one": "fail"}, ("a.two: pass, must be blocked",)),
        ({"a.one": "inconclusive", "a.two": "blocked"}, ("a.one: inconclusive, must be fail",)),
        ({"a.one": "fail", "a.two": "blocked", "a.three": "fail"}, ("a.three: fail, must not be turned",)),
    ],
)
def test_a_fault_must_turn_what_it_says_and_nothing_else(now: dict[str, str], wrong: tuple[str, ...]) -> None:
    came = commit(now, {"a.one": "fail", "a.two": "blocked"})
    assert came.wrong == wrong
    assert _line(came).startswith("WRONG" if wrong else "right")


def test_a_check_that_the_nodes_cannot_show_need_not_be_turned() -> None:
    assert commit({"a.one": "fail"}, {"a.one": "fail", "a.three": "blocked"}).wrong == ()


def test_what_nodes_cannot_show_is_left_out() -> None:
    came = commit({}, {"a.one": "fail"}, "no IPVS")
    assert (came.left_out, came.wrong) == ("no IPVS", ())


def test_what_cannot_be_judged_here_need_not_be_turned() -> None:
    came = commit({"a.one": "fail"}, {"a.one": "fail", "a.three": "blocked"})
    assert came.wrong == ()


@pytest.mark.parametrize(("kind", "left_out"), list(zip(KINDS, (True, False), strict=True)))
def test_faults_that_take_more_managers_have_a_lab_of_their_own(kind: str, left_out: bool) -> None:
    chosen = [Fault("it", "quorum", lambda _: None, {"a.one": "fail"})]
    stage: Any = Stage(RIGHT)
    stage.lab = parse(kind)
    came: list[Came] = []
    _everything(stage, chosen, None, came, {})
    (one,) = came
    assert one.left_out == ("quorum takes 3 managers, and the lab has 1 manager." if left_out else "")
    assert bool(stage.typed) is not left_out
    assert [len(faults) for faults in _by_kind([*chosen, *FAULTS[:1]])] == [1, 1]


def test_a_fault_that_cannot_be_committed_is_wrong_and_the_lab_is_made_anew() -> None:
    def fails(_: Any) -> None:
        raise NodeError("gone")

    stage: Any = Stage(RIGHT)
    came = _one(stage, Fault("it", "a", fails, {"a.one": "fail"}), RIGHT)
    assert came.wrong == ("it could not be committed: gone",)
    assert stage.typed == [("labgen", "reset")]


def test_a_check_that_nothing_turns_is_found_and_the_matrix_shows_the_rest() -> None:
    came = commit({"a.one": "fail"}, {"a.one": "fail"})
    assert _names({"a": RIGHT}, [came]) == {"a.two"}
    assert matrix([came], RIGHT) == "  1  a.one\n\n      1\nit    F"
