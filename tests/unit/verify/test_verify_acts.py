"""What checks that act leave behind where something does not go as they thought."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from labgen.core.errors import NodeError
from labgen.core.nonce import mark
from labgen.docker.question import Question
from labgen.exercises.health import checks as health


class Refusing:
    """An exam whose manager refuses some commands; what else it was told is kept."""

    manager = SimpleNamespace(name="swarm-manager")

    def __init__(self, refused: str = "") -> None:
        self.refused = refused
        self.told: list[str] = []

    def mark(self, purpose: str) -> str:
        """As without a nonce."""
        return ""

    def ask_node(self, node: Any, question: Question) -> str:
        script = question.script
        if self.refused and self.refused in script:
            raise NodeError("refused")
        self.told.append(script.partition(" >")[0])
        return ""

    def wait(self, what: str, look: Any, *, within: float) -> Any:
        raise AssertionError(f"waited for {what}")


def test_acts_what_the_learner_did_last_is_not_undone_where_the_replacement_is_refused() -> None:
    exam: Any = Refusing("update")
    with pytest.raises(NodeError):
        health.there_and_back(exam, parameters=health.Parameters())
    assert exam.told == []


def test_acts_replacement_that_does_not_come_to_its_end_is_rolled_back() -> None:
    exam: Any = Refusing()
    with pytest.raises(AssertionError, match="every task to be replaced"):
        health.there_and_back(exam, parameters=health.Parameters())
    assert exam.told == [
        "docker service update --detach --force web-checked",
        "docker service rollback --detach web-checked",
    ]


class Updated(Refusing):
    """An exam with a nonce, in which every wait ends with a service of these labels."""

    def __init__(self, labels: dict[str, str]) -> None:
        super().__init__()
        self.labels = labels

    def mark(self, purpose: str) -> str:
        return mark("spring-7f3a", purpose)

    def wait(self, what: str, look: Any, *, within: float) -> Any:
        return SimpleNamespace(labels=self.labels)


def test_acts_there_and_back_with_a_nonce_wants_the_label_that_it_has_put_on() -> None:
    exam: Any = Updated({"labgen.check": mark("spring-7f3a", "health")})
    health.there_and_back(exam, parameters=health.Parameters())
    assert exam.told[0].startswith("docker service update --detach --force --label-add labgen.check=")


@pytest.mark.parametrize("labels", [{}, {"labgen.check": mark("autumn", "health")}])
def test_acts_there_and_back_refuses_answers_for_another_nonce(labels: dict[str, str]) -> None:
    exam: Any = Updated(labels)
    with pytest.raises(AssertionError, match="somebody else updated web-checked meanwhile"):
        health.there_and_back(exam, parameters=health.Parameters())
    assert exam.told[-1] == "docker service rollback --detach web-checked"
