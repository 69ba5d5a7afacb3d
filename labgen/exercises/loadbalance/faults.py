"""Faults in the service of the exercise on load balancing."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any

from labgen.core.polling import NotYet
from labgen.exercise import fault_acts as acts
from labgen.exercise import fault_edits as edits
from labgen.exercise.faults import (
    MANAGER,
    NO_FAULT,
    QUICK,
    SAME_ANSWERS,
    WORKER1,
    WORKER2,
    Act,
    Edit,
    Fault,
    LiveLab,
    RecordedLab,
)
from labgen.model.capabilities import Capability

from .exercise import Parameters

_PARAMETERS = Parameters()

WEB = _PARAMETERS.service.name
Json = dict[str, Any]


def _web(options: str, running: int = 2, image: str = "nginx") -> Act:
    return lambda lab: lab.serve(WEB, f"{options} {image}", running)


_PORT = "DOCKER-USER -p tcp --dport 8001"
_RIGHT = "--constraint node.role==worker --replicas 2 --publish 8001:80"


def _faked(lab: LiveLab) -> None:
    """Containers that only look like the service's."""
    lab.remove(WEB)
    for number, node in enumerate((WORKER1, WORKER2), 1):
        lab.on(node, f"docker run --detach --name {WEB}.{number}.faked --publish 8001:80 nginx")


def _unfaked(lab: LiveLab) -> None:
    for node in (WORKER1, WORKER2):
        lab.on(node, "docker rm --force $(docker ps --quiet --filter name=faked)")


def _never_runs(lab: LiveLab) -> None:
    """Its containers end as soon as they have begun."""
    lab.remove(WEB)
    # nginx looks at its settings, and ends.
    lab.manager(f"docker service create --detach --name {WEB} {_RIGHT} nginx nginx -t")
    lab.wait("a task to end", lambda swarm: any(task.failed for task in swarm.services[WEB].tasks))


def _does_not_stay_up(lab: LiveLab) -> None:
    """Its containers end after 4 s and are replaced at once: whenever one looks, as many run as are wanted."""
    lab.remove(WEB)
    options = f"{_RIGHT} --restart-delay 0s nginx sh -c 'nginx; sleep 4'"
    lab.manager(f"docker service create --detach --name {WEB} {options}")
    lab.wait("tasks to end", lambda swarm: sum(task.failed for task in swarm.services[WEB].tasks) >= 4)
    lab.settled(WEB, 2)


def _one_page(lab: LiveLab) -> None:
    """The page of worker 1 only was copied; worker 2 serves nginx's own."""
    lab.serve(WEB, f"{_RIGHT} nginx", 2)
    page = _PARAMETERS.page(1)
    written = shlex.quote(f"echo {shlex.quote(page)} >{Parameters.page_path}")
    lab.on(WORKER1, f"docker exec $(docker ps --quiet --filter name={WEB}) sh -c {written}")


def _walled(lab: LiveLab) -> None:
    lab.labgen("run", "loadbalance")
    acts.drops(WORKER2, _PORT)(lab)


def _taken(lab: LiveLab) -> None:
    """Another program was first at the published port, on a worker; the swarm takes tasks there all the same."""
    lab.remove(WEB)
    # The swarm lets go of it a moment after the service has gone.
    _port_is(lab, "")
    lab.on(WORKER2, "systemd-run --quiet --unit first-there python3 -m http.server 8001 --bind 127.0.0.1")
    _port_is(lab, "127.0.0.1:8001")
    lab.serve(WEB, f"{_RIGHT} nginx", 2)


def _port_is(lab: LiveLab, listener: str) -> None:
    def look() -> None:
        if (address := lab.on(WORKER2, "ss -ltnH 'sport = :8001' | awk '{ print $4 }'").strip()) != listener:
            raise NotYet(address or "nobody listens")

    lab.wait_until(f"port 8001 of {WORKER2} to be {listener or 'free'}", look, within=30)


def _let_go(lab: LiveLab) -> None:
    lab.remove(WEB)
    lab.on(WORKER2, "systemctl stop first-there")


def tasks(change: Callable[[list[Json]], Any]) -> Edit:
    """Change the tasks of the service."""
    return lambda lab: lab.tasks(WEB, change)


def one_more(tasks: list[Json]) -> list[Json]:
    """Let a third task run, on the node of the second."""
    container = {**tasks[-1]["Status"]["ContainerStatus"], "ContainerID": "third"}
    return [
        *tasks,
        {**tasks[-1], "ID": "third", "Slot": 3, "Status": {**tasks[-1]["Status"], "ContainerStatus": container}},
    ]


def on_the_manager(lab: RecordedLab) -> None:
    """Let all tasks run on the manager, where a constraint keeps them."""
    edits.constraints(WEB, "node.role==manager")(lab)
    managers: list[str] = []
    edits.members(lambda nodes: managers.extend(node["ID"] for node in nodes if node["Spec"]["Role"] == "manager"))(lab)
    lab.tasks(WEB, lambda tasks: [{**task, "NodeID": managers[0]} for task in tasks])


def all_ended(tasks: list[Json]) -> None:
    """Let every task have ended."""
    for task in tasks:
        task["Status"]["State"] = "complete"
        task["DesiredState"] = "shutdown"


def not_published(service: Json) -> None:
    """Take the published port away."""
    service["Endpoint"] = {"Spec": {}}
    service["Spec"]["EndpointSpec"] = {"Mode": "vip"}


_PAGES = [_PARAMETERS.page(1), _PARAMETERS.page(2)]
_OF_NGINX = "<h1>Welcome to nginx!</h1>"

_NEED_SERVICE_EXISTS = (
    "constraint",
    "on_workers",
    "pages",
    "pages_from_itself",
    "port_open",
    "published",
    "replicated",
    "running",
)
_NEED_REPLICATED = ("on_workers", "pages", "pages_from_itself", "port_open")
_NEED_PUBLISHED = ("pages", "pages_from_itself", "port_open")

FAULTS = (
    Fault(
        "no service",
        fail=("service_exists",),
        blocked=_NEED_SERVICE_EXISTS,
        on_nodes=lambda lab: lab.remove(WEB),
        on_recording=edits.gone(WEB),
    ),
    Fault(
        "containers that only look like the service",
        fail=("service_exists",),
        blocked=_NEED_SERVICE_EXISTS,
        on_nodes=_faked,
        mend=_unfaked,
        only=SAME_ANSWERS,
    ),
    Fault(
        "another image",
        fail=("service_exists",),
        blocked=_NEED_SERVICE_EXISTS,
        on_nodes=_web(_RIGHT, image="redis:6.0-alpine"),
        on_recording=edits.image(WEB, "redis:6.0-alpine"),
    ),
    Fault(
        "global instead of replicated",
        fail=("pages", "pages_from_itself", "replicated"),
        on_nodes=_web("--constraint node.role==worker --mode global --publish 8001:80"),
        on_recording=edits.mode(WEB, {"Global": {}}),
    ),
    Fault(
        "one replica short",
        fail=("replicated", "running"),
        blocked=_NEED_REPLICATED,
        on_nodes=_web("--constraint node.role==worker --replicas 1 --publish 8001:80", 1),
        on_recording=edits.all_of(edits.replicas(WEB, 1), tasks(lambda listed: listed[:1])),
    ),
    Fault(
        "one replica too many",
        fail=("replicated", "running"),
        blocked=_NEED_REPLICATED,
        on_nodes=_web("--constraint node.role==worker --replicas 3 --publish 8001:80", 3),
        on_recording=edits.all_of(edits.replicas(WEB, 3), tasks(one_more)),
    ),
    Fault(
        "a constraint missing",
        fail=("constraint", "pages", "pages_from_itself"),
        on_nodes=_web(f"--constraint node.hostname!={MANAGER} --replicas 2 --publish 8001:80"),
        on_recording=edits.constraints(WEB, f"node.hostname!={MANAGER}"),
    ),
    Fault(
        "constrained to managers",
        fail=("constraint", "on_workers", "pages", "pages_from_itself"),
        on_nodes=_web("--constraint node.role==manager --replicas 2 --publish 8001:80"),
        on_recording=on_the_manager,
    ),
    Fault(
        "a wrong published port",
        fail=("published",),
        blocked=_NEED_PUBLISHED,
        on_nodes=_web(_RIGHT.replace("8001:80", "8080:80")),
        on_recording=edits.port(WEB, PublishedPort=8080),
    ),
    Fault(
        "a wrong target port",
        fail=("published",),
        blocked=_NEED_PUBLISHED,
        on_nodes=_web(_RIGHT.replace("8001:80", "8001:8080")),
        on_recording=edits.port(WEB, TargetPort=8080),
    ),
    Fault(
        "published in host mode",
        fail=("published",),
        blocked=_NEED_PUBLISHED,
        on_nodes=_web(_RIGHT.replace("8001:80", "mode=host,published=8001,target=80")),
        on_recording=edits.port(WEB, PublishMode="host"),
    ),
    Fault(
        "not published",
        fail=("published",),
        blocked=_NEED_PUBLISHED,
        on_nodes=_web(_RIGHT.replace("--publish 8001:80", "")),
        on_recording=lambda lab: lab.service(WEB, not_published),
    ),
    Fault(
        "its containers end at once",
        fail=("running",),
        blocked=_NEED_REPLICATED,
        on_nodes=_never_runs,
        on_recording=tasks(all_ended),
    ),
    Fault(
        edits.FLAPPING,
        fail=("running",),
        blocked=_NEED_REPLICATED,
        on_nodes=_does_not_stay_up,
        on_recording=edits.flapping(WEB),
        cause="flapping",
    ),
    Fault(
        edits.ASLEEP,
        fail=("service_exists",),
        blocked=_NEED_SERVICE_EXISTS,
        on_nodes=_web(_RIGHT, image="nginx sleep 10000"),
        on_recording=edits.asleep(WEB),
    ),
    Fault(
        "a page copied to one worker only",
        fail=("pages", "pages_from_itself"),
        on_nodes=_one_page,
        on_recording=lambda lab: lab.served(8001, [_PARAMETERS.page(1), _OF_NGINX]),
        needs=(Capability.ROUTING_MESH,),
    ),
    Fault(
        "a firewall drops the published port on a worker",
        fail=("pages[swarm-worker2]",),
        on_nodes=_walled,
        mend=acts.passes(WORKER2, _PORT),
        on_recording=lambda lab: lab.served(8001, _PAGES, unanswered=(WORKER2,)),
        needs=(Capability.ROUTING_MESH,),
    ),
    Fault(
        "another program has the published port on a worker",
        fail=(
            "pages[swarm-manager]",
            "pages[swarm-worker1]",
            "pages_from_itself[swarm-worker1]",
            "port_open[swarm-worker2]",
        ),
        blocked=("pages[swarm-worker2]", "pages_from_itself[swarm-worker2]"),
        on_nodes=_taken,
        mend=_let_go,
        on_recording=lambda lab: lab.served(8001, [_OF_NGINX], shut=(WORKER2,)),
        needs=(Capability.ROUTING_MESH,),
    ),
    Fault(
        edits.NO_CONTAINERS,
        fail=("running",),
        blocked=_NEED_REPLICATED,
        on_recording=edits.no_containers(WEB),
        only=QUICK,
    ),
    Fault(
        edits.SURPLUS,
        on_recording=edits.surplus(WEB),
        only=NO_FAULT,
    ),
    Fault(
        "no fault: the nodes have the routing mesh",
        on_recording=lambda lab: lab.served(8001, _PAGES),
        only=NO_FAULT,
    ),
)
