"""Faults in what the exercise on scaling leaves."""

from __future__ import annotations

from labgen.exercise.services import Publish, ServiceSpec
from labgen.exercises.scaling import exercise as scaling
from labgen.model.capabilities import Capability
from tests.e2e.sabotage.acts import made, make, scale
from tests.e2e.sabotage.fault import Act, Fault, turned
from tests.e2e.sabotage.stage import MANAGER, Stage

SERVICE, FEW, MANY = scaling.SERVICE, scaling.FEW, scaling.MANY
WEB = SERVICE.name


def _of(*names: str) -> tuple[str, ...]:
    return tuple(f"scaling.{name}" for name in names)


_TRIED = _of("scales", "answers_meanwhile")
_NEVER_SCALED = turned(fail=_of("scaled_up"), blocked=(*_of("scaled_down", "same_service"), *_TRIED))


def _scaled(spec: ServiceSpec, *numbers: int) -> Act:
    """Made and scaled, up and down as the exercise has it where nothing else is said."""

    def act(stage: Stage) -> None:
        make(stage, spec)
        scale(stage, WEB, *(numbers or (MANY, FEW)))

    return act


def _anew(stage: Stage) -> None:
    """It was scaled, and afterwards removed and made again: of this one nobody has seen it."""
    _scaled(SERVICE)(stage)
    make(stage, SERVICE)


def _no_room(stage: Stage) -> None:
    """Scaled up in vain, as each node takes one: the third replica stays pending."""
    make(stage, SERVICE.but(options=("--replicas-max-per-node 1",)))
    stage.manager(f"docker service scale --detach {WEB}={MANY}")
    stage.wait("a task that no node takes", lambda swarm: any(task.stuck for task in swarm.services[WEB].tasks))
    scale(stage, WEB, FEW)


_SILENT = SERVICE.but(
    options=("--env 'SLOT={{.Task.Slot}}'", "--stop-grace-period 1s"),
    command="""sh -c 'test "$SLOT" != 2 || exec sleep 86400; exec nginx -g "daemon off;"'""",
)
"""Where replica 2 should answer, nothing listens."""

FAULTS = (
    Fault("nothing there to scale", "scaling", lambda stage: stage.remove(WEB), _NEVER_SCALED),
    Fault("made and never scaled", "scaling", made(SERVICE), _NEVER_SCALED),
    Fault("made with three replicas instead of scaled", "scaling", made(scaling.SCALED), _NEVER_SCALED),
    Fault("scaled, removed and made again", "scaling", _anew, _NEVER_SCALED),
    Fault(
        "scaled up and left so",
        "scaling",
        _scaled(SERVICE, MANY),
        turned(fail=_of("scaled_down"), blocked=_TRIED),
    ),
    Fault(
        "scaled down too far",
        "scaling",
        _scaled(SERVICE, MANY, FEW - 1),
        turned(fail=_of("scaled_down"), blocked=_TRIED),
    ),
    Fault(
        "scaled, but kept off one node only",
        "scaling",
        _scaled(SERVICE.but(constraints=(f"node.hostname!={MANAGER}",))),
        turned(fail=_of("same_service"), blocked=_TRIED),
    ),
    Fault(
        "scaled, but published elsewhere",
        "scaling",
        _scaled(SERVICE.but(publish=(Publish(8080, 80),))),
        turned(fail=_of("same_service"), blocked=_TRIED),
    ),
    Fault(
        "no room for a third replica",
        "scaling",
        _no_room,
        turned(fail=_of("scales"), blocked=_of("answers_meanwhile")),
    ),
    Fault(
        "scaled, and one replica does not answer",
        "scaling",
        _scaled(_SILENT),
        turned(fail=_of("answers_meanwhile")),
        needs=(Capability.ROUTING_MESH,),
    ),
)
