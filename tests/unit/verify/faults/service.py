"""The service, done wrong."""

from __future__ import annotations

import json
from typing import Any

from recorded import Recorded, fault

NAME = "swarm-start"


def _container(service: dict[str, Any]) -> dict[str, Any]:
    template: dict[str, Any] = service["Spec"]["TaskTemplate"]["ContainerSpec"]
    return template


def by_hand(lab: Recorded) -> None:
    """``docker run --name swarm-start`` on a worker, and a word of it in the list of containers."""

    def add(containers: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [*containers, {"Names": [f"/{NAME}"], "Labels": {}}]

    lab.engine(r"/containers/json\?all=1", add)


def a_container_instead(lab: Recorded) -> None:
    by_hand(lab)
    lab.gone(NAME)


def latest(lab: Recorded) -> None:
    lab.service(NAME, lambda service: _container(service).update(Image="alpine:latest@sha256:" + "0" * 64))


def no_loop(lab: Recorded) -> None:
    lab.service(NAME, lambda service: _container(service).update(Args=["echo", "Docker Swarm Mode Start"]))


def other_pause(lab: Recorded) -> None:
    def change(service: dict[str, Any]) -> None:
        service["Spec"]["TaskTemplate"]["ContainerSpec"] = json.loads(
            json.dumps(_container(service)).replace("sleep 3", "sleep 30")
        )

    lab.service(NAME, change)


def restarting(lab: Recorded) -> None:
    def end(tasks: list[dict[str, Any]]) -> None:
        for task in tasks:
            task["Status"]["State"] = "complete"
            task["DesiredState"] = "shutdown"

    lab.tasks(NAME, end)


def scaled_to_none(lab: Recorded) -> None:
    lab.service(NAME, lambda service: service["Spec"]["Mode"]["Replicated"].update(Replicas=0))


def everywhere(lab: Recorded) -> None:
    lab.service(NAME, lambda service: service["Spec"].update(Mode={"Global": {}}))


FAULTS = {
    "no service": fault(lambda lab: lab.gone(NAME), "service_exists"),
    "docker run instead": fault(a_container_instead, "service_exists"),
    "docker run beside it": fault(by_hand, "made_by_the_swarm"),
    "another tag": fault(latest, "image"),
    "no loop": fault(no_loop, "command"),
    "another pause": fault(other_pause, "command"),
    "its tasks end": fault(restarting, "running"),
    "no replica": fault(scaled_to_none, "running"),
    "global": fault(everywhere, "running"),
    "said once": fault(lambda lab: lab.says("docker service logs", lambda _: "Docker Swarm Mode Start\n"), "log"),
    "says something else": fault(lambda lab: lab.says("docker service logs", lambda _: "Start\nStart\n"), "log"),
}
