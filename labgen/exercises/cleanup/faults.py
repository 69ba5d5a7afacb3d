"""Faults in a clean-up: what was left, and a lab in which nothing was."""

from __future__ import annotations

from labgen.exercises.cleanup import exercise as cleanup
from labgen.exercises.globalmode import exercise as globalmode
from tests.e2e.sabotage.acts import make, on, vanish
from tests.e2e.sabotage.fault import Fault, turned
from tests.e2e.sabotage.stage import MANAGER, W1, W2, Stage

OWN = "of-my-own"


def _of(*names: str) -> tuple[str, ...]:
    return tuple(f"cleanup.{name}" for name in names)


_CONTAINERS = _of(*(f"containers_gone[{node}]" for node in (MANAGER, W1, W2)))
_BY_HAND = cleanup.REMOVED[0].name
_NETWORK = cleanup.networks()[0]
_OF_STACK = f"{cleanup.stacks()[0]}_web"


def _only_ones_own(stage: Stage) -> None:
    """What was removed in this swarm is no part of the course."""
    stage.must("labgen", "reset")
    stage.serve(OWN, "--replicas 2 nginx", 2)
    vanish(stage, OWN)


def _removed_again(stage: Stage) -> None:
    stage.must("labgen", "run", "cleanup")


FAULTS = (
    Fault(
        "one of two services removed",
        "cleanup",
        lambda stage: make(stage, globalmode.SERVICE),
        turned(fail=_of("services_gone"), blocked=(*_CONTAINERS, *_of("networks_gone"))),
        lambda stage: vanish(stage, globalmode.SERVICE.name),
    ),
    Fault(
        "a service of a stack left",
        "cleanup",
        lambda stage: stage.serve(_OF_STACK, "nginx", 1),
        turned(fail=_of("services_gone"), blocked=(*_CONTAINERS, *_of("networks_gone"))),
        lambda stage: vanish(stage, _OF_STACK),
    ),
    Fault(
        "a container made by hand left, stopped",
        "cleanup",
        on(W1, f"docker create --name {_BY_HAND} nginx"),
        turned(fail=_of(f"containers_gone[{W1}]")),
        on(W1, f"docker rm {_BY_HAND}"),
    ),
    Fault(
        "a network of the course left",
        "cleanup",
        on(MANAGER, f"docker network create --driver overlay {_NETWORK}"),
        turned(fail=_of("networks_gone")),
        on(MANAGER, f"docker network rm {_NETWORK}"),
    ),
    Fault(
        "only a service of one's own was removed",
        "cleanup",
        _only_ones_own,
        turned(fail=_of("something_was_there"), blocked=(*_of("services_gone", "networks_gone"), *_CONTAINERS)),
        _removed_again,
    ),
)
