"""What several faults are made of."""

from __future__ import annotations

import shlex

from labgen.core.polling import NotYet, wait_until
from labgen.exercise.services import ServiceSpec
from tests.e2e.sabotage.fault import Act
from tests.e2e.sabotage.stage import Stage


def on(name: str, *lines: str) -> Act:
    """Lines of shell on a node."""

    def act(stage: Stage) -> None:
        stage.on(name, *lines)

    return act


def make(stage: Stage, spec: ServiceSpec, running: int | None = None) -> None:
    """Make a service anew, as it is asked for, and wait until its tasks run.

    :param running: how many of them will (default: all; of a global service one on every node).
    """
    every = len(stage.lab.nodes) if spec.replicas is None else spec.replicas
    options = spec.create.removeprefix(f"docker service create --name {spec.name}")
    stage.serve(spec.name, options, every if running is None else running)


def made(spec: ServiceSpec, running: int | None = None) -> Act:
    """The same, as an act."""
    return lambda stage: make(stage, spec, running)


def scale(stage: Stage, name: str, *numbers: int) -> None:
    """Scale a service to one number of replicas after the other; each time all of them run."""
    for number in numbers:
        stage.manager(f"docker service scale --detach {name}={number}")
        stage.settled(name, number)


def vanish(stage: Stage, *services: str) -> None:
    """Remove services, and wait until no node has a container of them, which end later than the service."""
    stage.remove(*services)

    def seen() -> None:
        for node in stage.lab.nodes:
            for name in services:
                label = shlex.quote(f"label=com.docker.swarm.service.name={name}")
                if stage.on(node.name, f"docker ps --all --quiet --filter {label}").strip():
                    raise NotYet(f"{name} has one on {node.name}")

    wait_until("the containers to be gone", seen, within=stage.there.patience.seconds(60), every=1)
