"""Acts on the nodes of a lab that several exercises' faults are made of."""

from __future__ import annotations

import shlex

from labgen.core.polling import NotYet
from labgen.exercise.faults import Act, LiveLab
from labgen.exercise.services import ServiceSpec


def on(name: str, *lines: str) -> Act:
    """Run lines of shell on a node."""

    def act(lab: LiveLab) -> None:
        lab.on(name, *lines)

    return act


def on_manager(*lines: str) -> Act:
    """Run lines of shell on the first manager."""

    def act(lab: LiveLab) -> None:
        lab.manager(*lines)

    return act


def all_of(*acts: Act) -> Act:
    """Do several things, one after the other."""

    def act(lab: LiveLab) -> None:
        for step in acts:
            step(lab)

    return act


def remove(*services: str) -> Act:
    """Remove services."""
    return lambda lab: lab.remove(*services)


def make(lab: LiveLab, spec: ServiceSpec, running: int | None = None) -> None:
    """Remove a service, create it again as it is specified, and wait until its tasks run.

    :param running: how many of them will (default: all; of a global service one on every node).
    """
    every = len(lab.nodes) if spec.replicas is None else spec.replicas
    options = spec.create.removeprefix(f"docker service create --name {spec.name}")
    lab.serve(spec.name, options, every if running is None else running)


def made(spec: ServiceSpec, running: int | None = None) -> Act:
    """Give the act that creates a service again, as :func:`make` does."""
    return lambda lab: make(lab, spec, running)


def scale(lab: LiveLab, name: str, *numbers: int) -> None:
    """Scale a service to one number of replicas after the other; each time all of them run."""
    for number in numbers:
        lab.manager(f"docker service scale --detach {name}={number}")
        lab.settled(name, number)


def vanish(lab: LiveLab, *services: str) -> None:
    """Remove services, and wait until no node has a container of them, which end later than the service."""
    lab.remove(*services)

    def look() -> None:
        for node in lab.nodes:
            for name in services:
                label = shlex.quote(f"label=com.docker.swarm.service.name={name}")
                if lab.on(node.name, f"docker ps --all --quiet --filter {label}").strip():
                    raise NotYet(f"{name} has one on {node.name}")

    lab.wait_until("the containers to be gone", look, within=60)


def reset(lab: LiveLab) -> None:
    """Make the lab as `labgen up` leaves it."""
    lab.labgen("reset")


def drops(name: str, rule: str) -> Act:
    """Let a node's firewall drop what a rule is about.

    :param rule: chain, and what it matches, as iptables takes them: ``INPUT -p udp --dport 4789``. What goes on to
        containers passes the chain DOCKER-USER.
    """
    return on(name, f"iptables -I {rule} -j DROP")


def passes(name: str, rule: str) -> Act:
    """Take a rule out of a node's firewall again."""
    return on(name, f"iptables -D {rule} -j DROP")
