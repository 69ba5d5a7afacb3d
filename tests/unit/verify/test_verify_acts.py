"""What checks that act leave behind where something does not go as they thought."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from labgen.errors import NodeError
from verify import test_health as health


class Refusing:
    """An exam whose manager refuses some commands; what else it was told is kept."""

    manager = SimpleNamespace(name="swarm-manager")

    def __init__(self, refused: str = "") -> None:
        self.refused = refused
        self.told: list[str] = []

    def on(self, node: Any, script: str) -> str:
        if self.refused and self.refused in script:
            raise NodeError("refused")
        self.told.append(script.partition(" >")[0])
        return ""

    def wait(self, what: str, look: Any, *, within: float) -> Any:
        raise AssertionError(f"waited for {what}")


def test_what_the_learner_did_last_is_not_undone_where_the_replacement_is_refused() -> None:
    exam: Any = Refusing("update")
    with pytest.raises(NodeError):
        health.there_and_back(exam)
    assert exam.told == []


def test_a_replacement_that_does_not_come_to_its_end_is_rolled_back() -> None:
    exam: Any = Refusing()
    with pytest.raises(AssertionError, match="every task to be replaced"):
        health.there_and_back(exam)
    assert exam.told == [
        "docker service update --detach --force web-checked",
        "docker service rollback --detach web-checked",
    ]
