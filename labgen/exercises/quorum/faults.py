"""Faults in what the exercise on three managers wants to have happened, in a lab of three managers and a worker.

What happened before the service was made does not count: each fault makes it anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from labgen.core.errors import LabgenError
from labgen.core.polling import NotYet, wait_until
from labgen.docker import swarm
from labgen.docker.swarm import Swarm
from labgen.exercises.quorum import exercise as quorum
from tests.e2e.sabotage.acts import make
from tests.e2e.sabotage.fault import Fault, turned
from tests.e2e.sabotage.stage import W1, Stage

SERVICE = quorum.SERVICE
MANAGERS = ("swarm-manager1", "swarm-manager2", "swarm-manager3")
M3 = MANAGERS[-1]

_AGREED = 90.0
"""Seconds for managers to agree on who leads, and to find each other again."""
_ENGINE = "docker.socket docker.service"


def _of(*names: str) -> tuple[str, ...]:
    return tuple(f"quorum.{name}" for name in names)


def _wait(stage: Stage, what: str, look: Callable[[], None]) -> None:
    wait_until(what, look, within=stage.there.patience.seconds(_AGREED), every=1)


def _leader(stage: Stage, among: Sequence[str]) -> str:
    """Who leads, once one of these does."""
    found: list[str] = []

    def look() -> None:
        said = "nobody"
        for name in among:
            try:
                there = swarm.nodes(lambda question, name=name: stage.on(name, question.script))  # type: ignore[misc]
            except LabgenError as error:
                said = error.message
                continue
            if leaders := [node.name for node in there if node.leader and node.name in among]:
                found[:] = leaders
                return
        raise NotYet(said)

    _wait(stage, f"one of {', '.join(among)} to lead", look)
    return found[0]


def _stop(stage: Stage, name: str) -> None:
    stage.on(name, f"systemctl stop {_ENGINE}")


def _start(stage: Stage, *names: str) -> None:
    """Start engines, and wait until the managers have found each other."""
    for name in names:
        stage.on(name, f"systemctl start {_ENGINE}")

    def true_of(there: Swarm) -> bool:
        managers = [node for node in there.nodes if node.role == "manager"]
        return (
            all(node.ready for node in there.nodes)
            and all(node.reachable for node in managers)
            and any(node.leader for node in managers)
        )

    stage.wait("three managers", true_of, within=_AGREED)


def _lost(stage: Stage, managers: int) -> None:
    """The service anew; then the engine of who leads is stopped, so many times, and all are started again."""
    make(stage, SERVICE, running=1)
    left, stopped = list(MANAGERS), []
    for _ in range(managers):
        name = _leader(stage, left)
        _stop(stage, name)
        left.remove(name)
        stopped.append(name)

    def nobody_leads() -> None:
        said = stage.on(left[0], f"timeout 5 {quorum.LIST} 2>&1 || true", within=30)
        if quorum.NO_LEADER not in said:
            raise NotYet(said.strip()[-200:] or "no answer yet")

    if len(left) > 1:
        _leader(stage, left)
    else:
        _wait(stage, f"{left[0]} to miss the majority", nobody_leads)
    _start(stage, *reversed(stopped))


def _everywhere_else(stage: Stage) -> None:
    make(stage, SERVICE.but(constraints=("node.role==manager",)), running=len(MANAGERS))


def _worker_too(stage: Stage) -> None:
    """The majority is lost and comes back; the worker's engine was started anew as well."""
    _lost(stage, 2)
    before = {task.id for task in stage.swarm().services[SERVICE.name].running}
    stage.on(W1, "systemctl restart docker.service")

    def true_of(there: Swarm) -> bool:
        now = {task.id for task in there.services[SERVICE.name].running}
        return bool(now - before) and all(node.ready for node in there.nodes)

    stage.wait("another task on the worker", true_of)


def _one_stays_down(stage: Stage) -> None:
    _lost(stage, 2)
    _stop(stage, M3)
    stage.missed(M3)
    _leader(stage, MANAGERS[:2])


_REST = _of("another_led", "majority_lost", "ran_on", "recovered")
_NO_SERVICE = turned(fail=_of("service_runs"), blocked=_REST)
_NOT_LOST = _of("ran_on", "recovered")

FAULTS = (
    Fault("no service on the worker", "quorum", lambda stage: stage.remove(SERVICE.name), _NO_SERVICE),
    Fault("the service on the managers", "quorum", _everywhere_else, _NO_SERVICE),
    Fault(
        "no manager was lost",
        "quorum",
        lambda stage: make(stage, SERVICE, running=1),
        turned(fail=_of("another_led", "majority_lost"), blocked=_NOT_LOST),
    ),
    Fault(
        "one manager of three was lost",
        "quorum",
        lambda stage: _lost(stage, 1),
        turned(fail=_of("majority_lost"), blocked=_NOT_LOST),
    ),
    Fault("the worker's engine started anew, too", "quorum", _worker_too, turned(fail=_of("ran_on"))),
    Fault(
        "one manager not started again",
        "quorum",
        _one_stays_down,
        turned(
            fail=(f"cluster.engine_running[{M3}]", f"cluster.node_ready[{M3}]", *_of("recovered")),
            blocked=(
                f"cluster.swarm_active[{M3}]",
                f"cluster.advertised_address[{M3}]",
                f"cluster.gossip_port[{M3}-tcp]",
                f"cluster.gossip_port[{M3}-udp]",
                f"cluster.management_port[{M3}]",
                f"cluster.management_reached[{M3}]",
                f"cluster.gossip_reached[{M3}-tcp]",
                f"cluster.gossip_reached[{M3}-udp]",
                f"cluster.overlay_reached[{M3}]",
                f"cluster.gateway_bridge[{M3}]",
                f"cluster.node_role[{M3}]",
            ),
        ),
        lambda stage: _start(stage, M3),
    ),
)
