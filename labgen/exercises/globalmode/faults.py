"""Faults in the service on every node, and in the node that joined after it."""

from __future__ import annotations

from labgen.exercises.globalmode import exercise as globalmode
from tests.e2e.sabotage.acts import make
from tests.e2e.sabotage.fault import Fault, turned
from tests.e2e.sabotage.stage import MANAGER, W1, W2, Stage

SERVICE = globalmode.SERVICE
NAME = SERVICE.name


def _of(*names: str) -> tuple[str, ...]:
    return tuple(f"globalmode.{name}" for name in names)


_HERE = _of(*(f"task_here[{node}]" for node in (MANAGER, W1, W2)))


def _join(stage: Stage) -> None:
    stage.join(W2, f"--advertise-addr {stage.node(W2).address}")
    stage.settled(NAME, len(stage.lab.nodes))


def _rejoined(stage: Stage) -> None:
    """As the exercise has it: a node leaves, is removed from the list, and joins again."""
    stage.on(W2, "docker swarm leave")
    stage.manager(f"docker node rm --force {W2}")
    _join(stage)


def _right(stage: Stage) -> None:
    """As the exercise leaves it."""
    make(stage, SERVICE)
    _rejoined(stage)


def _ghost(stage: Stage) -> None:
    """Its lost membership was never removed."""
    stage.on(W2, "docker swarm leave")
    stage.missed(W2)
    _join(stage)


def _exorcised(stage: Stage) -> None:
    lost = "docker node ls --format '{{.ID}} {{.Status}}' | awk '$2 == \"Down\" {print $1}'"
    stage.manager(f"{lost} | xargs docker node rm")


def _updated(options: str, running: int, stage: Stage) -> None:
    stage.manager(f"docker service update --detach {options} {NAME}")
    stage.settled(NAME, running)


def _drained(stage: Stage) -> None:
    stage.manager(f"docker node update --availability drain {W2}")
    stage.settled(NAME, 2)


def _active(stage: Stage) -> None:
    stage.manager(f"docker node update --availability active {W2}")
    stage.settled(NAME, 3)


FAULTS = (
    Fault(
        "a constraint keeps it off the manager",
        "globalmode",
        lambda stage: _updated("--constraint-add node.role==worker", 2, stage),
        turned(fail=_of(f"task_here[{MANAGER}]")),
        lambda stage: _updated("--constraint-rm node.role==worker", 3, stage),
    ),
    Fault(
        "the node that joined takes no tasks",
        "globalmode",
        _drained,
        turned(fail=_of(f"task_here[{W2}]", "joined_later"), blocked=_of("whole")),
        _active,
        cause="node-drained",
    ),
    Fault("the lost membership stays", "globalmode", _ghost, turned(fail=_of("whole")), _exorcised),
    Fault(
        "removed again from every node",
        "globalmode",
        lambda stage: stage.remove(NAME),
        turned(fail=_of("service_exists"), blocked=(*_of("global", "joined_later", "whole"), *_HERE)),
        _right,
    ),
    Fault(
        "on every node, from another image",
        "globalmode",
        lambda stage: make(stage, SERVICE.but(image="redis:6.0-alpine")),
        turned(fail=_of("service_exists"), blocked=(*_of("global", "joined_later", "whole"), *_HERE)),
        _right,
    ),
    Fault(
        "three replicas instead of global mode",
        "globalmode",
        lambda stage: make(stage, SERVICE.but(replicas=3)),
        turned(fail=_of("global"), blocked=(*_of("joined_later", "whole"), *_HERE)),
        _right,
    ),
    Fault(
        "made again after the node had joined",
        "globalmode",
        lambda stage: make(stage, SERVICE),
        turned(fail=_of("joined_later"), blocked=_of("whole")),
        _right,
    ),
)
