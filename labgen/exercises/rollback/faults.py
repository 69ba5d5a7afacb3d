"""Faults in the services of the exercise on failed updates.

Each creates one of the two again. The other must be as the exercise leaves it: it is made so where the fault before has
left it wrong, which a label on the service tells.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from labgen.docker.swarm import Swarm, Task, Update
from labgen.docker.timeline import places
from labgen.exercise import fault_acts as acts
from labgen.exercise import fault_edits as edits
from labgen.exercise.faults import NO_FAULT, QUICK, SAME_ANSWERS, Act, Edit, Fault, LiveLab, RecordedLab
from labgen.exercise.services import ServiceSpec, same_image

from .exercise import Parameters

_PARAMETERS = Parameters()

_WRONG = "sabotaged"
"""Label of a service that is not as the exercise leaves it; nothing of it is seen in a task."""


def _type(command: str) -> Act:
    """A command that may end with an error, as that of an update does which fails.

    The managers refuse it where they have noted something of the service in the same moment; then it is typed again.
    """
    again = "echo \"$said\" | grep -q 'update out of sequence' || break"

    def act(lab: LiveLab) -> None:
        lab.manager(f"for attempt in 1 2 3 4 5; do said=$({command} 2>&1) && break; {again}; done", within=180)

    return act


def _until(what: str, condition: Callable[[Swarm], bool]) -> Act:
    return lambda lab: lab.wait(what, condition)


def _down(name: str) -> Act:
    """Waits until a task of every replica has failed, and none runs."""

    def down(swarm: Swarm) -> bool:
        service = swarm.services[name]
        return not service.running and all(any(task.failed for task in tasks) for tasks in places(service).values())

    return _until(f"every replica of {name} to be down", down)


def _failed_again(swarm: Swarm) -> bool:
    """The store's update is paused, and what had failed was tried once more, and failed."""
    store = swarm.services[_PARAMETERS.store.name]
    return store.update_state == "paused" and any(_tries(tasks) > 1 for tasks in places(store).values())


def _tries(tasks: list[Task]) -> int:
    """How many tasks of a replica have failed since the last of a good image."""
    since = takewhile(lambda task: same_image(task.image, _PARAMETERS.bad), reversed(tasks))
    return sum(task.failed for task in since)


_MENDED = (_type(_PARAMETERS.break_queue), _type(_PARAMETERS.mend_queue))
_BACK_BY_HAND = (_type(_PARAMETERS.break_store), _down(_PARAMETERS.store.name), _type(_PARAMETERS.rollback))
_BACK = (*_BACK_BY_HAND, _type(_PARAMETERS.make_safe), _type(_PARAMETERS.break_safe))


def _create_again(lab: LiveLab, spec: ServiceSpec, steps: tuple[Act, ...], running: int = 3) -> None:
    acts.make(lab, spec)
    for step in steps:
        step(lab)
    lab.settled(spec.name, running)


def _right(lab: LiveLab, spec: ServiceSpec) -> None:
    """One of the two as the exercise leaves it, unless it is so already."""
    services, wrong = (
        lab.manager(f"docker service ls {options} --format '{{{{.Name}}}}'").split()
        for options in ("", f"--filter label={_WRONG}")
    )
    if spec.name not in services or spec.name in wrong:
        _create_again(lab, spec, _MENDED if spec is _PARAMETERS.queue else _BACK)


def _wrong(spec: ServiceSpec, *steps: Act, running: int = 3) -> Act:
    """One of the two, made in some way and treated otherwise than the exercise says; the other is right."""

    def act(lab: LiveLab) -> None:
        _right(lab, _PARAMETERS.store if spec.name == _PARAMETERS.queue.name else _PARAMETERS.queue)
        _create_again(lab, spec.but(options=(*spec.options, f"--label {_WRONG}")), steps, running)

    return act


def _no_queue(lab: LiveLab) -> None:
    _right(lab, _PARAMETERS.store)
    lab.remove(_PARAMETERS.queue.name)


_GOES_ON = _PARAMETERS.queue.but(update=Update(monitor=_PARAMETERS.monitor, failure_action="continue"))


Json = dict[str, Any]


def _failure_action(name: str, action: str) -> Edit:
    return lambda lab: lab.service(name, lambda service: service["Spec"]["UpdateConfig"].update(FailureAction=action))


def never_failed(name: str) -> Edit:
    """Only good images ever ran."""
    return lambda lab: lab.tasks(
        name,
        lambda tasks: [
            task for task in tasks if not task["Spec"]["ContainerSpec"]["Image"].startswith(_PARAMETERS.bad)
        ],
    )


def left_broken(lab: RecordedLab) -> None:
    """The queue as the failed update leaves it: one replica is down, the others go on."""

    def fall(tasks: list[Json]) -> None:
        task = next(task for task in tasks if task["Status"]["State"] == "running")
        task["Status"]["State"] = "failed"
        task["Spec"]["ContainerSpec"]["Image"] = _PARAMETERS.bad

    lab.tasks(_PARAMETERS.queue.name, fall)
    edits.image(_PARAMETERS.queue.name, _PARAMETERS.bad)(lab)
    edits.update_state(_PARAMETERS.queue.name, "paused")(lab)


def never_redis(lab: RecordedLab) -> None:
    """The queue was made of the bad image."""
    edits.image(_PARAMETERS.queue.name, _PARAMETERS.bad)(lab)
    lab.tasks(
        _PARAMETERS.queue.name,
        lambda tasks: [task["Spec"]["ContainerSpec"].update(Image=_PARAMETERS.bad) for task in tasks] and None,
    )


def came_to_all(lab: RecordedLab) -> None:
    """A task of the bad image failed in every replica of the queue, as with `continue`."""

    def spread(tasks: list[Json]) -> list[Json]:
        bad = next(task for task in tasks if task["Status"]["State"] == "failed")
        running = [task for task in tasks if task["Status"]["State"] == "running"]
        return [*tasks, *({**bad, "ID": f"bad{task['Slot']}", "Slot": task["Slot"]} for task in running)]

    lab.tasks(_PARAMETERS.queue.name, spread)


def old_queue(lab: RecordedLab) -> None:
    """The queue went back to its old version instead of on to the new one."""

    def back(tasks: list[Json]) -> None:
        for task in tasks:
            if task["Status"]["State"] == "running":
                task["Spec"]["ContainerSpec"]["Image"] = "redis:6.0-alpine"

    lab.tasks(_PARAMETERS.queue.name, back)


def by_hand(lab: RecordedLab) -> None:
    """The way back began half a minute after the failure, and no failure action says rollback."""

    def wait(tasks: list[Json]) -> None:
        running = [task for task in tasks if task["Status"]["State"] == "running"]
        last = max(running, key=lambda task: str(task["CreatedAt"]))
        last["CreatedAt"] = (datetime.fromisoformat(last["CreatedAt"]) + timedelta(seconds=30)).isoformat()

    lab.tasks(_PARAMETERS.store.name, wait)
    _failure_action(_PARAMETERS.store.name, "pause")(lab)


def by_hand_after_tries(lab: RecordedLab) -> None:
    """The same, but what had failed was tried again meanwhile, and had just failed once more."""
    by_hand(lab)

    def tried(tasks: list[Json]) -> list[Json]:
        running = [task for task in tasks if task["Status"]["State"] == "running"]
        last = max(running, key=lambda task: str(task["CreatedAt"]))
        bad = [task for task in tasks if task["Slot"] == last["Slot"] and task["Status"]["State"] == "failed"][-1]
        at = (datetime.fromisoformat(last["CreatedAt"]) - timedelta(seconds=1)).isoformat()
        return [*tasks, {**bad, "ID": "again", "CreatedAt": at, "Status": {**bad["Status"], "Timestamp": at}}]

    lab.tasks(_PARAMETERS.store.name, tried)


def only_once(lab: RecordedLab) -> None:
    """The store failed as a whole and was rolled back by hand, and that was all."""

    def first(tasks: list[Json]) -> list[Json]:
        running = [task for task in tasks if task["Status"]["State"] == "running"]
        last = max(running, key=lambda task: str(task["CreatedAt"]))
        others = [task for task in tasks if task["Slot"] != last["Slot"]]
        slot = next(task["Slot"] for task in running if task is not last)
        return [
            *others,
            *({**task, "ID": f"x{task['ID']}", "Slot": last["Slot"]} for task in others if task["Slot"] == slot),
        ]

    lab.tasks(_PARAMETERS.store.name, first)
    _failure_action(_PARAMETERS.store.name, "continue")(lab)


_NEED_SERVICES_EXIST = ("by_itself", "continued", "mended", "paused", "rolled_back", "running")
_NEED_RUNNING = ("by_itself", "continued", "mended", "paused", "rolled_back")
_NEED_CONTINUED = ("by_itself", "rolled_back")

FAULTS = (
    Fault(
        "no queue",
        fail=("services_exist",),
        blocked=_NEED_SERVICES_EXIST,
        on_nodes=_no_queue,
        on_recording=edits.gone(_PARAMETERS.queue.name),
    ),
    Fault(
        "the queue's update left as it failed",
        fail=("running",),
        blocked=_NEED_RUNNING,
        on_nodes=_wrong(_PARAMETERS.queue, _type(_PARAMETERS.break_queue), running=2),
        on_recording=left_broken,
    ),
    Fault(
        "the queue never failed",
        fail=("paused",),
        blocked=("mended",),
        on_nodes=_wrong(_PARAMETERS.queue, _type(_PARAMETERS.mend_queue)),
        on_recording=never_failed(_PARAMETERS.queue.name),
    ),
    Fault(
        "the queue made anew instead of mended",
        fail=("paused",),
        blocked=("mended",),
        on_nodes=_wrong(_PARAMETERS.queue.but(image=_PARAMETERS.mended.image)),
        only=SAME_ANSWERS,
    ),
    Fault(
        "the queue goes on with failures",
        fail=("paused",),
        blocked=("mended",),
        on_nodes=_wrong(
            _GOES_ON,
            _type(_PARAMETERS.break_queue.replace("update", "update --detach")),
            _down(_PARAMETERS.queue.name),
            _type(_PARAMETERS.mend_queue),
        ),
        on_recording=_failure_action(_PARAMETERS.queue.name, "continue"),
    ),
    Fault(
        "the queue back in its old version",
        fail=("mended",),
        on_nodes=_wrong(
            _PARAMETERS.queue,
            _type(_PARAMETERS.break_queue),
            _type(f"docker service rollback {_PARAMETERS.queue.name}"),
        ),
        on_recording=old_queue,
    ),
    Fault(
        "a store of nginx",
        fail=("services_exist",),
        blocked=_NEED_SERVICES_EXIST,
        on_nodes=_wrong(_PARAMETERS.store.but(image="nginx", command="")),
        on_recording=edits.image(_PARAMETERS.store.name, "nginx:latest"),
    ),
    Fault(
        "the store never failed",
        fail=("continued",),
        blocked=_NEED_CONTINUED,
        on_nodes=_wrong(_PARAMETERS.store),
        on_recording=never_failed(_PARAMETERS.store.name),
    ),
    Fault(
        "a store that pauses where an update fails",
        fail=("continued",),
        blocked=_NEED_CONTINUED,
        on_nodes=_wrong(
            _PARAMETERS.store.but(update=Update(monitor=_PARAMETERS.monitor)),
            _type(f"docker service update --image {_PARAMETERS.bad} {_PARAMETERS.store.name}"),
            _type(_PARAMETERS.rollback),
        ),
        only=SAME_ANSWERS,
    ),
    Fault(
        "the store of another version",
        fail=("rolled_back",),
        blocked=("by_itself",),
        on_nodes=_wrong(
            _PARAMETERS.store,
            _type(_PARAMETERS.break_store),
            _down(_PARAMETERS.store.name),
            _type(f"docker service update --image {_PARAMETERS.mended.image} {_PARAMETERS.store.name}"),
        ),
        on_recording=edits.image(_PARAMETERS.store.name, "redis:6.2.5-alpine"),
    ),
    Fault(
        "rolled back by hand only",
        fail=("by_itself",),
        on_nodes=_wrong(_PARAMETERS.store, *_BACK_BY_HAND),
        on_recording=only_once,
    ),
    Fault(
        "made safe, and not tried",
        fail=("by_itself",),
        on_nodes=_wrong(_PARAMETERS.store, *_BACK_BY_HAND, _type(_PARAMETERS.make_safe)),
        on_recording=edits.update_state(_PARAMETERS.store.name, ""),
    ),
    Fault(
        "paused and rolled back by hand",
        fail=("by_itself",),
        on_nodes=_wrong(
            _PARAMETERS.store,
            *_BACK_BY_HAND,
            _type(_PARAMETERS.break_safe.replace("--image", "--update-failure-action pause --image")),
            _until("the store to fail again", _failed_again),
            _type(_PARAMETERS.rollback),
        ),
        on_recording=by_hand,
    ),
    Fault(
        "a queue that never was redis",
        fail=("services_exist",),
        blocked=_NEED_SERVICES_EXIST,
        on_recording=never_redis,
        only=QUICK,
    ),
    Fault(
        "one replica down",
        fail=("running",),
        blocked=_NEED_RUNNING,
        on_recording=edits.first_fails(_PARAMETERS.store.name),
        only=QUICK,
    ),
    Fault(
        "the queue failed as a whole",
        fail=("paused",),
        blocked=("mended",),
        on_recording=came_to_all,
        only=QUICK,
    ),
    Fault(
        "the queue still paused",
        fail=("mended",),
        on_recording=edits.update_state(_PARAMETERS.queue.name, "paused"),
        only=QUICK,
    ),
    Fault(
        "the store mended by an update",
        fail=("rolled_back",),
        blocked=("by_itself",),
        on_recording=edits.update_state(_PARAMETERS.store.name, "completed"),
        only=QUICK,
    ),
    Fault(
        "rolled back by hand just after another try",
        fail=("by_itself",),
        on_recording=by_hand_after_tries,
        only=QUICK,
    ),
    Fault(
        edits.FLAPPING,
        fail=("running",),
        blocked=_NEED_RUNNING,
        on_recording=edits.flapping(_PARAMETERS.store.name),
        only=QUICK,
    ),
    Fault(
        edits.NO_CONTAINERS,
        fail=("running",),
        blocked=_NEED_RUNNING,
        on_recording=edits.no_containers(_PARAMETERS.store.name),
        only=QUICK,
    ),
    Fault(
        edits.ASLEEP,
        fail=("services_exist",),
        blocked=_NEED_SERVICES_EXIST,
        on_recording=edits.asleep(_PARAMETERS.store.name),
        only=QUICK,
    ),
    Fault(
        edits.ONE_IMAGE,
        fail=("mended",),
        on_recording=edits.one_image(_PARAMETERS.queue.name),
        only=QUICK,
    ),
    Fault(
        edits.SURPLUS,
        on_recording=edits.surplus(_PARAMETERS.store.name),
        only=NO_FAULT,
    ),
)
