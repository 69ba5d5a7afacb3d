"""A Docker engine of a few lines, asked as the `docker` command is; fails on what it does not know."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labgen.core.process import Result


@dataclass
class FakeContainer:
    """A container.

    :ivar options: those of `docker create`, in order.
    """

    id: str
    name: str
    options: list[tuple[str, str]]
    image: str
    state: str = "created"
    networks: dict[str, str] = field(default_factory=dict)

    def values(self, option: str) -> list[str]:
        """Give what an option was given."""
        return [value for name, value in self.options if name == option]

    @property
    def labels(self) -> dict[str, str]:
        """Its labels."""
        return dict(label.split("=", 1) for label in self.values("--label"))


class FakeEngine:
    """Holds containers and networks.

    :ivar commands: every command that changed something, in order.
    :ivar taken: ports of this computer that other programs have.
    :ivar env: what the runner adds to the environment.
    :ivar address: of the engine, as the context in use has it.
    :ivar images: those it has.
    :ivar units: what `systemctl is-active ssh docker` says on a node, by its name.
    """

    def __init__(self) -> None:
        self.containers: dict[str, FakeContainer] = {}
        self.networks: dict[str, dict[str, Any]] = {}
        self.commands: list[str] = []
        self.taken: set[int] = set()
        self.env: dict[str, str] = {}
        self.address = "unix:///var/run/docker.sock"
        self.images = {"labgen/node:0123"}
        self.units: dict[str, str] = {}
        self._ids = (f"{number:064x}" for number in itertools.count(1))
        self.add_network("bridge", "172.17.0.0/16")

    def add_network(self, name: str, subnet: str, **labels: str) -> None:
        """Create a network by other means."""
        named = {key.replace("_", "."): value for key, value in labels.items()}
        self.networks[next(self._ids)] = {"Name": name, "IPAM": {"Config": [{"Subnet": subnet}]}, "Labels": named}

    def add_container(self, name: str, state: str = "running", **labels: str) -> FakeContainer:
        """Create a container by other means: Vagrant's, or somebody's."""
        named = [("--label", f"{key.replace('_', '.')}={value}") for key, value in labels.items()]
        container = FakeContainer(next(self._ids), name, [*named, ("--publish", "127.0.0.1:2222:22")], "x", state)
        self.containers[container.id] = container
        return container

    def by_name(self, name: str) -> FakeContainer:
        """Find a container."""
        return next(container for container in self.containers.values() if container.name == name)

    # --- The runner's part

    def run(self, argv: Sequence[str | Path], **_: Any) -> Result:
        """Answer as `docker` does."""
        words = [str(word) for word in argv]
        assert words[0] == "docker"
        verb = words[1] if words[1] not in ("network", "volume") else f"{words[1]} {words[2]}"
        rest = words[1 + len(verb.split()) :]
        acts: dict[str, Callable[[list[str]], str]] = {
            "ps": self._ps,
            "create": self._create,
            "start": lambda ids: self._each(ids, self._start),
            "stop": lambda ids: self._each(ids[2:], lambda container: self._end(container, "stop --time 30")),
            "kill": lambda ids: self._each(ids, lambda container: self._end(container, "kill")),
            "rm": self._rm,
            "exec": self._exec,
            "context": lambda _words: self.address + "\n",
            "logs": lambda _words: "systemd says why",
            "inspect": self._inspect,
            "network ls": self._network_ls,
            "network inspect": lambda ids: json.dumps([self.networks[identity] for identity in ids]),
            "network create": self._network_create,
            "network connect": self._network_connect,
            "network rm": self._network_rm,
        }
        try:
            return Result(tuple(words), 0, acts[verb](rest), "")
        except Refused as why:
            return Result(tuple(words), 1, "", f"Error response from daemon: {why}\n")

    def _each(self, ids: Sequence[str], act: Callable[[FakeContainer], None]) -> str:
        for identity in ids:
            act(self.containers[identity])
        return ""

    def _ps(self, words: list[str]) -> str:
        assert words[:3] == ["--all", "--no-trunc", "--format"]
        rows = [
            [
                container.id,
                container.name,
                container.state,
                *(container.labels.get(f"labgen.{key}", "") for key in ("folder", "lab", "node")),
            ]
            for container in self.containers.values()
        ]
        return "".join("\t".join(row) + "\n" for row in rows)

    def _create(self, words: list[str]) -> str:
        pairs = list(zip(words[0:-1:2], words[1:-1:2], strict=True))
        name = dict(pairs)["--name"]
        if words[-1] not in self.images:
            raise Refused(f"No such image: {words[-1]}")
        if any(container.name == name for container in self.containers.values()):
            raise Refused(f'Conflict. The container name "/{name}" is already in use')
        container = FakeContainer(next(self._ids), name, pairs, words[-1])
        container.networks[dict(pairs)["--network"]] = ""
        self.containers[container.id] = container
        self.commands.append(f"create {name}")
        return container.id + "\n"

    def _start(self, container: FakeContainer) -> None:
        for publish in container.values("--publish"):
            _, host, _ = publish.split(":")
            if host.isdigit() and int(host) in self.taken:
                raise Refused(
                    f"driver failed programming external connectivity on endpoint {container.name}: "
                    f"Bind for 127.0.0.1:{host} failed: port is already allocated"
                )
        container.state = "running"
        self.commands.append(f"start {container.name}")

    def _end(self, container: FakeContainer, how: str) -> None:
        container.state = "exited"
        self.commands.append(f"{how} {container.name}")

    def _rm(self, words: list[str]) -> str:
        assert words[:2] == ["--force", "--volumes"]
        for identity in words[2:]:
            self.commands.append(f"rm {self.containers.pop(identity).name}")
        return ""

    def _exec(self, words: list[str]) -> str:
        container = self.containers[words[0]]
        if container.state != "running":
            raise Refused(f"container {container.id} is not running")
        if words[1] == "journalctl":
            return "the unit's journal"
        return self.units.get(container.name, "active\nactive\n")

    def _inspect(self, words: list[str]) -> str:
        assert words[:2] == ["--format", "{{.Id}}\t{{json .NetworkSettings.Ports}}"]
        lines = []
        for number, identity in enumerate(words[2:]):
            ports: dict[str, list[dict[str, str]]] = {}
            for publish in self.containers[identity].values("--publish"):
                _, host, guest = publish.split(":")
                free = host if host.isdigit() else str((2222 if guest == "22" else 32768) + number)
                ports.setdefault(f"{guest}/tcp", []).append({"HostIp": "127.0.0.1", "HostPort": free})
            lines.append(f"{identity}\t{json.dumps(ports)}\n")
        return "".join(lines)

    def _network_ls(self, words: list[str]) -> str:
        label = next((word.removeprefix("label=labgen.folder=") for word in words if word.startswith("label=")), None)
        return "".join(
            f"{identity}\n"
            for identity, network in self.networks.items()
            if label is None or network["Labels"].get("labgen.folder") == label
        )

    def _network_create(self, words: list[str]) -> str:
        options = list(zip(words[0:-1:2], words[1:-1:2], strict=True))
        labels = dict(value.split("=", 1) for name, value in options if name == "--label")
        config = {"Subnet": dict(options)["--subnet"]}
        self.networks[next(self._ids)] = {"Name": words[-1], "IPAM": {"Config": [config]}, "Labels": labels}
        self.commands.append(f"network create {words[-1]}")
        return ""

    def _network_connect(self, words: list[str]) -> str:
        flag, address, network, identity = words
        assert flag == "--ip"
        assert any(entry["Name"] == network for entry in self.networks.values())
        self.containers[identity].networks[network] = address
        return ""

    def _network_rm(self, words: list[str]) -> str:
        for identity in words:
            self.commands.append(f"network rm {self.networks.pop(identity)['Name']}")
        return ""


class Refused(Exception):
    """What the engine says when it does not do something."""
