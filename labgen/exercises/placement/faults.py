"""Faults in what decides on which node a task runs."""

from __future__ import annotations

from labgen.docker.swarm import Swarm
from labgen.exercises.placement import exercise as placement
from tests.e2e.sabotage.acts import made, make
from tests.e2e.sabotage.fault import Act, Fault, turned
from tests.e2e.sabotage.stage import MANAGER, W1, W2, Stage

OFF_MANAGERS, LABELLED = placement.OFF_MANAGERS, placement.LABELLED
SPREAD, TOO_BIG = placement.SPREAD, placement.TOO_BIG
LABEL = f"{placement.LABEL}={placement.VALUE}"

REMOVE_LABEL = f"docker node update --label-rm {placement.LABEL}"
ADD_LABEL = f"docker node update --label-add {LABEL}"


def _of(*names: str) -> tuple[str, ...]:
    return tuple(f"placement.{name}" for name in names)


_MANAGED = turned(fail=_of("off_managers"), blocked=_of("none_on_managers"))


def _taken_off(stage: Stage) -> None:
    """No node bears the label any more: the tasks that run by it are stopped."""
    stage.manager(f"{REMOVE_LABEL} {W1}")
    stage.settled(LABELLED.name, 0)


def _put_back(stage: Stage) -> None:
    stage.manager(f"{ADD_LABEL} {W1}")
    stage.settled(LABELLED.name, LABELLED.replicas or 0)


def _on_both_others(command: str) -> Act:
    def act(stage: Stage) -> None:
        stage.manager(*(f"{command} {node}" for node in (MANAGER, W2)))

    return act


def _uneven(stage: Stage) -> None:
    """Made while two nodes took no tasks: all are on the third, and stay there."""
    stage.manager(*(f"docker node update --availability pause {node}" for node in (MANAGER, W2)))
    try:
        make(stage, SPREAD)
    finally:
        stage.manager(*(f"docker node update --availability active {node}" for node in (MANAGER, W2)))


def _half_updated(stage: Stage) -> None:
    """The constraint came later, in an update that failed: the tasks of before run on, one on the manager."""
    make(stage, OFF_MANAGERS.but(constraints=(), replicas=3))
    stage.manager(
        "docker service update --detach --constraint-add node.role!=manager --entrypoint /nowhere"
        f" --update-order start-first --restart-condition none {OFF_MANAGERS.name}"
    )
    stage.wait("the update to pause", lambda swarm: swarm.services[OFF_MANAGERS.name].update_state == "paused")


def _stuck(stage: Stage) -> None:
    """Its tasks wait for a node of another name than any has; what they reserve, every node has."""
    stage.serve(TOO_BIG.name, "--reserve-memory 10MB --constraint node.hostname==bigger nginx", 0)
    stage.wait("its task to say why", _says_why)


def _too_big(stage: Stage) -> None:
    make(stage, TOO_BIG, 0)
    stage.wait("its task to say why", _says_why)


def _says_why(swarm: Swarm) -> bool:
    return any(task.stuck for task in swarm.services[TOO_BIG.name].tasks)


FAULTS = (
    Fault("no constraint at all", "placement", made(OFF_MANAGERS.but(constraints=())), _MANAGED, made(OFF_MANAGERS)),
    Fault(
        "kept on the managers instead of off them",
        "placement",
        made(OFF_MANAGERS.but(constraints=("node.role==manager",))),
        _MANAGED,
        made(OFF_MANAGERS),
    ),
    Fault(
        "a constraint that came in an update that failed",
        "placement",
        _half_updated,
        turned(fail=_of("none_on_managers")),
        made(OFF_MANAGERS),
    ),
    Fault(
        "the label taken off its node",
        "placement",
        _taken_off,
        turned(fail=_of("label"), blocked=_of("on_labelled")),
        _put_back,
    ),
    Fault(
        "the label on every node",
        "placement",
        _on_both_others(ADD_LABEL),
        turned(fail=_of("label"), blocked=_of("on_labelled")),
        _on_both_others(REMOVE_LABEL),
    ),
    Fault(
        "bound to a node's name instead of its label",
        "placement",
        made(LABELLED.but(constraints=(f"node.hostname=={W1}",))),
        turned(fail=_of("on_labelled")),
        made(LABELLED),
    ),
    Fault(
        "spread over workers only",
        "placement",
        made(SPREAD.but(constraints=("node.role==worker",))),
        turned(fail=_of("spread")),
        made(SPREAD),
    ),
    Fault("made while two nodes took no tasks", "placement", _uneven, turned(fail=_of("spread")), made(SPREAD)),
    Fault(
        "big, but not too big",
        "placement",
        made(TOO_BIG.but(reserve="10MB")),
        turned(fail=_of("pending"), blocked=_of("says_why")),
        _too_big,
    ),
    Fault("pending for another reason", "placement", _stuck, turned(fail=_of("says_why")), _too_big),
)
