"""Faults in the service of the exercise on update options."""

from __future__ import annotations

from typing import Any

from labgen.exercise import fault_acts as acts
from labgen.exercise import fault_edits as edits
from labgen.exercise.faults import (
    MANY_ANSWERS,
    MISSING,
    NO_FAULT,
    QUICK,
    SAME_ANSWERS,
    Act,
    Fault,
    LiveLab,
    RecordedLab,
)
from labgen.exercise.services import ServiceSpec

from .exercise import Parameters

_PARAMETERS = Parameters()

SERVICE = _PARAMETERS.service
CACHE = SERVICE.name
_PAIRS, _FIRST = _PARAMETERS.update_in_pairs, _PARAMETERS.update_start_first


def _then(*commands: str, spec: ServiceSpec = SERVICE) -> Act:
    """The service as the exercise makes it, and then other updates than it says."""

    def act(lab: LiveLab) -> None:
        acts.make(lab, spec)
        for command in commands:
            lab.manager(f"{command} >/dev/null", within=180)
        lab.settled(CACHE, len(lab.nodes) if spec.replicas is None else spec.replicas)

    return act


def _pruned(lab: LiveLab) -> None:
    """Both updates as they should be; afterwards every node was tidied up."""
    _then(_PAIRS, _FIRST)(lab)
    for node in lab.nodes:
        lab.on(node.name, "docker container prune --force")


Task = dict[str, Any]


def old_image(lab: RecordedLab) -> None:
    def back(tasks: list[Task]) -> None:
        for task in tasks:
            task["Spec"]["ContainerSpec"]["Image"] = "redis:6.0-alpine"

    lab.tasks(CACHE, back)


def generations(tasks: list[Task]) -> list[list[Task]]:
    """The tasks as they were made, as the first update made them, and as the second did; oldest first in each."""
    slots: dict[int, list[Task]] = {}
    for task in sorted(tasks, key=lambda task: str(task["CreatedAt"])):
        slots.setdefault(task["Slot"], []).append(task)
    return [sorted(slot, key=lambda task: str(task["CreatedAt"])) for slot in zip(*slots.values(), strict=True)]


def together(lab: RecordedLab, generation: int) -> None:
    """All tasks of an update made when the first was."""

    def change(tasks: list[Task]) -> None:
        generation_tasks = generations(tasks)[generation]
        for task in generation_tasks:
            task["CreatedAt"] = generation_tasks[0]["CreatedAt"]

    lab.tasks(CACHE, change)


def without_pause(lab: RecordedLab) -> None:
    """The second two made just after the first two ran."""
    began: dict[str, str] = {}

    def change(tasks: list[Task]) -> None:
        generation_tasks = generations(tasks)[1]
        ran = max(began[task["Status"]["ContainerStatus"]["ContainerID"]] for task in generation_tasks[:2])
        for number, task in enumerate(generation_tasks[2:], 1):
            task["CreatedAt"] = edits.later(ran, number / 10)

    lab.containers(lambda container: began.update({container["id"]: container["state"]["StartedAt"]}))
    lab.tasks(CACHE, change)


def stop_first(lab: RecordedLab) -> None:
    """In the second update, too, old containers ended before it began."""
    old: set[str] = set()

    def change(tasks: list[Task]) -> None:
        _, before, after = generations(tasks)
        for task in before:
            task["Status"]["Timestamp"] = after[0]["CreatedAt"]
            old.add(task["Status"]["ContainerStatus"]["ContainerID"])
        ended.append(after[0]["CreatedAt"])

    def end(container: dict[str, Any]) -> None:
        if container["id"] in old:
            container["state"]["FinishedAt"] = ended[0]

    ended: list[str] = []
    lab.tasks(CACHE, change)
    lab.containers(end)


def pruned(lab: RecordedLab) -> None:
    lab.containers(lambda container: None if container["state"]["Running"] else MISSING)


_NEED_SERVICE_EXISTS = ("one_at_a_time", "pause", "running", "start_first", "two_at_a_time", "updated")
_NEED_RUNNING = ("one_at_a_time", "pause", "start_first", "two_at_a_time", "updated")
_NEED_START_FIRST = ("one_at_a_time", "pause", "two_at_a_time")
_NEED_UPDATED = ("pause", "two_at_a_time")

FAULTS = (
    Fault(
        "no service",
        fail=("service_exists",),
        blocked=_NEED_SERVICE_EXISTS,
        on_nodes=lambda lab: lab.remove(CACHE),
        on_recording=edits.gone(CACHE),
    ),
    Fault(
        "from nginx",
        fail=("service_exists",),
        blocked=_NEED_SERVICE_EXISTS,
        on_nodes=_then(spec=SERVICE.but(image="nginx")),
        on_recording=edits.image(CACHE, "nginx:latest"),
    ),
    Fault(
        "three replicas",
        fail=("running",),
        blocked=_NEED_RUNNING,
        on_nodes=_then(spec=SERVICE.but(replicas=3)),
        on_recording=edits.replicas(CACHE, 3),
    ),
    Fault(
        "a global cache",
        fail=("running",),
        blocked=_NEED_RUNNING,
        on_nodes=_then(spec=SERVICE.but(replicas=None)),
        only=SAME_ANSWERS,
    ),
    Fault(
        "the cache never updated",
        fail=("start_first", "updated"),
        blocked=_NEED_START_FIRST,
        on_nodes=_then(),
        only=MANY_ANSWERS,
    ),
    Fault(
        "the cache made with the new image",
        fail=("start_first", "updated"),
        blocked=_NEED_START_FIRST,
        on_nodes=_then(spec=SERVICE.but(image=_PARAMETERS.new)),
        only=MANY_ANSWERS,
    ),
    Fault(
        "four at a time",
        fail=("two_at_a_time",),
        blocked=("pause",),
        on_nodes=_then(
            _PAIRS.replace(f"--update-parallelism {_PARAMETERS.parallelism}", "--update-parallelism 0"), _FIRST
        ),
        on_recording=lambda lab: together(lab, 1),
    ),
    Fault(
        "no pause",
        fail=("pause",),
        on_nodes=_then(_PAIRS.replace(f"--update-delay {_PARAMETERS.delay:g}s ", ""), _FIRST),
        on_recording=without_pause,
    ),
    Fault(
        "stop-first both times",
        fail=("start_first",),
        blocked=("one_at_a_time",),
        on_nodes=_then(_PAIRS, _FIRST.replace("--update-order start-first ", "")),
        on_recording=stop_first,
    ),
    Fault(
        "start-first, all at once",
        fail=("one_at_a_time",),
        on_nodes=_then(_PAIRS, _FIRST.replace("--update-parallelism 1", "--update-parallelism 0")),
        on_recording=lambda lab: together(lab, 2),
    ),
    Fault(
        "never updated",
        fail=("updated",),
        blocked=_NEED_UPDATED,
        on_nodes=_then(_PAIRS, _FIRST.replace("--force", f"--image {_PARAMETERS.old}")),
        on_recording=old_image,
    ),
    Fault(
        "old containers pruned",
        fail=("two_at_a_time",),
        blocked=("pause",),
        on_nodes=_pruned,
        on_recording=pruned,
    ),
    Fault(
        edits.FLAPPING,
        fail=("running",),
        blocked=_NEED_RUNNING,
        on_recording=edits.flapping(CACHE),
        only=QUICK,
    ),
    Fault(
        edits.NO_CONTAINERS,
        fail=("running",),
        blocked=_NEED_RUNNING,
        on_recording=edits.no_containers(CACHE),
        only=QUICK,
    ),
    Fault(
        edits.ASLEEP,
        fail=("service_exists",),
        blocked=_NEED_SERVICE_EXISTS,
        on_recording=edits.asleep(CACHE),
        only=QUICK,
    ),
    Fault(
        edits.ONE_IMAGE,
        fail=("updated",),
        blocked=_NEED_UPDATED,
        on_recording=edits.one_image(CACHE),
        only=QUICK,
    ),
    Fault(
        edits.SURPLUS,
        on_recording=edits.surplus(CACHE),
        only=NO_FAULT,
    ),
)
