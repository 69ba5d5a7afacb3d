"""Services and their tasks, as frozen data.

Each is read from the engine's own JSON, tolerantly: what is missing is empty.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import IPv4Address, IPv4Interface
from typing import Any

from labgen.docker.api import moment, part, text_of

_MOVING = frozenset({"new", "allocated", "pending", "assigned", "accepted", "preparing", "ready", "starting"})
"""States of a task on its way to running (moby ``api/types/swarm/task.go``)."""


@dataclass(frozen=True)
class Task:
    """A task: one try to run one container.

        :param state: how far it is: ``running``, ``pending``, ``failed`` …
        :param desired: how far it is meant to get: ``running``, or ``shutdown`` for one of the past.
        :param slot: which replica it is, from 1; 0 in a global service.
        :param image: as the service named it, with digest where it was resolved.
        :param error: why it is not running, empty where nothing is wrong.
        :param since: when it came into its state, by the clock of its node.
        :param exit_code: of its container, where that has ended.
        :param addresses: on overlay networks.
        :param spec: the same for tasks that were made to run the same thing in the same way; another after an update.
    :param began: when its container began to run, and ``ended`` when that ended. The swarm itself does not keep
        them; :func:`labgen.docker.container_times.dated` adds them, where the node still has the container.
    :param engine: when the engine of its node began for the last time; added likewise.
    :param unwell: what its container's health check said last, where it never once succeeded as far as the node
        remembers (five checks); empty where it did, or there is none.
    :param files: of its secrets and configs, name of the file in the container -> which it is.
    :param health: command of its health check, empty where the image's own is used.
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
    since: datetime | None = None
    exit_code: int = 0
    addresses: tuple[IPv4Address, ...] = ()
    spec: str = ""
    began: datetime | None = None
    ended: datetime | None = None
    engine: datetime | None = None
    unwell: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    health: tuple[str, ...] = ()

    @property
    def running(self) -> bool:
        """Running, and meant to."""
        return self.state == "running" and self.desired == "running"

    @property
    def killed(self) -> bool:
        """Its container was ended by force, or removed before its node could see how it ended."""
        # 128, and the number of SIGKILL.
        return self.state == "failed" and (self.exit_code == 137 or "no such container" in self.error.lower())

    @property
    def failed(self) -> bool:
        """It could not be started, or its container ended without having been told to."""
        return self.state in ("failed", "rejected", "complete")

    @property
    def stuck(self) -> bool:
        """Pending, because no node suits it: it waits until one does, and its error says why none does now."""
        return self.state == "pending" and self.desired == "running" and bool(self.error)

    @property
    def moving(self) -> bool:
        """Meant to run and still on its way."""
        return self.desired in ("running", "ready") and self.state in _MOVING and not self.stuck

    @classmethod
    def of(cls, task: Mapping[str, Any]) -> Task:
        """Read a task from ``/tasks`` or ``docker inspect --type task``."""
        status = part(task, "Status")
        return cls(
            id=text_of(task, "ID"),
            service_id=text_of(task, "ServiceID"),
            slot=int(task.get("Slot") or 0),
            node_id=text_of(task, "NodeID"),
            state=text_of(status, "State"),
            desired=text_of(task, "DesiredState"),
            image=text_of(part(part(task, "Spec"), "ContainerSpec"), "Image"),
            container_id=text_of(part(status, "ContainerStatus"), "ContainerID"),
            error=text_of(status, "Err"),
            created=moment(task, "CreatedAt"),
            updated=moment(task, "UpdatedAt"),
            since=moment(status, "Timestamp"),
            exit_code=int(part(status, "ContainerStatus").get("ExitCode") or 0),
            addresses=tuple(
                IPv4Interface(address).ip
                for attached in task.get("NetworksAttachments") or ()
                for address in attached.get("Addresses") or ()
                if "." in address
            ),
            spec=hashlib.sha256(json.dumps(part(task, "Spec"), sort_keys=True).encode()).hexdigest()[:16],
            files=_files(part(part(task, "Spec"), "ContainerSpec")),
            health=_health(part(part(task, "Spec"), "ContainerSpec")),
        )


def run_of(running: int, desired: int) -> str:
    """Say how many tasks run: ``2 of 3 run``; ``3 of 3 run, 1 more`` where more do than are wanted."""
    more = f", {running - desired} more" if running > desired else ""
    return f"{min(running, desired)} of {desired} run{more}"


@dataclass(frozen=True)
class PublishedPort:
    """A published port.

    :param mode: ``ingress`` (every node, through the routing mesh) or ``host``.
    """

    published: int
    target: int
    protocol: str
    mode: str


@dataclass(frozen=True)
class Update:
    """How a service is updated; the values are those of a service for which nothing else was said.

    :param parallelism: tasks updated at the same time; 0 for all at once.
    :param delay: seconds between one batch and the next.
    :param order: ``stop-first`` or ``start-first``.
    :param failure_action: ``pause``, ``continue`` or ``rollback``.
    :param monitor: seconds after each task in which its end counts as a failure of the update.
    """

    parallelism: int = 1
    delay: float = 0.0
    order: str = "stop-first"
    failure_action: str = "pause"
    monitor: float = 5.0

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Update:
        """Read the settings from ``UpdateConfig``; the defaults if it is empty."""
        if not config:
            return cls()
        return cls(
            parallelism=int(config.get("Parallelism") or 0),
            delay=int(config.get("Delay") or 0) / 1e9,
            order=text_of(config, "Order") or "stop-first",
            failure_action=text_of(config, "FailureAction") or "pause",
            monitor=int(config.get("Monitor") or 5_000_000_000) / 1e9,
        )


@dataclass(frozen=True)
class Service:
    """A service and every task of it that the swarm remembers, oldest first.

    :param mode: ``replicated``, ``global``, or a job's mode.
    :param replicas: how many are wanted; ``None`` unless replicated.
    :param constraints: as they were written: ``node.role==worker``.
    :param update_state: of the last update or rollback: ``completed``, ``paused`` …, empty before the first.
    :param args: what stands after the image in the command that made it.
    :param entrypoint: what its containers run in place of the image's entrypoint (``--entrypoint``).
    :param networks: ids of the networks it is on.
    :param virtual_ips: its addresses there, with ``endpoint_mode`` ``vip``.
    :param reserved: memory in bytes, and processors, that each task reserves.
    :param health: command of its health check, empty where the image's own is used.
    :param secrets: names of those its tasks are given; ``configs`` likewise.
    :param replicas_before: how many were wanted before the service was last changed, in whatever; ``None`` where it
        never was.
    :param ports_asked: the published ports as they were asked for: 0 for one that the swarm was to choose.
    :param labels: of the service itself; a stack's name is one of them.
    :param files: of its secrets and configs, name of the file in the container -> which it is:
        ``/run/secrets/site-users`` -> ``site-users-2``.
    :param created: when it was made, by the managers' clock.
    """

    id: str
    name: str
    mode: str
    replicas: int | None
    image: str
    constraints: tuple[str, ...]
    ports: tuple[PublishedPort, ...]
    update_state: str
    update_message: str
    tasks: tuple[Task, ...] = ()
    args: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    update: Update = Update()
    endpoint_mode: str = "vip"
    networks: tuple[str, ...] = ()
    virtual_ips: tuple[IPv4Address, ...] = ()
    reserved: tuple[int, float] = (0, 0.0)
    health: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    configs: tuple[str, ...] = ()
    replicas_before: int | None = None
    ports_asked: tuple[int, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    created: datetime | None = None

    @property
    def plain_image(self) -> str:
        """The image as it was written, without the digest that the swarm has added."""
        return self.image.partition("@")[0]

    @property
    def stack(self) -> str:
        """Name of the stack it was deployed with, empty where it was made by itself (docker/cli ``cli/compose``)."""
        return self.labels.get("com.docker.stack.namespace", "")

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
    def of(cls, service: Mapping[str, Any], tasks: Sequence[Task] = ()) -> Service:
        """Read a service from ``/services/NAME`` or ``docker service inspect``."""
        spec = part(service, "Spec")
        template = part(spec, "TaskTemplate")
        container = part(template, "ContainerSpec")
        reserved = part(part(template, "Resources"), "Reservations")
        mode = part(spec, "Mode")
        kind = next(iter(mode), "")
        update = part(service, "UpdateStatus")
        ports = part(service, "Endpoint").get("Ports") or part(spec, "EndpointSpec").get("Ports") or []
        return cls(
            id=text_of(service, "ID"),
            name=text_of(spec, "Name"),
            mode=kind[:1].lower() + kind[1:],
            replicas=int(part(mode, "Replicated").get("Replicas") or 0) if kind == "Replicated" else None,
            image=text_of(container, "Image"),
            constraints=tuple(map(str, part(template, "Placement").get("Constraints") or ())),
            ports=tuple(
                PublishedPort(
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
            args=tuple(map(str, container.get("Args") or ())),
            entrypoint=tuple(map(str, container.get("Command") or ())),
            update=Update.of(part(spec, "UpdateConfig")),
            endpoint_mode=text_of(part(spec, "EndpointSpec"), "Mode") or "vip",
            networks=tuple(
                text_of(network, "Target") for network in template.get("Networks") or spec.get("Networks") or ()
            ),
            virtual_ips=tuple(
                IPv4Interface(address["Addr"]).ip
                for address in part(service, "Endpoint").get("VirtualIPs") or ()
                if "." in text_of(address, "Addr")
            ),
            reserved=(int(reserved.get("MemoryBytes") or 0), int(reserved.get("NanoCPUs") or 0) / 1e9),
            health=_health(container),
            secrets=tuple(text_of(secret, "SecretName") for secret in container.get("Secrets") or ()),
            configs=tuple(text_of(config, "ConfigName") for config in container.get("Configs") or ()),
            replicas_before=part(part(part(service, "PreviousSpec"), "Mode"), "Replicated").get("Replicas"),
            ports_asked=tuple(
                int(port.get("PublishedPort") or 0) for port in part(spec, "EndpointSpec").get("Ports") or ()
            ),
            labels={str(key): str(value) for key, value in part(spec, "Labels").items()},
            files=_files(container),
            created=moment(service, "CreatedAt"),
        )


def _health(container: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(map(str, part(container, "Healthcheck").get("Test") or ()))


def _files(container: Mapping[str, Any]) -> Mapping[str, str]:
    """Read the files from a ``ContainerSpec``. A name that is no path is in /run/secrets, for a config in /."""
    files: dict[str, str] = {}
    for kind, folder in (("Secret", "/run/secrets/"), ("Config", "/")):
        for reference in container.get(f"{kind}s") or ():
            file = text_of(part(reference, "File"), "Name")
            files[file if file.startswith("/") else f"{folder}{file}"] = text_of(reference, f"{kind}Name")
    return files
