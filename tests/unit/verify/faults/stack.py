"""The stack, done wrong."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from recorded import Recorded, fault

from faults.update import later
from labgen.model.capabilities import Capability

WEB, COUNTER, CACHE = "shop_web", "shop_counter", "shop_cache"
OLD, NEW = "redis:6.0-alpine", "redis:6.2.5-alpine"


def made_by_itself(lab: Recorded) -> None:
    """``docker service create --name shop_web`` instead of a stack."""
    lab.service(WEB, lambda service: service["Spec"].update(Labels={}))


def another_port(lab: Recorded) -> None:
    def move(service: dict[str, Any]) -> None:
        for ports in (service["Spec"]["EndpointSpec"]["Ports"], service["Endpoint"]["Ports"]):
            ports[0]["PublishedPort"] = 8091

    lab.service(WEB, move)


def a_network_of_its_own(lab: Recorded) -> None:
    lab.service(CACHE, lambda service: service["Spec"]["TaskTemplate"].update(Networks=[{"Target": "elsewhere"}]))


def not_updated(lab: Recorded) -> None:
    lab.service(CACHE, lambda service: service["Spec"]["TaskTemplate"]["ContainerSpec"].update(Image=OLD))


def an_old_task_still(lab: Recorded) -> None:
    def back(tasks: list[dict[str, Any]]) -> None:
        for task in tasks:
            task["Spec"]["ContainerSpec"]["Image"] = OLD

    lab.tasks(CACHE, back)


def updated_by_hand(lab: Recorded) -> None:
    """``docker service update --image``: the stack's file still says the old image."""
    lab.service(CACHE, lambda service: service["Spec"]["Labels"].update({"com.docker.stack.image": OLD}))


def deployed_anew(lab: Recorded) -> None:
    lab.tasks(CACHE, lambda tasks: [task for task in tasks if task["DesiredState"] == "running"])


def counter_changed(seconds: float) -> Callable[[Recorded], None]:
    """A second change in the file: counter's task is replaced some seconds after the cache's."""

    def change(lab: Recorded) -> None:
        began: list[str] = []
        lab.tasks(CACHE, lambda tasks: began.append(max(task["CreatedAt"] for task in tasks)))

        def replaced(tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
            (old,) = tasks
            new = {**old, "ID": "new", "CreatedAt": later(began[0], seconds)}
            return [{**old, "DesiredState": "shutdown", "Status": {**old["Status"], "State": "shutdown"}}, new]

        lab.tasks(COUNTER, replaced)

    return change


def port_not_bound(lab: Recorded) -> None:
    """On nodes that have the routing mesh nothing listens on the port."""
    state = lab.evidence.state
    lacks = {what: why for what, why in state.lacks.items() if what != Capability.ROUTING_MESH}
    lab.evidence.state = dataclasses.replace(state, lacks=lacks)


FAULTS = {
    "no cache": fault(lambda lab: lab.gone(CACHE), "deployed"),
    "made by itself": fault(made_by_itself, "deployed"),
    "one web server": fault(
        lambda lab: lab.service(WEB, lambda service: service["Spec"]["Mode"]["Replicated"].update(Replicas=1)),
        "running",
    ),
    "the web is no nginx": fault(
        lambda lab: lab.service(
            WEB, lambda service: service["Spec"]["TaskTemplate"]["ContainerSpec"].update(Image="httpd:latest")
        ),
        "running",
    ),
    "a task that does not run": fault(lambda lab: lab.tasks(COUNTER, lambda _: []), "running"),
    "another port": fault(another_port, "published"),
    "a network of its own": fault(a_network_of_its_own, "network"),
    "nobody visits the cache": fault(lambda lab: lab.says("GET visits", lambda _: "\n"), "connected"),
    "a number of visits that was written by hand": fault(
        lambda lab: lab.says("GET visits", lambda _: "1\n"), "connected"
    ),
    "no cache answers": fault(lambda lab: lab.says("GET visits", lambda _: "Could not connect to Redis"), "connected"),
    "not updated": fault(not_updated, "updated"),
    "a task of the old image": fault(an_old_task_still, "updated"),
    "updated by hand": fault(updated_by_hand, "from_the_file"),
    "deployed anew": fault(deployed_anew, "history"),
    "the counter changed too": fault(counter_changed(1), "others_stay"),
    "the counter changed in the same deploy, which was slow": fault(counter_changed(40), "others_stay"),
    "the counter changed in a later deploy": fault(counter_changed(50)),
    "the port is not bound": fault(port_not_bound, "page"),
}
