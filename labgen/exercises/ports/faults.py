"""Faults in the services of the exercise on published ports."""

from __future__ import annotations

from labgen.exercise.services import Publish, ServiceSpec
from labgen.exercises.ports import exercise as ports
from labgen.model.capabilities import Capability
from tests.e2e.sabotage.acts import made, make
from tests.e2e.sabotage.fault import Fault, turned
from tests.e2e.sabotage.stage import W1, W2, Stage
from tests.e2e.sabotage.walls import drops, passes

CHOSEN, AUTOMATIC, HOST = ports.CHOSEN, ports.AUTOMATIC, ports.HOST
_HOST_PORT = HOST.publish[0].published


def _of(*names: str) -> tuple[str, ...]:
    return tuple(f"ports.{name}" for name in names)


def _crowded(stage: Stage) -> None:
    """The service in host mode as the exercise leaves it."""
    nodes = len(stage.lab.nodes)
    make(stage, ports.crowded(nodes), running=nodes)


def _host(name: str, spec: ServiceSpec, turns: dict[str, str], running: int | None = None) -> Fault:
    """Another web-host than it should be."""
    return Fault(name, "ports", made(spec, running), turns, _crowded)


def _faked(stage: Stage) -> None:
    """A task on each worker, and on the manager a container that only looks like one."""
    make(stage, HOST.but(constraints=("node.role==worker",)))
    stage.manager(f"docker run --detach --name {HOST.name}.3.faked --publish {_HOST_PORT}:80 nginx")


def _unfaked(stage: Stage) -> None:
    stage.manager(f"docker rm --force {HOST.name}.3.faked")
    _crowded(stage)


_NOT_CHOSEN = turned(fail=_of("chosen"), blocked=_of("chosen_everywhere"))
_NOT_AUTOMATIC = turned(fail=_of("automatic"), blocked=_of("automatic_everywhere"))
_NOT_HOST = turned(fail=_of("host"), blocked=_of("host_answers", "one_for_each_node"))
_NOT_CROWDED = turned(fail=_of("one_for_each_node"))
_SILENT_W1 = "DOCKER-USER -p tcp --dport 80"
"""Packets pass this chain when they have the container's port already."""
_MESH_W2 = f"DOCKER-USER -p tcp --dport {CHOSEN.publish[0].published}"
_AUTOMATIC_W2 = f"DOCKER-USER -p tcp --dport {ports.RANGE[0]}:{ports.RANGE[-1]}"
_MESH = (Capability.ROUTING_MESH,)

FAULTS = (
    Fault(
        "another port than the chosen one",
        "ports",
        made(CHOSEN.but(publish=(Publish(8080, 80),))),
        _NOT_CHOSEN,
        made(CHOSEN),
    ),
    Fault(
        "the chosen port for another one of the container",
        "ports",
        made(CHOSEN.but(publish=(Publish(8003, 8080),))),
        _NOT_CHOSEN,
        made(CHOSEN),
    ),
    Fault(
        "the chosen port in host mode",
        "ports",
        made(CHOSEN.but(publish=(Publish(8003, 80, "host"),))),
        _NOT_CHOSEN,
        made(CHOSEN),
    ),
    Fault(
        "the automatic port was asked for",
        "ports",
        made(AUTOMATIC.but(publish=(Publish(30080, 80),))),
        _NOT_AUTOMATIC,
        made(AUTOMATIC),
    ),
    Fault("web-auto publishes nothing", "ports", made(AUTOMATIC.but(publish=())), _NOT_AUTOMATIC, made(AUTOMATIC)),
    _host("web-host through the mesh", HOST.but(publish=(Publish(_HOST_PORT, 80),)), _NOT_HOST),
    _host("web-host never scaled", HOST, _NOT_CROWDED),
    _host("as many replicas of web-host as nodes", HOST.but(replicas=3), _NOT_CROWDED),
    _host("web-host global", HOST.but(replicas=None), _NOT_CROWDED),
    _host(
        "web-host on the workers only",
        HOST.but(replicas=4, constraints=("node.role==worker",)),
        _NOT_CROWDED,
        running=2,
    ),
    Fault(
        "a container in the place of a task",
        "ports",
        _faked,
        turned(fail=_of("host_answers", "one_for_each_node")),
        _unfaked,
    ),
    Fault(
        "a firewall before a task in host mode",
        "ports",
        drops(W1, _SILENT_W1),
        turned(fail=_of("host_answers")),
        passes(W1, _SILENT_W1),
    ),
    Fault(
        "a firewall before the chosen port of a node",
        "ports",
        drops(W2, _MESH_W2),
        turned(fail=_of("chosen_everywhere")),
        passes(W2, _MESH_W2),
        needs=_MESH,
    ),
    Fault(
        "a firewall before the automatic port of a node",
        "ports",
        drops(W2, _AUTOMATIC_W2),
        turned(fail=_of("automatic_everywhere")),
        passes(W2, _AUTOMATIC_W2),
        needs=_MESH,
    ),
)
