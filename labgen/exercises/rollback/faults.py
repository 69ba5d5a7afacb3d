"""Faults in the services of the exercise on failed updates.

Each begins one of the two anew. The other must be as the exercise leaves it: it is made so where the fault before has
left it wrong, which a label on the service tells.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import takewhile

from labgen.docker.swarm import Swarm, Task, Update
from labgen.docker.timeline import places
from labgen.exercise.services import ServiceSpec, same_image
from labgen.exercises.rollback import exercise as rollback
from labgen.exercises.rollback.exercise import (
    BAD,
    BREAK_QUEUE,
    BREAK_SAFE,
    BREAK_STORE,
    MAKE_SAFE,
    MEND_QUEUE,
    QUEUE,
    ROLLBACK,
    STORE,
)
from tests.e2e.sabotage.acts import make
from tests.e2e.sabotage.fault import Act, Fault, turned
from tests.e2e.sabotage.stage import Stage

_WRONG = "sabotaged"
"""Label of a service that is not as the exercise leaves it; nothing of it is seen in a task."""


def _of(*names: str) -> tuple[str, ...]:
    return tuple(f"rollback.{name}" for name in names)


_EACH = _of("paused", "mended", "continued", "rolled_back", "by_itself")


def _type(command: str) -> Act:
    """A command that may end with an error, as that of an update does which fails.

    The managers refuse it where they have noted something of the service in the same moment; then it is typed again.
    """
    again = "echo \"$said\" | grep -q 'update out of sequence' || break"

    def act(stage: Stage) -> None:
        stage.manager(f"for attempt in 1 2 3 4 5; do said=$({command} 2>&1) && break; {again}; done", within=180)

    return act


def _until(what: str, true_of: Callable[[Swarm], bool]) -> Act:
    return lambda stage: stage.wait(what, true_of)


def _down(name: str) -> Act:
    """Waits until a task of every replica has failed, and none runs."""

    def true_of(swarm: Swarm) -> bool:
        there = swarm.services[name]
        return not there.running and all(any(task.failed for task in tasks) for tasks in places(there).values())

    return _until(f"every replica of {name} to be down", true_of)


def _failed_again(swarm: Swarm) -> bool:
    """The store's update is paused, and what had failed was tried once more, and failed."""
    there = swarm.services[STORE.name]
    return there.update_state == "paused" and any(_tries(tasks) > 1 for tasks in places(there).values())


def _tries(tasks: list[Task]) -> int:
    """How many tasks of a replica have failed since the last of a good image."""
    since = takewhile(lambda task: same_image(task.image, BAD), reversed(tasks))
    return sum(task.failed for task in since)


_MENDED = (_type(BREAK_QUEUE), _type(MEND_QUEUE))
_BACK_BY_HAND = (_type(BREAK_STORE), _down(STORE.name), _type(ROLLBACK))
_BACK = (*_BACK_BY_HAND, _type(MAKE_SAFE), _type(BREAK_SAFE))


def _anew(stage: Stage, spec: ServiceSpec, acts: tuple[Act, ...], running: int = 3) -> None:
    make(stage, spec)
    for act in acts:
        act(stage)
    stage.settled(spec.name, running)


def _right(stage: Stage, spec: ServiceSpec) -> None:
    """One of the two as the exercise leaves it, unless it is so already."""
    there, wrong = (
        stage.manager(f"docker service ls {options} --format '{{{{.Name}}}}'").split()
        for options in ("", f"--filter label={_WRONG}")
    )
    if spec.name not in there or spec.name in wrong:
        _anew(stage, spec, _MENDED if spec is QUEUE else _BACK)


def _wrong(spec: ServiceSpec, *acts: Act, running: int = 3) -> Act:
    """One of the two, made in some way and treated otherwise than the exercise says; the other is right."""

    def act(stage: Stage) -> None:
        _right(stage, STORE if spec.name == QUEUE.name else QUEUE)
        _anew(stage, spec.but(options=(*spec.options, f"--label {_WRONG}")), acts, running)

    return act


def _no_queue(stage: Stage) -> None:
    _right(stage, STORE)
    stage.remove(QUEUE.name)


_GOES_ON = QUEUE.but(update=Update(monitor=rollback.MONITOR, failure_action="continue"))
_NO_SERVICES = turned(fail=_of("services_exist"), blocked=(*_of("running"), *_EACH))
_NOT_PAUSED = turned(fail=_of("paused"), blocked=_of("mended"))
_NOT_CONTINUED = turned(fail=_of("continued"), blocked=_of("rolled_back", "by_itself"))
_NOT_BACK = turned(fail=_of("rolled_back"), blocked=_of("by_itself"))
_NOT_BY_ITSELF = turned(fail=_of("by_itself"))

FAULTS = (
    Fault("no queue", "rollback", _no_queue, _NO_SERVICES),
    Fault(
        "the queue's update left paused",
        "rollback",
        _wrong(QUEUE, _type(BREAK_QUEUE), running=2),
        turned(fail=_of("running"), blocked=_EACH),
    ),
    Fault("the queue updated without a failure", "rollback", _wrong(QUEUE, _type(MEND_QUEUE)), _NOT_PAUSED),
    Fault(
        "the queue made anew instead of mended",
        "rollback",
        _wrong(QUEUE.but(image=rollback.MENDED.image)),
        _NOT_PAUSED,
    ),
    Fault(
        "a queue that goes on with failures",
        "rollback",
        _wrong(_GOES_ON, _type(BREAK_QUEUE.replace("update", "update --detach")), _down(QUEUE.name), _type(MEND_QUEUE)),
        _NOT_PAUSED,
    ),
    Fault(
        "the queue taken back instead of mended",
        "rollback",
        _wrong(QUEUE, _type(BREAK_QUEUE), _type(f"docker service rollback {QUEUE.name}")),
        turned(fail=_of("mended")),
    ),
    Fault("a store of nginx", "rollback", _wrong(STORE.but(image="nginx", command="")), _NO_SERVICES),
    Fault("the store never broken", "rollback", _wrong(STORE), _NOT_CONTINUED),
    Fault(
        "a store that pauses where an update fails",
        "rollback",
        _wrong(
            STORE.but(update=Update(monitor=rollback.MONITOR)),
            _type(f"docker service update --image {BAD} {STORE.name}"),
            _type(ROLLBACK),
        ),
        _NOT_CONTINUED,
    ),
    Fault(
        "the store updated further instead of rolled back",
        "rollback",
        _wrong(
            STORE,
            _type(BREAK_STORE),
            _down(STORE.name),
            _type(f"docker service update --image {rollback.NEW} {STORE.name}"),
        ),
        _NOT_BACK,
    ),
    Fault("rolled back by hand, and no more", "rollback", _wrong(STORE, *_BACK_BY_HAND), _NOT_BY_ITSELF),
    Fault(
        "made to roll back, and never tried",
        "rollback",
        _wrong(STORE, *_BACK_BY_HAND, _type(MAKE_SAFE)),
        _NOT_BY_ITSELF,
    ),
    Fault(
        "paused, and rolled back by hand",
        "rollback",
        _wrong(
            STORE,
            *_BACK_BY_HAND,
            _type(f"docker service update --update-failure-action pause --image {BAD} {STORE.name}"),
            _until("the store to fail again", _failed_again),
            _type(ROLLBACK),
        ),
        _NOT_BY_ITSELF,
    ),
)
