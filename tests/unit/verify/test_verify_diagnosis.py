"""What is looked at to find the cause of a check's failure."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from labgen import config
from labgen.core.errors import NodeError, SwarmError
from labgen.core.i18n import Text
from labgen.docker.model import LocalSwarm
from labgen.docker.swarm import Swarm
from labgen.observation.causes import Symptoms
from tests.past import at
from verify.checks import Check
from verify.diagnosis import CauseFinder

LAB = config.load(None)
MANAGER, W1, W2 = LAB.nodes
SYMPTOMS = Symptoms(proxy="http://proxy")


def check(*topics: str) -> Check:
    return Check("update", "it", Text("It is so."), 2, (), (), "all", False, topics=topics)  # type: ignore[arg-type]


class Lab:
    """As much of an exam as is asked: a worker that cannot be reached, and a swarm that may be refused."""

    lab = LAB
    looked = at(0)

    def __init__(self, refusal: str = "") -> None:
        self.refusal = refusal
        self.questions: list[str] = []
        self.symptoms = SimpleNamespace(of=self.of)

    def latest(self) -> Swarm:
        if self.refusal:
            raise SwarmError(self.refusal)
        return Swarm((), (), {})

    def facts(self, node: Any) -> Any:
        if node == W2:
            raise NodeError("w2 cannot be reached")
        return SimpleNamespace(engine_running=node == MANAGER, local_swarm=LocalSwarm("active"))

    def of(self, node: Any) -> Symptoms:
        self.questions.append(node.name)
        return SYMPTOMS


@pytest.mark.parametrize("node", [None, W1.name])
def test_observations_are_of_the_whole_lab_for_one_check(node: str | None) -> None:
    observations = CauseFinder(Lab()).observations(check("tasks"), node)  # type: ignore[arg-type]
    assert observations.node == (node or "")
    assert (observations.swarm, observations.refusal, observations.now) == (Swarm((), (), {}), "", at(0))
    assert observations.exercise is not None
    assert observations.exercise.name == "update"
    assert [(state.name, state.reached, state.engine_running) for state in observations.nodes] == [
        (MANAGER.name, True, True),
        (W1.name, True, False),
        (W2.name, False, observations.nodes[2].engine_running),
    ]
    assert [network for _, network in observations.lab_networks] == [LAB.plan.lab, LAB.plan.adapter1]


def test_observations_of_a_swarm_that_cannot_be_seen_have_the_reason() -> None:
    observations = CauseFinder(Lab("no manager")).observations(check("tasks"), None)  # type: ignore[arg-type]
    assert (observations.swarm, observations.refusal) == (None, "no manager")


@pytest.mark.parametrize(
    ("topic", "told_by_nodes"),
    [
        *((topic, True) for topic in ("node", "tasks", "requests", "network", "history")),
        *((topic, False) for topic in ("swarm", "names", "subnets")),
    ],
)
def test_observations_have_symptoms_only_for_a_topic_that_nodes_tell_of(topic: str, told_by_nodes: bool) -> None:
    lab = Lab()
    observations = CauseFinder(lab).observations(check(topic), None)  # type: ignore[arg-type]
    assert [state.symptoms for state in observations.nodes[:2]] == [SYMPTOMS if told_by_nodes else None] * 2
    assert lab.questions == ([MANAGER.name, W1.name] if told_by_nodes else [])
