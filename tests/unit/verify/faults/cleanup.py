"""Clean-up, done by halves."""

from __future__ import annotations

import dataclasses
from typing import Any

from recorded import Recorded, fault


def _other_nodes(lab: Recorded, change: str) -> None:
    """No engine tells of anything; the run stopped asking at the first that did, so the others are told here."""
    lab.says("docker events", lambda out: change.replace("SINCE", out.partition("\n")[0].rpartition(" ")[2]))
    observations = lab.evidence.observations
    at, observation = next(
        (at, observation) for at, observation in enumerate(observations) if "docker events" in observation.script
    )
    # In the order in which they would have been made.
    observations[at + 1 : at + 1] = [
        dataclasses.replace(observation, node=node) for node in ("swarm-worker1", "swarm-worker2")
    ]


def nothing_was_there(lab: Recorded) -> None:
    _other_nodes(lab, "engine runs since SINCE\n")


def only_others(lab: Recorded) -> None:
    """What was removed was the learner's own."""
    event = '{"Type":"service","Action":"remove","Actor":{"Attributes":{"name":"mine"}}}'
    _other_nodes(lab, f"engine runs since SINCE\n{event}\n")


def started_anew_and_nothing(lab: Recorded) -> None:
    """The engines were restarted, and no image of the course is there."""
    _other_nodes(lab, "engine runs since 4102444800\n")
    lab.engine("/images/json", lambda images: [])


def a_service_left(lab: Recorded) -> None:
    def keep(services: list[dict[str, Any]]) -> list[dict[str, Any]]:
        leftover = {"ID": "left", "Spec": {"Name": "my-database", "Mode": {"Replicated": {"Replicas": 1}}}}
        return [*services, leftover]

    lab.engine("/services", keep)


def a_container_left(lab: Recorded) -> None:
    labels = {"com.docker.swarm.service.name": "web-alb"}
    lab.engine(
        r"/containers/json\?all=1", lambda containers: [*containers, {"Names": ["/web-alb.1.x"], "Labels": labels}]
    )


def a_network_left(lab: Recorded) -> None:
    from labgen.exercises.cleanup import exercise as cleanup

    names = (*cleanup.networks(), *(f"{stack}_default" for stack in cleanup.stacks()))
    assert names, "no exercise makes a network"
    lab.engine("/networks", lambda networks: [*networks, {"Name": names[0], "Driver": "overlay", "Scope": "swarm"}])


FAULTS = {
    "nothing was there": fault(nothing_was_there, "something_was_there"),
    "only the learner's own": fault(only_others, "something_was_there"),
    "started anew, and nothing": fault(started_anew_and_nothing, "something_was_there"),
    "a service left": fault(a_service_left, "services_gone"),
    "a container left": fault(a_container_left, "containers_gone"),
    "a network left": fault(a_network_left, "networks_gone"),
}
