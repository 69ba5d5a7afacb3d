"""What a swarm is like now: read-only facts from the engine's own JSON.

Provisioning decides by them, grading judges by them. Parsed tolerantly (what is missing is empty), but
an answer that is no JSON, or none at all, is an error that says what was seen.

Nothing here reads a join token: they are in ``/swarm``, which is never asked for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Network, ip_network
from typing import Any
from urllib.parse import quote

from labgen.engine import Answer, Run, as_json, as_list, as_object, ask, text_of

_MOVING = frozenset({"new", "allocated", "pending", "assigned", "accepted", "preparing", "ready", "starting"})
"""States of a task on its way to running (moby ``api/types/swarm/task.go``)."""


@dataclass(frozen=True)
class LocalSwarm:
    """The swarm as one engine sees it, which needs no manager.

    :param state: ``inactive``, ``pending``, ``active``, ``error`` or ``locked``.
    :param address: the address it is known by to the others, empty outside a swarm.
    :param error: what the engine says is wrong, empty where nothing is.
    :param managers: addresses of the managers it knows, with port.
    """

    state: str
    node_id: str = ""
    is_manager: bool = False
    address: str = ""
    error: str = ""
    managers: tuple[str, ...] = ()

    @property
    def active(self) -> bool:
        """The node is part of a swarm."""
        return self.state == "active"

    @classmethod
    def inactive(cls) -> LocalSwarm:
        """Of an engine in no swarm."""
        return cls("inactive")

    @classmethod
    def parse(cls, text: str) -> LocalSwarm:
        """From what ``docker info --format '{{json .Swarm}}'`` prints.

        :raises NodeError: it is no such JSON.
        """
        return cls.of(as_object(as_json(text, "docker info"), "docker info"))

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> LocalSwarm:
        """From the ``Swarm`` part of ``/info``."""
        remote = told.get("RemoteManagers") or []
        return cls(
            state=text_of(told, "LocalNodeState") or "inactive",
            node_id=text_of(told, "NodeID"),
            is_manager=bool(told.get("ControlAvailable")),
            address=text_of(told, "NodeAddr"),
            error=text_of(told, "Error"),
            managers=tuple(text_of(manager, "Addr") for manager in remote),
        )


@dataclass(frozen=True)
class SwarmNode:
    """A node as the managers know it.

    :param state: ``ready``, ``down``, ``unknown`` or ``disconnected``.
    :param availability: ``active``, ``pause`` or ``drain``.
    :param address: the address it was last seen at.
    """

    id: str
    name: str
    role: str
    availability: str
    state: str
    leader: bool
    address: str
    engine_version: str

    @property
    def ready(self) -> bool:
        """Connected and healthy."""
        return self.state == "ready"

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> SwarmNode:
        """From ``/nodes`` or ``docker node inspect``."""
        manager = _part(told, "ManagerStatus")
        # A manager's Status.Addr may be 0.0.0.0; what it advertises stands in ManagerStatus.
        advertised = text_of(manager, "Addr").rpartition(":")[0]
        return cls(
            id=text_of(told, "ID"),
            name=text_of(_part(told, "Description"), "Hostname"),
            role=text_of(_part(told, "Spec"), "Role"),
            availability=text_of(_part(told, "Spec"), "Availability"),
            state=text_of(_part(told, "Status"), "State"),
            leader=bool(manager.get("Leader")),
            address=advertised or text_of(_part(told, "Status"), "Addr"),
            engine_version=text_of(_part(_part(told, "Description"), "Engine"), "EngineVersion"),
        )


@dataclass(frozen=True)
class Task:
    """A task: one try to run one container.

    :param state: how far it is: ``running``, ``pending``, ``failed`` …
    :param desired: how far it is meant to get: ``running``, or ``shutdown`` for one of the past.
    :param slot: which replica it is, from 1; 0 in a global service.
    :param image: as the service named it, with digest where it was resolved.
    :param error: why it is not running, empty where nothing is wrong.
    """

    id: str
    service_id: str
    slot: int
    node_id: str
    state: str
    desired: str
    image: str
    container_id: str
    error: str
    created: datetime | None
    updated: datetime | None

    @property
    def running(self) -> bool:
        """Running, and meant to."""
        return self.state == "running" and self.desired == "running"

    @property
    def moving(self) -> bool:
        """Meant to run and still on its way."""
        return self.desired in ("running", "ready") and self.state in _MOVING

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Task:
        """From ``/tasks`` or ``docker inspect --type task``."""
        status = _part(told, "Status")
        return cls(
            id=text_of(told, "ID"),
            service_id=text_of(told, "ServiceID"),
            slot=int(told.get("Slot") or 0),
            node_id=text_of(told, "NodeID"),
            state=text_of(status, "State"),
            desired=text_of(told, "DesiredState"),
            image=text_of(_part(_part(told, "Spec"), "ContainerSpec"), "Image"),
            container_id=text_of(_part(status, "ContainerStatus"), "ContainerID"),
            error=text_of(status, "Err"),
            created=_moment(told, "CreatedAt"),
            updated=_moment(told, "UpdatedAt"),
        )


@dataclass(frozen=True)
class Port:
    """A published port.

    :param mode: ``ingress`` (every node, through the routing mesh) or ``host``.
    """

    published: int
    target: int
    protocol: str
    mode: str


@dataclass(frozen=True)
class Service:
    """A service and every task of it that the swarm remembers, oldest first.

    :param mode: ``replicated``, ``global``, or a job's mode.
    :param replicas: how many are wanted; ``None`` unless replicated.
    :param constraints: as they were written: ``node.role==worker``.
    :param update_state: of the last update or rollback: ``completed``, ``paused`` …, empty before the first.
    """

    id: str
    name: str
    mode: str
    replicas: int | None
    image: str
    constraints: tuple[str, ...]
    ports: tuple[Port, ...]
    update_state: str
    update_message: str
    tasks: tuple[Task, ...] = ()

    @property
    def running(self) -> tuple[Task, ...]:
        """Tasks that run now."""
        return tuple(task for task in self.tasks if task.running)

    @property
    def settled(self) -> bool:
        """Nothing is on its way: no task is starting, no update going on."""
        updating = self.update_state in ("updating", "rollback_started")
        return not updating and not any(task.moving for task in self.tasks)

    @classmethod
    def of(cls, told: Mapping[str, Any], tasks: Sequence[Task] = ()) -> Service:
        """From ``/services/NAME`` or ``docker service inspect``."""
        spec = _part(told, "Spec")
        template = _part(spec, "TaskTemplate")
        mode = _part(spec, "Mode")
        kind = next(iter(mode), "")
        update = _part(told, "UpdateStatus")
        ports = _part(told, "Endpoint").get("Ports") or _part(spec, "EndpointSpec").get("Ports") or []
        return cls(
            id=text_of(told, "ID"),
            name=text_of(spec, "Name"),
            mode=kind[:1].lower() + kind[1:],
            replicas=int(_part(mode, "Replicated").get("Replicas") or 0) if kind == "Replicated" else None,
            image=text_of(_part(template, "ContainerSpec"), "Image"),
            constraints=tuple(map(str, _part(template, "Placement").get("Constraints") or ())),
            ports=tuple(
                Port(
                    published=int(port.get("PublishedPort") or 0),
                    target=int(port.get("TargetPort") or 0),
                    protocol=text_of(port, "Protocol") or "tcp",
                    mode=text_of(port, "PublishMode") or "ingress",
                )
                for port in ports
            ),
            update_state=text_of(update, "State"),
            update_message=text_of(update, "Message"),
            tasks=tuple(tasks),
        )


@dataclass(frozen=True)
class Network:
    """A network, as the engine asked knows it.

    :param scope: ``swarm`` or ``local``.
    :param ingress: it is the one that the routing mesh uses.
    """

    id: str
    name: str
    driver: str
    scope: str
    ingress: bool
    subnets: tuple[IPv4Network, ...]

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Network:
        """From ``/networks`` or ``docker network inspect``."""
        configs = _part(told, "IPAM").get("Config") or []
        subnets = (ip_network(config["Subnet"], strict=False) for config in configs if config.get("Subnet"))
        return cls(
            id=text_of(told, "Id") or text_of(told, "ID"),
            name=text_of(told, "Name"),
            driver=text_of(told, "Driver"),
            scope=text_of(told, "Scope"),
            ingress=bool(told.get("Ingress")),
            subnets=tuple(subnet for subnet in subnets if isinstance(subnet, IPv4Network)),
        )


@dataclass(frozen=True)
class Swarm:
    """A whole swarm at one moment, as a manager tells it.

    :param services: by name, those that were asked about and exist.
    """

    nodes: tuple[SwarmNode, ...]
    networks: tuple[Network, ...]
    services: Mapping[str, Service]

    @property
    def settled(self) -> bool:
        """Nothing is on its way: every node's state is known, every service asked about has settled."""
        known = all(node.state != "unknown" for node in self.nodes)
        return known and all(service.settled for service in self.services.values())

    def node(self, node_id: str) -> SwarmNode | None:
        """The node of that id."""
        return next((node for node in self.nodes if node.id == node_id), None)


def local(run: Run) -> LocalSwarm:
    """The swarm as this engine sees it; need not be a manager.

    :raises NodeError: the engine does not answer.
    """
    return LocalSwarm.of(_part(as_object(_one(run, "/info"), "/info"), "Swarm"))


def nodes(run: Run) -> list[SwarmNode]:
    """Every node of the swarm.

    :raises SwarmError: the node asked is not a manager.
    :raises NodeError: the engine does not answer.
    """
    return [SwarmNode.of(told) for told in as_list(_one(run, "/nodes"), "/nodes")]


def networks(run: Run) -> list[Network]:
    """Every network this engine knows, on a manager also those of the swarm.

    :raises NodeError: the engine does not answer.
    """
    return [Network.of(told) for told in as_list(_one(run, "/networks"), "/networks")]


def service(run: Run, name: str) -> Service | None:
    """A service with its tasks, ``None`` where there is none of that name.

    :raises SwarmError: the node asked is not a manager.
    :raises NodeError: the engine does not answer.
    """
    return _service(ask(run, _service_paths(name)), name)


def services(run: Run) -> list[Service]:
    """Every service of the swarm, without its tasks.

    :raises SwarmError: the node asked is not a manager.
    :raises NodeError: the engine does not answer.
    """
    return [Service.of(told) for told in as_list(_one(run, "/services"), "/services")]


def look(run: Run, services: Sequence[str] = ()) -> Swarm:
    """Everything at once, in one command.

    :param services: names of the services to ask about.
    :raises SwarmError: the node asked is not a manager.
    :raises NodeError: the engine does not answer.
    """
    paths = ["/nodes", "/networks", *(path for name in services for path in _service_paths(name))]
    told = ask(run, paths)
    found = {name: _service(told, name) for name in services}
    return Swarm(
        nodes=tuple(SwarmNode.of(one) for one in as_list(told["/nodes"].value("/nodes"), "/nodes")),
        networks=tuple(Network.of(one) for one in as_list(told["/networks"].value("/networks"), "/networks")),
        services={name: there for name, there in found.items() if there is not None},
    )


def _one(run: Run, path: str) -> Any:
    return ask(run, [path])[path].value(path)


def _service_paths(name: str) -> list[str]:
    filters = json.dumps({"service": [name]})
    return [f"/services/{quote(name, safe='')}", f"/tasks?filters={quote(filters, safe='')}"]


def _service(told: Mapping[str, Answer], name: str) -> Service | None:
    at, tasks_at = _service_paths(name)
    if told[at].status == 404:
        return None
    body = as_object(told[at].value(at), at)
    # The engine also finds a service by its id, or the beginning of one.
    if text_of(_part(body, "Spec"), "Name") != name:
        return None
    # A service removed between the two questions has no tasks any more.
    gone = told[tasks_at].status == 404
    tasks = [] if gone else [Task.of(one) for one in as_list(told[tasks_at].value(tasks_at), tasks_at)]
    return Service.of(body, sorted(tasks, key=lambda task: (task.slot, str(task.created))))


def _part(told: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = told.get(key)
    return value if isinstance(value, Mapping) else {}


def _moment(told: Mapping[str, Any], key: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text_of(told, key))
    except ValueError:
        return None
