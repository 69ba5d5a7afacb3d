"""What a fault says of itself: its ways, and the checks that it turns."""

from __future__ import annotations

from typing import Any

import pytest

from labgen.exercise.catalogue import exercises
from labgen.exercise.faults import Fault, faults_of

CHECKS = ["cluster.names[a]", "web.running", "web.pages[a]", "web.pages[b]", "web.pages_from_itself[a]"]


def fault(**values: Any) -> Fault:
    """A fault with two ways, unless something else is said."""
    ways = {"on_nodes": lambda _: None, "on_recording": lambda _: None}
    return Fault("it", **{"exercise": "web", **ways, **values})


def test_fault_needs_a_way() -> None:
    with pytest.raises(ValueError, match="it: nothing brings it about"):
        fault(on_nodes=None, on_recording=None, only="nobody can")


@pytest.mark.parametrize(
    "values",
    [{"on_nodes": None}, {"on_recording": None}, {"only": "it has two"}],
)
def test_fault_needs_a_reason_if_and_only_if_a_way_is_missing(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="`only` says why"):
        fault(**values)
    assert fault(on_nodes=None, only="nodes do not do that").only


def test_turns_names_checks_of_the_exercise_of_one_node_and_of_the_swarm() -> None:
    turns = fault(fail=("pages",), blocked=("running", "cluster.names[a]"), inconclusive=("pages_from_itself[a]",))
    assert turns.turns(CHECKS) == {
        "web.pages[a]": "fail",
        "web.pages[b]": "fail",
        "web.running": "blocked",
        "cluster.names[a]": "blocked",
        "web.pages_from_itself[a]": "inconclusive",
    }
    assert fault(fail=("pages[b]",)).turns(CHECKS) == {"web.pages[b]": "fail"}


@pytest.mark.parametrize("name", ["page", "pages[c]", "cluster.running"])
def test_turns_refuses_a_check_that_there_is_not(name: str) -> None:
    with pytest.raises(ValueError, match="there is no check"):
        fault(fail=(name,)).turns(CHECKS)


def test_faults_of_an_exercise_bear_its_name() -> None:
    assert {fault.exercise for fault in faults_of(exercises()["update"])} == {"update"}
