"""Faults in the service of the exercise on update options."""

from __future__ import annotations

from labgen.exercise.services import ServiceSpec
from labgen.exercises.update.exercise import NEW, OLD
from labgen.exercises.updateoptions import exercise as updateoptions
from tests.e2e.sabotage.acts import make
from tests.e2e.sabotage.fault import Act, Fault, turned
from tests.e2e.sabotage.stage import Stage

SERVICE = updateoptions.SERVICE
CACHE = SERVICE.name
_PAIRS, _FIRST = updateoptions.UPDATE_IN_PAIRS, updateoptions.UPDATE_START_FIRST


def _of(*names: str) -> tuple[str, ...]:
    return tuple(f"updateoptions.{name}" for name in names)


_ALL = _of("running", "updated", "two_at_a_time", "pause", "start_first", "one_at_a_time")
_NEVER_UPDATED = turned(fail=_of("updated", "start_first"), blocked=_of("two_at_a_time", "pause", "one_at_a_time"))
_NOT_FOUR = turned(
    fail=_of("running"), blocked=_of("updated", "two_at_a_time", "pause", "start_first", "one_at_a_time")
)


def _then(*commands: str, spec: ServiceSpec = SERVICE) -> Act:
    """The service as the exercise makes it, and then other updates than it says."""

    def act(stage: Stage) -> None:
        make(stage, spec)
        for command in commands:
            stage.manager(f"{command} >/dev/null", within=180)
        stage.settled(CACHE, len(stage.lab.nodes) if spec.replicas is None else spec.replicas)

    return act


def _pruned(stage: Stage) -> None:
    """Both updates as they should be; afterwards every node was tidied up."""
    _then(_PAIRS, _FIRST)(stage)
    for node in stage.lab.nodes:
        stage.on(node.name, "docker container prune --force")


FAULTS = (
    Fault(
        "no cache to update",
        "updateoptions",
        lambda stage: stage.remove(CACHE),
        turned(fail=_of("service_exists"), blocked=_ALL),
    ),
    Fault(
        "a cache of nginx",
        "updateoptions",
        _then(spec=SERVICE.but(image="nginx")),
        turned(fail=_of("service_exists"), blocked=_ALL),
    ),
    Fault("one replica of the cache short", "updateoptions", _then(spec=SERVICE.but(replicas=3)), _NOT_FOUR),
    Fault("a global cache", "updateoptions", _then(spec=SERVICE.but(replicas=None)), _NOT_FOUR),
    Fault("the cache never updated", "updateoptions", _then(), _NEVER_UPDATED),
    Fault("the cache made with the new image", "updateoptions", _then(spec=SERVICE.but(image=NEW)), _NEVER_UPDATED),
    Fault(
        "all four replicas updated at once",
        "updateoptions",
        _then(_PAIRS.replace(f"--update-parallelism {updateoptions.PARALLELISM}", "--update-parallelism 0"), _FIRST),
        turned(fail=_of("two_at_a_time"), blocked=_of("pause")),
    ),
    Fault(
        "updated in pairs without a pause",
        "updateoptions",
        _then(_PAIRS.replace(f"--update-delay {updateoptions.DELAY:g}s ", ""), _FIRST),
        turned(fail=_of("pause")),
    ),
    Fault(
        "stop-first both times",
        "updateoptions",
        _then(_PAIRS, _FIRST.replace("--update-order start-first ", "")),
        turned(fail=_of("start_first"), blocked=_of("one_at_a_time")),
    ),
    Fault(
        "start-first, and all at once",
        "updateoptions",
        _then(_PAIRS, _FIRST.replace("--update-parallelism 1", "--update-parallelism 0")),
        turned(fail=_of("one_at_a_time")),
    ),
    Fault(
        "the second update put the old image back",
        "updateoptions",
        _then(_PAIRS, _FIRST.replace("--force", f"--image {OLD}")),
        turned(fail=_of("updated"), blocked=_of("two_at_a_time", "pause")),
    ),
    Fault(
        "the containers of old tasks were pruned",
        "updateoptions",
        _pruned,
        turned(fail=_of("two_at_a_time"), blocked=_of("pause")),
    ),
)
