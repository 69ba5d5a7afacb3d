"""Asking the nodes of a lab what causes are recognised by, for commands and exercises."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime

from labgen.core.errors import LabgenError, NodeError
from labgen.core.i18n import NOTHING
from labgen.docker.api import part
from labgen.docker.question import Ask, NodeAccess, Question
from labgen.docker.swarm import LocalSwarm, Service, Swarm, look
from labgen.exercise.catalogue import exercises
from labgen.exercise.model import Exercise
from labgen.exercise.services import ServiceSpec
from labgen.model.lab import Lab, Node
from labgen.observation.causes import symptoms
from labgen.observation.causes.model import NodeState, Observations
from labgen.observation.facts import read_info

_WITHIN = 10
"""Seconds that an engine has to say what it is like."""

_ENGINE = "@@engine\n"

# An engine that does not run is not asked: its socket is systemd's, and asking would start it.
_SCRIPT = f"{symptoms.SCRIPT}\npidof dockerd >/dev/null && echo '{_ENGINE.strip()}'\ntrue"


def _ask_all(node: NodeAccess) -> str:
    text = node.run(_SCRIPT)
    with suppress(NodeError):
        text += node.engine(["/info"], _WITHIN) if _ENGINE in text else ""
    return text


_QUESTION = Question(_SCRIPT, _ask_all)


def observe(lab: Lab, asker: Callable[[Node], Ask], exercise: Exercise | None = None) -> Observations:
    """Ask every node, side by side, and the swarm of the first manager.

    :param asker: returns what puts questions to a node.
    :param exercise: what is carried out; without one every service of the swarm is looked at.
    """
    swarm, refusal = _swarm(asker(lab.first_manager))
    with ThreadPoolExecutor(max_workers=min(8, len(lab.nodes))) as pool:
        nodes = tuple(pool.map(lambda node: state(node, asker(node)), lab.nodes))
    return Observations(
        nodes=nodes,
        swarm=swarm,
        refusal=refusal,
        exercise=exercise or of_services(swarm.services if swarm else {}),
        lab_networks=(("the lab network", lab.plan.lab), ("the network of adapter 1", lab.plan.adapter1)),
        now=datetime.now(UTC),
    )


def _swarm(ask: Ask) -> tuple[Swarm | None, str]:
    try:
        return look(ask), ""
    except LabgenError as error:
        return None, error.message


def state(node: Node, ask: Ask) -> NodeState:
    """Ask one node; where it does not answer, that is its state."""
    asked_at = time.monotonic()
    try:
        text, engine_mark, answer = ask(_QUESTION).partition(_ENGINE)
        info = read_info(answer, "/info")
        return NodeState(
            node.name,
            str(node.address),
            node.role,
            engine_running=bool(engine_mark),
            swarm=None if info is None else LocalSwarm.of(part(info, "Swarm")),
            symptoms=symptoms.read(text, asked_at),
        )
    except LabgenError:
        return NodeState(node.name, str(node.address), node.role, reached=False)


def of_services(services: Mapping[str, Service]) -> Exercise:
    """Give what all services of a swarm would be as an exercise: as the course has them, else as they are."""
    course = {spec.name: spec for exercise in exercises().values() for spec in (*exercise.later, *exercise.services)}
    specs = (course.get(name) or _as_it_is(service) for name, service in services.items())
    return Exercise("", NOTHING, "", services=tuple(specs))


def _as_it_is(service: Service) -> ServiceSpec:
    return ServiceSpec(service.name, service.plain_image, service.replicas, constraints=service.constraints)
