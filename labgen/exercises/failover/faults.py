"""Faults in what was done to nodes and to the service that was to survive it."""

from __future__ import annotations

from labgen.docker.swarm import Swarm
from labgen.exercises.failover import exercise as failover
from tests.e2e.sabotage.acts import made, make
from tests.e2e.sabotage.fault import Act, Fault, turned
from tests.e2e.sabotage.stage import W1, W2, Stage

SERVICE = failover.SERVICE
NAME, ALL = SERVICE.name, SERVICE.replicas or 0


def _of(*names: str) -> tuple[str, ...]:
    return tuple(f"failover.{name}" for name in names)


_ALL = _of("running", "failed_over", "back", "drained", "replaced", "spread")
_AFTER = _of("back", "replaced", "spread")


def _history(*acts: Act) -> Act:
    """The service made anew, and something done to it and its nodes."""

    def act(stage: Stage) -> None:
        make(stage, SERVICE)
        for one in acts:
            one(stage)

    return act


def _without(node: str) -> Act:
    """Wait until all tasks run, none of them on a node."""

    def true_of(swarm: Swarm) -> bool:
        names = {one.id: one.name for one in swarm.nodes}
        there = swarm.services[NAME]
        on = [names[task.node_id] for task in there.running]
        return len(on) == ALL and node not in on and there.settled

    return lambda stage: stage.wait(f"the tasks of {node} to run elsewhere", true_of)


def _lost(stage: Stage) -> None:
    """A worker's engine stops for longer than the managers wait, and starts again."""
    stage.on(W2, failover.STOP)
    stage.missed(W2)
    _without(W2)(stage)
    stage.on(W2, failover.START)
    _whole(stage)


def _killed(stage: Stage) -> None:
    """A worker's containers are removed by force, the worker is there: others begin where they were."""
    label = f"label=com.docker.swarm.service.name={NAME}"
    stage.on(W2, f"docker rm --force $(docker ps --quiet --filter {label})")
    stage.wait("its tasks to have failed", lambda swarm: any(task.killed for task in swarm.services[NAME].tasks))
    _whole(stage)


def _whole(stage: Stage) -> None:
    stage.wait(
        "every node and task to be back",
        lambda swarm: (
            all(node.ready for node in swarm.nodes)
            and len(swarm.services[NAME].running) == ALL
            and swarm.services[NAME].settled
        ),
    )


def _drained(stage: Stage) -> None:
    stage.manager(failover.drain(W1))
    _without(W1)(stage)


def _active(stage: Stage) -> None:
    stage.manager(failover.activate(W1))


def _updated(*options: str) -> Act:
    def act(stage: Stage) -> None:
        stage.manager(f"docker service update --detach=false {' '.join(options)} {NAME} >/dev/null", within=180)
        stage.settled(NAME, ALL)

    return act


_forced = _updated("--force")

FAULTS = (
    Fault(
        "the service removed when all was over",
        "failover",
        lambda stage: stage.remove(NAME),
        turned(fail=_of("service_exists"), blocked=_ALL),
    ),
    Fault(
        "a replica less than asked for",
        "failover",
        made(SERVICE.but(replicas=ALL - 1)),
        turned(fail=_of("running"), blocked=_of("failed_over", "back", "drained", "replaced", "spread")),
    ),
    Fault(
        "every node stayed as it was",
        "failover",
        made(SERVICE),
        turned(fail=_of("failed_over", "drained"), blocked=_AFTER),
    ),
    Fault(
        "tasks moved by a constraint",
        "failover",
        _history(_updated(f"--constraint-add node.hostname!={W2}"), _updated(f"--constraint-rm node.hostname!={W2}")),
        turned(fail=_of("failed_over", "drained"), blocked=_AFTER),
    ),
    Fault(
        "containers killed instead of their node",
        "failover",
        _history(_killed),
        turned(fail=_of("failed_over", "drained"), blocked=_AFTER),
    ),
    Fault(
        "a node drained, and none lost",
        "failover",
        _history(_drained, _active),
        turned(fail=_of("failed_over"), blocked=_AFTER),
    ),
    Fault(
        "a node lost, and nothing forced or drained",
        "failover",
        _history(_lost),
        turned(fail=_of("drained", "replaced"), blocked=_of("spread")),
    ),
    Fault(
        "a node left drained",
        "failover",
        _history(_lost, _forced, _drained),
        turned(fail=_of("back"), blocked=_of("spread")),
        _active,
    ),
    Fault(
        "all tasks left on one node",
        "failover",
        _history(_lost, _forced, _drained, _active),
        turned(fail=_of("spread")),
    ),
)
