"""What the nodes tell of themselves while a failure is explained: asked once, and which rules of a firewall count."""

from __future__ import annotations

from typing import Any

import pytest

from labgen import config
from labgen.core.errors import NodeError
from labgen.observation.causes import Symptoms
from labgen.observation.causes.symptoms import FirewallRule
from verify import symptoms
from verify.symptoms import NodeSymptoms

LAB = config.load(None)
MANAGER, W1, W2 = LAB.nodes


class Lab:
    """As much of an exam as is asked: what each node tells; one that tells nothing cannot be asked."""

    lab = LAB

    def __init__(self, **answers: Symptoms) -> None:
        self.answers = {name.replace("_", "-"): answer for name, answer in answers.items()}
        self.questions: list[str] = []

    def clock(self) -> float:
        return 0.0

    def on(self, node: Any, _script: str, **_options: float) -> str:
        self.questions.append(node.name)
        if node.name not in self.answers:
            raise NodeError(f"{node.name} cannot be reached")
        return str(node.name)


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> Lab:
    rules = (
        FirewallRule(f"-A INPUT -s {W2.address}/32 -p tcp --dport 7946 -j DROP", (7946,)),
        FirewallRule("-A INPUT -p udp --dport 4789 -j DROP", (4789,)),
    )
    exam = Lab(**{W1.name: Symptoms(rules=rules), MANAGER.name: Symptoms()})
    monkeypatch.setattr(symptoms.symptoms, "read", lambda name, _moment: exam.answers[name])
    return exam


@pytest.mark.parametrize(
    ("node", "another", "port", "drops"),
    [
        (W1, W2, 7946, True),
        # A rule for another node, for all, for another port, of another node, of one that tells nothing.
        (W1, MANAGER, 7946, False),
        (W1, MANAGER, 4789, True),
        (W1, W2, 2377, False),
        (MANAGER, W2, 7946, False),
        (W2, W1, 4789, False),
    ],
)
def test_drops_is_a_rule_about_that_port_between_the_two_nodes(
    lab: Lab, node: Any, another: Any, port: int, drops: bool
) -> None:
    assert NodeSymptoms(lab).drops(node, another, port) is drops  # type: ignore[arg-type]


def test_symptoms_are_asked_once_of_every_node(lab: Lab) -> None:
    answers = NodeSymptoms(lab)  # type: ignore[arg-type]
    assert lab.questions == []
    assert answers.of(MANAGER) == Symptoms()
    assert answers.of(W2) is None
    assert answers.of(W1) == lab.answers[W1.name]
    assert sorted(lab.questions) == sorted(node.name for node in LAB.nodes)
