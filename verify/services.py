"""What the checks of several exercises ask of a service."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from labgen.docker.constraints import excluded
from labgen.docker.swarm import Service, Swarm, Task, run_of
from labgen.exercise.parameters import Parameters
from labgen.exercise.services import (
    Publish,
    ServiceSpec,
    command_of,
    published_ports,
    repository,
    runs_its_program,
    same_image,
)
from labgen.model.lab import Node
from verify.exam import Exam


def service_of(parameter: str) -> Any:
    """Make the fixture ``service``: a service of the exercise, for checks that say what they need first.

    :param parameter: which one: the attribute of the exercise's parameters that specifies it.
    """

    @pytest.fixture
    def service(swarm: Swarm, parameters: Parameters) -> Service:
        spec: ServiceSpec = getattr(parameters, parameter)
        return found(swarm, spec.name)

    return service


def found(swarm: Swarm, name: str) -> Service:
    """Find the service of that name.

    :raises AssertionError: there is none.
    """
    service = swarm.services.get(name)
    if service is None:
        raise AssertionError(f"there is no service {name}")
    return service


def made_from(swarm: Swarm, spec: ServiceSpec) -> Service:
    """Find an exercise's service, made from the image that it asks for, in whatever version, and running its program.

    :raises AssertionError: there is none, it is made from another, or it runs something else.
    """
    service = found(swarm, spec.name)
    if repository(service.image) != repository(spec.image):
        raise AssertionError(f"{service.name} uses the image {service.plain_image}")
    if not runs_its_program(service):
        raise AssertionError(
            f"{service.name} uses the image {service.plain_image}, but its containers run `{command_of(service)}`"
        )
    return service


def all_run(exam: Exam, service: Service, spec: ServiceSpec) -> None:
    """See that a service is replicated, has as many replicas as an exercise asks for, and that all of them run.

    :raises AssertionError: it is not so.
    """
    if (service.mode, service.replicas) != ("replicated", spec.replicas):
        replicas = f", with {service.replicas} replicas" if service.replicas is not None else ""
        raise AssertionError(f"{service.name} is {service.mode}{replicas}")
    runs(exam, service, spec.replicas)


def runs(exam: Exam, service: Service, replicas: int | None = None, *, on: Node | None = None) -> None:
    """See that tasks of a service run and stay up, each in a container that its node has.

    :param replicas: how many must run; ``None`` where that is judged elsewhere.
    :param on: judge the tasks on this node only.
    :raises AssertionError: it is not so.
    :raises NodeError: the manager cannot be asked.
    """
    tasks = {task.id: task for task in service.tasks if on is None or exam.host(task) == on}
    running = [task for task in tasks.values() if task.running]
    count = run_of(len(running), replicas) if replicas is not None else f"{len(running)} run"
    restarts = exam.staying.restarts(replace(service, tasks=tuple(tasks.values())))
    if restarts is not None:
        raise AssertionError(f"{service.name} does not stay up: {count} now, and {restarts}")
    if replicas is not None and len(running) != replicas:
        raise AssertionError(f"{count}; tasks of {service.name}: {told(tuple(tasks.values()))}")
    latest = {task.id: task for task in exam.staying.latest(service).tasks}
    ended = [task for task in running if task.id not in latest or not latest[task.id].running]
    if ended:
        raise AssertionError(f"{service.name} does not stay up: {count}, and {len(ended)} ended within a few seconds")
    absent = [task for task in exam.stored.absent(service) if task.id in tasks]
    if absent:
        nodes = sorted({node.name for task in absent if (node := exam.host(task))})
        raise AssertionError(
            f"the manager says that {len(running)} tasks of {service.name} run, "
            f"but the containers of {len(absent)} do not run on {', '.join(nodes)}"
        )


def changed_image(exam: Exam, service: Service) -> None:
    """See that an update brought another image, not another name of the same one.

    Judged by the containers that the nodes still have, and by the digests that the swarm has noted.

    :raises AssertionError: a running task has the image of an earlier one that was called otherwise.
    """
    ids = exam.stored.image_ids(service.tasks)
    for task in service.running:
        for earlier in service.tasks:
            if earlier.running or same_image(earlier.image, task.image):
                continue
            digests = {earlier.image.partition("@")[2], task.image.partition("@")[2]}
            if ids.get(task.id, task.id) == ids.get(earlier.id, earlier.id) or (
                len(digests) == 1 and "" not in digests
            ):
                raise AssertionError(
                    f"{_plain(task)} and {_plain(earlier)} are one image with two names: nothing was updated"
                )


def _plain(task: Task) -> str:
    return task.image.partition("@")[0]


def told(tasks: tuple[Task, ...]) -> str:
    """Describe tasks that are meant to run, for people: ``running, pending (no suitable node)``."""
    meant_to_run = [task for task in tasks if task.desired in ("running", "ready")]
    return ", ".join(task.state + (f" ({task.error})" if task.error else "") for task in meant_to_run) or "none"


def hosts(swarm: Swarm, service: Service) -> dict[str, int]:
    """Count a service's tasks that run on each node, by the node's name; nodes without one are there, too."""
    names = {node.id: node.name for node in swarm.nodes}
    counts = dict.fromkeys((node.name for node in swarm.nodes if node.ready), 0)
    for task in service.running:
        name = names.get(task.node_id, "a node that has left")
        counts[name] = counts.get(name, 0) + 1
    return counts


def listed(counts: dict[str, int]) -> str:
    """Describe the counts for people: ``2 on swarm-worker1, 1 on swarm-worker2``."""
    return ", ".join(f"{many} on {name}" for name, many in sorted(counts.items())) or "none"


def open_to_all(swarm: Swarm, service: Service) -> None:
    """See that a service's constraints keep its tasks off no node; some that every node meets cost nothing.

    :raises AssertionError: they do.
    """
    shut = excluded(service.constraints, [node for node in swarm.nodes if node.ready])
    if shut:
        raise AssertionError(
            f"its constraints keep it off {', '.join(node.name for node in shut)}: {', '.join(service.constraints)}"
        )


def kept_off_managers(service: Service) -> None:
    """See that a service is constrained to workers, in either way to write that.

    :raises AssertionError: it is not.
    """
    written = {"".join(constraint.split()).casefold() for constraint in service.constraints}
    if not written & {"node.role==worker", "node.role!=manager"}:
        raise AssertionError(f"its constraints: {', '.join(service.constraints) or 'none'}")


def published(service: Service, publish: Publish) -> None:
    """See that a service publishes a port as it is asked for; others may be published beside it.

    :raises AssertionError: it does not.
    """
    if not any(publish.met_by(port) for port in service.ports):
        raise AssertionError(f"{service.name} publishes {published_ports(service)}")
