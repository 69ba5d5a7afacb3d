"""A node as a container: found again by its labels, and the options it is created with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from labgen.model.lab import ForwardedPort, Lab, Node
from labgen.providers.docker.client import Client
from labgen.providers.docker.lab_networks import adapter1, label_options

SSH_PORTS = "2222-3221"
"""Ports of this computer of which Docker gives each node a free one for SSH."""

_FORMAT = (
    '{{.ID}}\t{{.Names}}\t{{.State}}\t{{.Label "labgen.folder"}}\t{{.Label "labgen.lab"}}\t{{.Label "labgen.node"}}'
)


@dataclass(frozen=True)
class Container:
    """A container of the engine.

    :param state: in Docker's words: ``created``, ``running``, ``exited`` and others.
    :param folder: the mark of the lab folder that it was made for; empty if it is of no lab.
    :param node: the node that it is; empty if it is none.
    """

    id: str
    name: str
    state: str
    folder: str
    node: str

    @property
    def running(self) -> bool:
        """It runs."""
        return self.state == "running"


def containers(client: Client) -> Iterator[Container]:
    """List all containers of the engine, running or not."""
    for identity, names, state, folder, slug, node in client.rows("ps", "--all", "--no-trunc", "--format", _FORMAT):
        # Links of older engines give a container more names, with a slash in them.
        name = next(name for name in names.split(",") if "/" not in name)
        # Containers that Vagrant made bear the lab's name, and no node's.
        yield Container(identity, name, state, folder, node or name.removeprefix(f"{slug}-"))


def name_of(lab: Lab, node: Node) -> str:
    """Name the container of a node."""
    return f"{lab.slug}-{node.name}"


def create_options(
    lab: Lab, node: Node, *, labels: Mapping[str, str], public_key: str, moved: Sequence[ForwardedPort] = ()
) -> list[str]:
    """Give the options of ``docker create`` for a node.

    :param labels: what everything of this lab bears.
    :param public_key: the lab's, as a line of ``authorized_keys``.
    :param moved: ports for which Docker chooses another port of this computer, because theirs are taken.
    """
    return [
        *("--name", name_of(lab, node), "--hostname", node.name),
        *label_options({**labels, "labgen.node": node.name}),
        *("--env", f"LABGEN_AUTHORIZED_KEY={public_key}"),
        *("--network", adapter1(lab)),
        *("--publish", f"127.0.0.1:{SSH_PORTS}:22"),
        *(word for port in lab.ports if port.node == node.name for word in ("--publish", _publish(port, moved))),
        *("--memory", f"{node.memory}m", "--cpus", str(node.cpus)),
        # systemd asks for this signal to shut down, and for a /run that is empty at the start. It takes its time to
        # stop what runs in the node.
        *("--stop-signal", "SIGRTMIN+3", "--stop-timeout", str(STOP_WITHIN), "--tmpfs", "/run"),
        # What an engine inside cannot do without: mounts and namespaces of its own (SYS_ADMIN), bridges and firewall
        # rules (NET_ADMIN), its own view of /proc/sys. No devices of this computer, and a cgroup tree of its own. The
        # profiles are made for containers that do none of this.
        *("--cap-add", "SYS_ADMIN", "--cap-add", "NET_ADMIN", "--cgroupns", "private"),
        *(word for option in _UNCONFINED for word in ("--security-opt", option)),
    ]


STOP_WITHIN = 30
"""Seconds that a node has to shut down."""

_UNCONFINED = ("systempaths=unconfined", "seccomp=unconfined", "apparmor=unconfined", "label=disable")


def _publish(port: ForwardedPort, moved: Sequence[ForwardedPort]) -> str:
    host = "" if port in moved else str(port.host)
    return f"127.0.0.1:{host}:{port.guest}"
