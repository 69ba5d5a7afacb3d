"""Containers as the machines of a lab, created, started, stopped and removed by the `docker` command.

It knows contexts, ``DOCKER_HOST``, Docker Desktop and its credentials as the user has them. Whatever is made bears the
mark of the lab's folder, and only what bears it is touched: so what an interrupted run has left is found again, and so
are containers that Vagrant made for an earlier version of labgen.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TypeVar

from labgen.core.errors import MachineError
from labgen.core.i18n import NOTHING, Text, _, sentences, untranslated
from labgen.core.polling import NotYet, wait_until
from labgen.core.process import Runner
from labgen.model.lab import ForwardedPort, Lab, Node
from labgen.model.lab_folder import LabFolder
from labgen.providers.base import Machine
from labgen.providers.docker import endpoint, lab_networks
from labgen.providers.docker.client import Client, taken_port, way_out
from labgen.providers.docker.container import STOP_WITHIN, Container, containers, create_options, name_of
from labgen.providers.docker.lab_key import LabKey
from labgen.providers.machine_data import MachineData

T = TypeVar("T")

_SIDE_BY_SIDE = 8
"""Nodes that are created and asked at the same time; more are no quicker on any engine that was measured."""

_STOP_ALL_WITHIN = 900.0

_READY = ["active", "active"]
_ASK = """\
for _ in 1 2 3 4 5 6 7 8; do
    states=$(systemctl is-active ssh docker 2>&1)
    [ "$states" != "active
active" ] || break
    sleep 0.1
done
echo "$states"
"""
"""Asks a node whether its SSH server and its engine answer, for a second: `docker exec` costs more than asking."""

Say = Callable[[str], None]


class DockerDriver:
    """The containers of a lab folder.

    :param lab: the nodes, whether they exist or not.
    :param runner: starts `docker` where it speaks to the engine that the nodes are on.
    :param image: gives the name of the node image.
    """

    def __init__(self, folder: LabFolder, lab: Lab, runner: Runner, image: Callable[[], str]) -> None:
        self._folder, self._lab, self._image = folder, lab, image
        self._client = Client(runner)
        self._key = LabKey(folder.vagrant_data / "labgen-key")

    def up(self, provider: str, *, within: float, on_line: Say, machines: int = 1) -> None:
        """Create containers that do not exist, start those that do not run, and wait until all answer.

        :raises MachineError: a name, an address or a port is taken, or a node does not come up.
        """
        del provider, machines
        self._start(self._lab.nodes, within, on_line)

    def halt(self, names: Iterable[str] = (), *, on_line: Say, force: bool = False) -> None:
        """Shut nodes down; with ``force``, at once."""
        del on_line
        ids = [container.id for container in self._ours(names) if container.running]
        if ids:
            stop = ("kill",) if force else ("stop", "--time", str(STOP_WITHIN))
            self._client.run(*stop, *ids, timeout=_STOP_ALL_WITHIN)

    def reload(self, name: str, *, within: float, on_line: Say) -> None:
        """Restart a node."""
        self.halt([name], on_line=on_line)
        self._start([self._lab.node(name)], within, on_line)

    def destroy(self, names: Iterable[str] = (), *, on_line: Say, parallel: bool = False) -> None:
        """Remove containers with their volumes; with the last one the lab's networks and its key."""
        del on_line, parallel
        few = frozenset(names)
        everything = list(self._ours())
        going = [container for container in everything if not few or container.node in few]
        if going:
            ids = [container.id for container in going]
            self._client.run("rm", "--force", "--volumes", *ids, timeout=_STOP_ALL_WITHIN)
        # Those that somebody removed by hand among them.
        for name in few or {node.name for node in self._lab.nodes} | {container.node for container in going}:
            self._data(name).remove()
        mark = self._folder.mark()
        if mark is None or len(going) < len(everything):
            return
        networks = self._client.rows("network", "ls", "--filter", f"label=labgen.folder={mark}", "--format", "{{.ID}}")
        if network_ids := [row[0] for row in networks]:
            self._client.run("network", "rm", *network_ids)
        self._key.remove()
        endpoint.forget(self._folder)

    def status(self) -> Mapping[str, Machine]:
        """Give the state of every node: ``not_created``, ``running``, ``stopped``, or Docker's own word."""
        states = {node.name: "not_created" for node in self._lab.nodes}
        for container in self._ours():
            states[container.node] = {"exited": "stopped", "created": "stopped"}.get(container.state, container.state)
        return {name: Machine(name, state, "docker") for name, state in states.items()}

    def ssh_config(self) -> str:
        """Say how every node that runs is reached, as OpenSSH configuration."""
        running = {container.node: container.id for container in self._ours() if container.running}
        return "\n".join(self._host(name, ports) for name, ports in self._ports(running).items())

    # --- Starting

    def _start(self, nodes: Sequence[Node], within: float, on_line: Say) -> None:
        existing = {container.node: container for container in self._usable(on_line)}
        missing = [node for node in nodes if node.name not in existing]
        if missing:
            self._create_all(missing, on_line)
        stopped = [node for node in nodes if node.name in existing and not existing[node.name].running]
        # Managers first: an engine that finds no manager when it starts tries again after a minute only.
        managers = [node for node in stopped if node.role == "manager"]
        workers = [node for node in stopped if node.role == "worker"]
        _side_by_side(lambda node: self._client.run("start", existing[node.name].id), managers)
        if workers:
            self._await({node.name: existing[node.name].id for node in managers}, within, on_line)
        _side_by_side(lambda node: self._client.run("start", existing[node.name].id), workers)
        names = frozenset(node.name for node in nodes)
        running = {container.node: container.id for container in self._ours(names)}
        up = {node.name for node in managers} if workers else set()
        self._await({name: identity for name, identity in running.items() if name not in up}, within, on_line)
        for name, ports in self._ports(running).items():
            self._data(name).write_id(running[name])
            # Ports of another computer are no ports of this one.
            here = [(host, guest) for host, guest in ports if guest == 22 or not self._jump()]
            self._data(name).write_connection(self._host(name, ports), here)

    def _usable(self, on_line: Say) -> list[Container]:
        """Give the lab's containers; those that were never started are removed: they may lack a network.

        :raises MachineError: another container has the name of a node.
        """
        everything = list(containers(self._client))
        mark = self._folder.draw_mark()
        names = {name_of(self._lab, node) for node in self._lab.nodes}
        for container in everything:
            if container.name in names and container.folder != mark:
                raise MachineError(
                    _(
                        "Docker already has a container named %(container)s, and it is not this lab's.",
                        container=container.name,
                    ),
                    _(
                        "If nothing else needs it, remove it, then try again:\n"
                        "docker rm --force --volumes %(container)s\n"
                        "Otherwise give this lab another name (name: in lab.yml).",
                        container=container.name,
                    ),
                )
        ours = [container for container in everything if container.folder == mark]
        unfinished = [container.id for container in ours if container.state == "created"]
        if unfinished:
            on_line("removing containers that an interrupted run has left")
            self._client.run("rm", "--force", "--volumes", *unfinished)
        return [container for container in ours if container.state != "created"]

    def _create_all(self, nodes: Sequence[Node], on_line: Say) -> None:
        image = self._image()
        endpoint.record(self._folder, self._client.runner)
        labels = {"labgen.lab": self._lab.slug, "labgen.folder": self._folder.draw_mark()}
        public_key = self._key.public()
        lab_networks.ensure(self._client, self._lab, labels)

        def create(node: Node) -> None:
            on_line(f"{node.name}: creating its container")
            moved: list[ForwardedPort] = []
            while port := self._create(node, image, labels, public_key, moved):
                moved.append(port)

        _side_by_side(create, nodes)

    def _create(
        self, node: Node, image: str, labels: Mapping[str, str], public_key: str, moved: Sequence[ForwardedPort]
    ) -> ForwardedPort | None:
        """Create and start the container of a node.

        :param moved: ports that are taken on this computer.
        :return: another such port; the container is then removed again.
        """
        options = create_options(self._lab, node, labels=labels, public_key=public_key, moved=moved)
        identity = self._client.run("create", "--pull", "never", *options, image).strip()
        self._data(node.name).write_id(identity)
        address = ("--ip", str(node.address))
        self._client.run("network", "connect", *address, lab_networks.lab_network(self._lab), identity)
        try:
            self._client.run("start", identity)
        except MachineError as why:
            number = taken_port(why.message)
            ports = [port for port in self._lab.ports if port.node == node.name and port not in moved]
            taken = next((port for port in ports if port.host == number), None)
            if taken is None:
                raise
            self._client.run("rm", "--force", "--volumes", identity)
            return taken
        return None

    def _await(self, running: Mapping[str, str], within: float, on_line: Say) -> None:
        """Wait until the SSH server and the engine of every node answer.

        :param running: by node, the id of its container.
        """
        waiting = dict(running)

        def look() -> None:
            states = _side_by_side(self._ready, [*waiting.items()])
            for name, state in zip([*waiting], states, strict=True):
                if not state:
                    del waiting[name]
                    on_line(f"{name}: up")
            if waiting:
                state = next(filter(None, states))
                raise NotYet(f"{', '.join(waiting)}: {state}")

        wait_until("the nodes to boot", look, within=within, every=0.1, error=MachineError)

    def _ready(self, node: tuple[str, str]) -> Text:
        """Say what a node still lacks; empty if its SSH server and its engine answer.

        :raises MachineError: it cannot come up any more.
        """
        name, identity = node
        result = self._client.ask("exec", identity, "sh", "-c", _ASK)
        states = result.out.split()
        if result.ok and states == _READY:
            return NOTHING
        if "failed" in states:
            unit = "ssh" if states[0] == "failed" else "docker"
            log = self._client.ask("exec", identity, "journalctl", "--no-pager", "--lines", "8", "--unit", unit).out
            raise _not_up(name, _("its %(unit)s does not start", unit=unit), log)
        if "is not running" in result.err or "no such container" in result.err.lower():
            output = self._client.ask("logs", "--tail", "8", identity)
            raise _not_up(name, _("it ended as soon as it began"), output.out + output.err)
        return (
            _("ssh and docker are %(states)s", states=" and ".join(states))
            if result.ok and len(states) == 2
            else _("its systemd starts")
        )

    # --- What is known of them

    def _ours(self, names: Iterable[str] = ()) -> list[Container]:
        """Give the lab's containers, or those of some nodes."""
        few, mark = frozenset(names), self._folder.mark()
        ours = [container for container in containers(self._client) if container.folder == mark] if mark else []
        return [container for container in ours if not few or container.node in few]

    def _data(self, name: str) -> MachineData:
        return MachineData(self._folder.path, "docker", name)

    def _ports(self, running: Mapping[str, str]) -> Mapping[str, Sequence[tuple[int, int]]]:
        """Ask for the published ports of nodes: by node, pairs of this computer's port and the node's.

        :param running: by node, the id of its container.
        """
        if not running:
            return {}
        names = {identity: name for name, identity in running.items()}
        rows = self._client.rows("inspect", "--format", "{{.Id}}\t{{json .NetworkSettings.Ports}}", *names)
        return {names[identity]: _published(text) for identity, text in rows}

    def _jump(self) -> str:
        return endpoint.proxy_command(endpoint.recorded(self._folder))

    def _host(self, name: str, ports: Sequence[tuple[int, int]]) -> str:
        port = next((host for host, guest in ports if guest == 22), None)
        if port is None:
            raise MachineError(
                _("the SSH server of %(name)s is not published on this computer.", name=name),
                _("Make the node again: labgen down %(name)s, then labgen up.", name=name),
            )
        options = {
            "HostName": "127.0.0.1",
            "User": "vagrant",
            "Port": port,
            "UserKnownHostsFile": "/dev/null",
            "StrictHostKeyChecking": "no",
            "PasswordAuthentication": "no",
            "IdentityFile": f'"{self._key.path}"',
            "IdentitiesOnly": "yes",
            **({"ProxyCommand": jump} if (jump := self._jump()) else {}),
        }
        return "\n".join([f"Host {name}", *(f"  {option} {value}" for option, value in options.items())]) + "\n"


def _published(text: str) -> list[tuple[int, int]]:
    """Read the ports of a container, as ``docker inspect`` has them.

    >>> _published('{"22/tcp": [{"HostIp": "127.0.0.1", "HostPort": "2222"}], "53/udp": null}')
    [(2222, 22)]
    """
    ports = json.loads(text) or {}
    pairs = [(binding["HostPort"], guest) for guest, bindings in ports.items() for binding in bindings or ()]
    return [(int(host), int(guest.partition("/")[0])) for host, guest in pairs]


def _not_up(name: str, why: Text, log: str) -> MachineError:
    last = "\n".join(log.strip().splitlines()[-8:])
    hint = way_out(log) or _(
        "See what the node says, then make it again: labgen down %(name)s, then labgen up.", name=name
    )
    message = _("%(name)s does not come up: %(why)s.", name=name, why=why)
    return MachineError(sentences(message, untranslated(last), separator="\n"), hint)


N = TypeVar("N")


def _side_by_side(act: Callable[[N], T], items: Sequence[N]) -> list[T]:
    """Do something to several at the same time; at the first failure, or Ctrl-C, no more are begun.

    :raises Exception: the first that was raised.
    """
    if not items:
        return []
    pool = ThreadPoolExecutor(min(_SIDE_BY_SIDE, len(items)), thread_name_prefix="docker")
    try:
        futures = [pool.submit(act, item) for item in items]
        wait(futures, return_when=FIRST_EXCEPTION)
        for future in futures:
            if future.done() and not future.cancelled() and (error := future.exception()):
                raise error
        return [future.result() for future in futures]
    finally:
        pool.shutdown(cancel_futures=True)
