"""What the checks of several exercises ask of a service."""

from __future__ import annotations

from typing import Any

import pytest

from labgen.course import ServiceSpec
from labgen.course.spec import repository
from labgen.swarm import Service, Swarm, Task


def service_of(name: str) -> Any:
    """A fixture ``service``: the service of that name, for checks that say what they need first."""

    @pytest.fixture
    def service(swarm: Swarm) -> Service:
        return found(swarm, name)

    return service


def found(swarm: Swarm, name: str) -> Service:
    """The service of that name.

    :raises AssertionError: there is none.
    """
    there = swarm.services.get(name)
    assert there is not None, f"there is no service {name}"
    return there


def made_from(swarm: Swarm, spec: ServiceSpec) -> Service:
    """The service of an exercise, made from the image that is asked for, in whatever version.

    :raises AssertionError: there is none, or it is made from another.
    """
    there = found(swarm, spec.name)
    assert repository(there.image) == repository(spec.image), f"it is made from {there.plain_image}"
    return there


def all_run(service: Service, spec: ServiceSpec) -> None:
    """See that a service is replicated, has as many replicas as an exercise asks for, and that all of them run.

    :raises AssertionError: it is not so.
    """
    assert (service.mode, service.replicas) == ("replicated", spec.replicas), f"it is {service.mode}" + (
        f", with {service.replicas} replicas" if service.replicas is not None else ""
    )
    assert len(service.running) == spec.replicas, f"{len(service.running)} of {spec.replicas} run"


def told(tasks: tuple[Task, ...]) -> str:
    """Tasks that are meant to run, for people: ``running, pending (no suitable node)``."""
    wanted = [task for task in tasks if task.desired in ("running", "ready")]
    return ", ".join(task.state + (f" ({task.error})" if task.error else "") for task in wanted) or "none"


def hosts(swarm: Swarm, service: Service) -> dict[str, int]:
    """How many of its tasks run on each node, by the node's name; nodes without one are there, too."""
    names = {node.id: node.name for node in swarm.nodes}
    counts = dict.fromkeys((node.name for node in swarm.nodes if node.ready), 0)
    for task in service.running:
        name = names.get(task.node_id, "a node that has left")
        counts[name] = counts.get(name, 0) + 1
    return counts


def listed(counts: dict[str, int]) -> str:
    """For people: ``2 on swarm-worker1, 1 on swarm-worker2``."""
    return ", ".join(f"{many} on {name}" for name, many in sorted(counts.items())) or "none"
