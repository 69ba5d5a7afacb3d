"""What a swarm is made of, as frozen data: what one engine knows of it, nodes, networks.

Each is read from the engine's own JSON, tolerantly: what is missing is empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import IPv4Network, ip_network
from typing import Any

from labgen.docker.api import as_json, as_object, moment, part, text_of


@dataclass(frozen=True)
class LocalSwarm:
    """The swarm as one engine sees it, which needs no manager.

    :param state: ``inactive``, ``pending``, ``active``, ``error`` or ``locked``.
    :param address: the address it is known by to the others, empty outside a swarm.
    :param error: what the engine says is wrong, empty where nothing is.
    :param managers: addresses of the managers it knows, with port.
    :param history_limit: how many tasks of the past the swarm keeps of each replica; only a manager knows.
    """

    state: str
    node_id: str = ""
    is_manager: bool = False
    address: str = ""
    error: str = ""
    managers: tuple[str, ...] = ()
    history_limit: int | None = None

    @property
    def active(self) -> bool:
        """The node is part of a swarm."""
        return self.state == "active"

    @classmethod
    def inactive(cls) -> LocalSwarm:
        """Make the swarm of an engine that is in none."""
        return cls("inactive")

    @classmethod
    def parse(cls, text: str) -> LocalSwarm:
        """Read what ``docker info --format '{{json .Swarm}}'`` prints.

        :raises NodeError: it is no such JSON.
        """
        return cls.of(as_object(as_json(text, "docker info"), "docker info"))

    @classmethod
    def of(cls, swarm: Mapping[str, Any]) -> LocalSwarm:
        """Read the ``Swarm`` part of ``/info``."""
        remote = swarm.get("RemoteManagers") or []
        limit = part(part(part(swarm, "Cluster"), "Spec"), "Orchestration").get("TaskHistoryRetentionLimit")
        return cls(
            state=text_of(swarm, "LocalNodeState") or "inactive",
            node_id=text_of(swarm, "NodeID"),
            is_manager=bool(swarm.get("ControlAvailable")),
            address=text_of(swarm, "NodeAddr"),
            error=text_of(swarm, "Error"),
            managers=tuple(text_of(manager, "Addr") for manager in remote),
            history_limit=limit if isinstance(limit, int) else None,
        )


@dataclass(frozen=True)
class SwarmNode:
    """A node as the managers know it.

    :param state: ``ready``, ``down``, ``unknown`` or ``disconnected``.
    :param reachable: it is a manager, and the others hear of it.
    :param labels: those that managers have put on it (``docker node update --label-add``).
    :param availability: ``active``, ``pause`` or ``drain``.
    :param address: the address it was last seen at.
    :param created: when it came into the swarm, by the managers' clock.
    :param os: ``linux``; ``architecture``: ``x86_64``.
    :param engine_labels: those that its engine was started with.
    """

    id: str
    name: str
    role: str
    availability: str
    state: str
    leader: bool
    address: str
    engine_version: str
    reachable: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    created: datetime | None = None
    os: str = ""
    architecture: str = ""
    engine_labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def ready(self) -> bool:
        """Connected and healthy."""
        return self.state == "ready"

    @classmethod
    def of(cls, node: Mapping[str, Any]) -> SwarmNode:
        """Read a node from ``/nodes`` or ``docker node inspect``."""
        manager = part(node, "ManagerStatus")
        # A manager's Status.Addr may be 0.0.0.0; what it advertises stands in ManagerStatus.
        advertised = text_of(manager, "Addr").rpartition(":")[0]
        return cls(
            id=text_of(node, "ID"),
            name=text_of(part(node, "Description"), "Hostname"),
            role=text_of(part(node, "Spec"), "Role"),
            availability=text_of(part(node, "Spec"), "Availability"),
            state=text_of(part(node, "Status"), "State"),
            leader=bool(manager.get("Leader")),
            address=advertised or text_of(part(node, "Status"), "Addr"),
            engine_version=text_of(part(part(node, "Description"), "Engine"), "EngineVersion"),
            reachable=text_of(manager, "Reachability") == "reachable",
            labels={str(key): str(value) for key, value in part(part(node, "Spec"), "Labels").items()},
            created=moment(node, "CreatedAt"),
            os=text_of(part(part(node, "Description"), "Platform"), "OS"),
            architecture=text_of(part(part(node, "Description"), "Platform"), "Architecture"),
            engine_labels={
                str(key): str(value) for key, value in part(part(part(node, "Description"), "Engine"), "Labels").items()
            },
        )


@dataclass(frozen=True)
class Network:
    """A network, as the engine asked knows it.

    :param scope: ``swarm`` or ``local``.
    :param ingress: it is the one that the routing mesh uses.
    :param attachable: also containers that are no tasks may be on it.
    """

    id: str
    name: str
    driver: str
    scope: str
    ingress: bool
    subnets: tuple[IPv4Network, ...]
    attachable: bool = False

    @classmethod
    def of(cls, network: Mapping[str, Any]) -> Network:
        """Read a network from ``/networks`` or ``docker network inspect``."""
        configs = part(network, "IPAM").get("Config") or []
        subnets = (ip_network(subnet, strict=False) for config in configs if (subnet := text_of(config, "Subnet")))
        return cls(
            id=text_of(network, "Id") or text_of(network, "ID"),
            name=text_of(network, "Name"),
            driver=text_of(network, "Driver"),
            scope=text_of(network, "Scope"),
            ingress=bool(network.get("Ingress")),
            subnets=tuple(subnet for subnet in subnets if isinstance(subnet, IPv4Network)),
            attachable=bool(network.get("Attachable")),
        )
