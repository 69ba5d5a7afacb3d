"""What becomes of an error in a check: its verdict, what was seen, its place in the report."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from labgen import config
from labgen.core.errors import ExerciseError, HostError, NodeError, SwarmError
from labgen.exercise.catalogue import exercises
from labgen.exercise.verdict import Verdict
from labgen.report import Outcome
from verify import verdicts
from verify.results import RunResults


@pytest.mark.parametrize(
    ("error", "verdict", "message"),
    [
        (None, Verdict.PASS, ""),
        (AssertionError("it has one"), Verdict.FAIL, "it has one"),
        (AssertionError("it has one\nand that\nassert 1 == 2\n +  where"), Verdict.FAIL, "it has one\nand that"),
        (SwarmError("no manager"), Verdict.FAIL, "no manager"),
        (ExerciseError("no such exercise"), Verdict.FAIL, "no such exercise"),
        (pytest.fail.Exception("failed"), Verdict.FAIL, "failed"),
        (pytest.skip.Exception("blocked: needs a"), Verdict.BLOCKED, "needs a"),
        (NodeError("w1 cannot be reached"), Verdict.INCONCLUSIVE, "w1 cannot be reached"),
        (HostError("no disk"), Verdict.INCONCLUSIVE, "no disk"),
        (ValueError("odd"), Verdict.INCONCLUSIVE, "ValueError: odd"),
        (KeyboardInterrupt(), Verdict.INCONCLUSIVE, "KeyboardInterrupt: "),
    ],
)
def test_judge_and_seen_of_an_error(error: BaseException | None, verdict: Verdict, message: str) -> None:
    assert verdicts._judge(error) is verdict
    assert verdicts._seen(error, "en") == message


@pytest.mark.parametrize(
    ("cause", "message", "beginning"),
    [
        ("no leader", "", "no leader"),
        ("no leader: 500", "500", "no leader: 500"),
        ("no leader", "0 of 3 run", "no leader\n0 of 3 run"),
    ],
)
def test_beginning_is_the_cause_and_nothing_is_said_twice(cause: str, message: str, beginning: str) -> None:
    assert verdicts._beginning(cause, message) == beginning


def item_of(node: Any, line: int | None = 7, *, params: bool = True) -> Any:
    callspec = SimpleNamespace(params={"node": node} if node else {}, id=getattr(node, "name", "x"))
    plain = {"reportinfo": lambda: ("test.py", line, "name")}
    return SimpleNamespace(**plain, callspec=callspec) if params else SimpleNamespace(**plain)


def test_name_is_that_of_the_node_of_a_check() -> None:
    lab = config.load(None)
    assert verdicts._name(item_of(lab.nodes[1])) == lab.nodes[1].name
    assert verdicts._name(item_of(None)) is None
    assert verdicts._name(item_of(None, params=False)) is None
    # pytest puts a mark of its own where there is no node.
    assert verdicts._name(item_of(object())) is None


def test_place_is_the_swarm_first_then_the_course_and_in_each_the_module() -> None:
    lab = config.load(None)
    book = RunResults(lab=lab)

    def place(exercise: str, item: Any) -> tuple[int, ...]:
        return verdicts._place(SimpleNamespace(exercise=exercise), item, book)  # type: ignore[arg-type]

    swarm, service = place("cluster", item_of(lab.nodes[0])), place("service", item_of(lab.nodes[0]))
    assert swarm[0] == 0
    assert 0 < service[0] < place("cleanup", item_of(None))[0] < place("nobody's", item_of(None))[0]
    assert place("cluster", item_of(lab.nodes[2], 9))[1:] == (9, 2)
    assert place("cluster", item_of(None, None))[1:] == (0, 0)
    assert place("cluster", item_of(SimpleNamespace(name="stranger")))[1:] == (7, 0)


def test_book_takes_what_is_needed_on_the_same_node_or_everywhere() -> None:
    book = RunResults()
    outcomes = {
        name: SimpleNamespace(id=name, exercise="cluster", name=check, node=node)
        for name, check, node in (("a", "up", "w1"), ("b", "up", "w2"), ("c", "begun", None), ("d", "other", "w1"))
    }
    book.outcomes.update(outcomes)  # type: ignore[arg-type]
    assert book.needed("cluster.up", "w1") == [outcomes["a"]]
    assert book.needed("cluster.up", None) == [outcomes["a"], outcomes["b"]]
    assert book.needed("cluster.up", "w9") == [outcomes["a"], outcomes["b"]]
    assert book.needed("cluster.begun", "w1") == [outcomes["c"]]
    assert book.needed("cluster.nothing", "w1") == []


def test_book_takes_no_less_time_than_the_run_did_then() -> None:
    now = [5.0]
    book = RunResults(clock=lambda: now[0], begun=1.0)
    assert book.report().seconds == 4.0
    book.least = 9.0
    assert book.report().seconds == 9.0
    assert book.report().complete
    book.expected = 1
    assert not book.report().complete


def test_book_has_the_titles_of_the_exercises_that_were_judged() -> None:
    checks = {
        name: Outcome(name, name.partition(".")[0], "it", None, "It is so.", 1, 1, Verdict.PASS, "", "", 0.0)
        for name in ("update.it", "cluster.it")
    }
    titles = RunResults(outcomes=checks).titles()
    assert titles.keys() == {"update", "cluster"}
    assert titles["update"] == exercises()["update"].title
    assert RunResults().titles() == {}


def outcome_of(check: str) -> Outcome:
    exercise, _, name = check.partition(".")
    return Outcome(check, exercise, name, None, "It is so.", 1, 1, Verdict.PASS, "", "", 0.0)


@pytest.mark.parametrize(("least", "seconds"), [(0.0, 10.0), (9.0, 10.0), (30.0, 30.0)])
def test_book_reports_the_seconds_since_it_was_begun_or_those_of_the_recording(least: float, seconds: float) -> None:
    assert RunResults(clock=lambda: 12.0, begun=2.0, least=least).report().seconds == seconds


def test_book_reports_titles_of_what_was_judged_alone() -> None:
    outcomes = {check: outcome_of(check) for check in ("cluster.address", "update.image")}
    assert list(RunResults(outcomes=outcomes).titles()) == ["cluster", "update"]
    assert list(RunResults().titles()) == []


@pytest.mark.parametrize(("expected", "complete"), [(2, True), (3, False)])
def test_book_is_complete_with_as_many_outcomes_as_there_are_checks(expected: int, complete: bool) -> None:
    outcomes = {check: outcome_of(check) for check in ("update.b", "update.a")}
    book = RunResults(outcomes=outcomes, places={"update.b": (1,), "update.a": (1,)}, expected=expected)
    assert book.report().complete is complete
    assert [outcome.id for outcome in book.report().checks] == ["update.a", "update.b"]
