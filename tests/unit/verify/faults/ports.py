"""Published ports, done wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from recorded import Recorded, fault

from labgen.model.capabilities import Capability

Service = dict[str, Any]
Tasks = list[dict[str, Any]]


def port(name: str, **changed: Any) -> Callable[[Recorded], None]:
    """The one port of a service, other than it is."""

    def change(service: Service) -> None:
        for where in (service["Endpoint"], service["Endpoint"]["Spec"], service["Spec"]["EndpointSpec"]):
            where["Ports"][0].update(changed)

    return lambda lab: lab.service(name, change)


def no_port(name: str) -> Callable[[Recorded], None]:
    def change(service: Service) -> None:
        service["Endpoint"] = {"Spec": {}}
        service["Spec"]["EndpointSpec"] = {"Mode": "vip"}

    return lambda lab: lab.service(name, change)


def image(name: str, image: str) -> Callable[[Recorded], None]:
    return lambda lab: lab.service(
        name, lambda service: service["Spec"]["TaskTemplate"]["ContainerSpec"].update(Image=image)
    )


def not_running(name: str) -> Callable[[Recorded], None]:
    def change(tasks: Tasks) -> None:
        for task in tasks:
            task["Status"]["State"] = "failed"

    return lambda lab: lab.tasks(name, change)


def two_replicas(lab: Recorded) -> None:
    """As it was made: two nodes have a task, and answer; the third neither."""

    def change(tasks: Tasks) -> Tasks:
        return [task for task in tasks if task.get("NodeID")][:2]

    lab.service("web-host", lambda service: service["Spec"]["Mode"]["Replicated"].update(Replicas=2))
    lab.tasks("web-host", change)


def a_node_without_a_task(lab: Recorded) -> None:
    """One task too few; its node answers all the same."""
    lab.tasks("web-host", lambda tasks: [task for task in tasks if task.get("NodeID")][1:])


def waits_for_something_else(lab: Recorded) -> None:
    def change(tasks: Tasks) -> None:
        for task in tasks:
            if task["Status"]["State"] == "pending":
                task["Status"]["Err"] = "no suitable node (insufficient resources on 3 nodes)"

    lab.tasks("web-host", change)


def nothing_waits(lab: Recorded) -> None:
    lab.tasks("web-host", lambda tasks: [task for task in tasks if task["Status"]["State"] != "pending"])


def meshed(lab: Recorded) -> None:
    """The nodes had the routing mesh, and yet nobody answers at a port of it."""
    lab.evidence.state.lacks.pop(Capability.ROUTING_MESH)  # type: ignore[attr-defined]


FAULTS = {
    "no chosen port": fault(lambda lab: lab.gone("web-chosen"), "chosen"),
    "another chosen port": fault(port("web-chosen", PublishedPort=8080), "chosen"),
    "another port of the container": fault(port("web-chosen", TargetPort=8080), "chosen"),
    "chosen in host mode": fault(port("web-chosen", PublishMode="host"), "chosen"),
    "chosen, from another image": fault(image("web-chosen", "redis:6.0-alpine"), "chosen"),
    "chosen, not running": fault(not_running("web-chosen"), "chosen"),
    "no automatic port": fault(lambda lab: lab.gone("web-auto"), "automatic"),
    "nothing published": fault(no_port("web-auto"), "automatic"),
    "automatic, but asked for": fault(port("web-auto", PublishedPort=30080), "automatic"),
    "no host mode": fault(lambda lab: lab.gone("web-host"), "host"),
    "host mode forgotten": fault(port("web-host", PublishMode="ingress"), "host"),
    "another port in host mode": fault(port("web-host", PublishedPort=8005), "host"),
    "not one too many": fault(two_replicas, "one_for_each_node", "host_answers"),
    "a node without a task": fault(a_node_without_a_task, "one_for_each_node", "host_answers"),
    "one waits for something else": fault(waits_for_something_else, "one_for_each_node"),
    "none waits": fault(nothing_waits, "one_for_each_node"),
    "no answer through the mesh": fault(meshed, "chosen_everywhere", "automatic_everywhere"),
}
