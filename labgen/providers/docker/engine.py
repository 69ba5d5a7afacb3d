"""The Docker engine of this computer: asked here, judged in :mod:`labgen.providers.docker.doctor`.

Each question is put once for an examination: `docker version` (what answers, and its API) and `docker info`
(how it was set up), both as JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from typing import Any
from urllib.parse import urlsplit

from labgen.core.i18n import Text, _
from labgen.core.process import Result
from labgen.host.computer import NOT_INSTALLED, Host
from labgen.host.daemon_status import DaemonStatus, startable
from labgen.host.downloads import DOCKER_HUB
from labgen.host.findings import Version

OLDEST: Version = (20, 10)
OLDEST_API: Version = (1, 41)
"""The oldest engine that gives a container a cgroup namespace of its own (``--cgroupns private``), and its API
(Docker Engine API, version history, v1.41)."""
DEFAULT_SOCKET = "unix:///var/run/docker.sock"
_JSON = ("--format", "{{json .}}")
_ENGINE_WITHIN = 20.0
"""Deadline in seconds: an engine that has gone to sleep (Docker Desktop's resource saver) wakes up first."""
_ENGINE_NETWORKS = frozenset({"bridge", "docker_gwbridge", "host", "ingress", "none", "podman"})
"""Networks that an engine makes for itself and needs."""
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}

# What clients from 19.03 to 29 say where nothing listens, on Linux, macOS and Windows.
_SILENT = (
    "is the docker daemon running",
    "if the daemon is running",
    "no such file or directory",
    "connection refused",
    "cannot find the file",
)
_DENIED = ("permission denied", "access is denied", "액세스가 거부")
_PIPE = "open //./pipe/"
"""What clients on Windows say before the reason in Windows' own language: the engine's pipe cannot be opened."""


@dataclass(frozen=True)
class Engine:
    """What an engine says of itself.

    :param api: newest version of its API: ``(1, 41)``.
    :param kind: ``Docker`` or ``Podman``.
    :param os: what its containers run: ``linux`` or ``windows``.
    :param system: the system it runs on, as people call it: "Docker Desktop", "Debian GNU/Linux 12 (bookworm)".
    :param kernel: release of the kernel under its containers.
    :param arch: as boxes name it; empty where it does not tell.
    :param memory: MiB that its containers can have together; 0 where it does not tell.
    :param cpus: processors that its containers can have; 0 where it does not tell.
    :param security: names of its security options: ``seccomp``, ``rootless``, ``userns``.
    :param cpu_quota: whether it can limit a container's processors.
    :param cgroups: version of the kernel's control groups, ``1`` or ``2``; empty where it does not tell.
    :param root: where it keeps its data.
    """

    version: str
    api: Version
    kind: str = "Docker"
    os: str = "linux"
    system: str = ""
    kernel: str = ""
    arch: str = ""
    memory: int = 0
    cpus: int = 0
    security: frozenset[str] = frozenset()
    cpu_quota: bool = True
    cgroups: str = ""
    root: str = ""

    @property
    def desktop(self) -> bool:
        """Whether it is Docker Desktop's, in a virtual machine of its own."""
        return "Docker Desktop" in self.system


@dataclass(frozen=True)
class EngineNetwork:
    """A network of the engine."""

    name: str
    subnets: tuple[IPv4Network, ...]
    labels: Mapping[str, str] = field(default_factory=dict)

    def overlapping(self, subnet: IPv4Network) -> IPv4Network | None:
        """Give the subnet of this network that overlaps another, ``None`` if there is none."""
        return next((own for own in self.subnets if own.overlaps(subnet)), None)

    def advice(self, otherwise: Text) -> Text:
        """Advise to remove this network, or else something else; that alone, if the engine cannot do without it.

        :param otherwise: the other advice, a whole sentence.
        """
        if self.name in _ENGINE_NETWORKS:
            return otherwise
        return _(
            "If nothing needs it, remove it, then try again:\n%(removal)s\nElse: %(otherwise)s",
            removal=self._removal(),
            otherwise=otherwise,
        )

    def _removal(self) -> str:
        """Give the commands that remove the network, with the containers of the lab that it is of."""
        remove = f"docker network rm {self.name}"
        folder = self.labels.get("labgen.folder", "")
        if not re.fullmatch(r"[0-9a-f]{12}", folder):
            return remove
        nodes = f"docker ps --all --quiet --filter label=labgen.folder={folder}"
        return f"docker rm --force --volumes $({nodes})\n{remove}"


def parse_networks(inspected: str) -> list[EngineNetwork]:
    """Read what ``docker network inspect`` prints.

    :raises ValueError: it cannot be read.
    """
    try:
        return [_network(entry) for entry in json.loads(inspected)]
    except (KeyError, TypeError, AttributeError) as why:
        raise ValueError(str(why)) from None


def _network(entry: Mapping[str, Any]) -> EngineNetwork:
    subnets = [config.get("Subnet") or "" for config in (entry.get("IPAM") or {}).get("Config") or []]
    ipv4 = tuple(IPv4Network(subnet, strict=False) for subnet in subnets if subnet and ":" not in subnet)
    return EngineNetwork(entry["Name"], ipv4, entry.get("Labels") or {})


def client_is_podman(host: Host) -> bool:
    """Tell whether the program `docker` is Podman's, by another name (package podman-docker)."""
    return "podman" in host.run("docker", "--version").out.lower()


def engine(host: Host) -> Engine | None:
    """Ask the engine that answers here, or give ``None``."""
    if host.which("docker") is None:
        return None
    server = _object(_ask(host, "version").out).get("Server")
    if not isinstance(server, dict) or not server.get("Version"):
        return None
    info = _object(_ask(host, "info").out)
    components = [part.get("Name", "") for part in server.get("Components") or [] if isinstance(part, dict)]
    platform = (server.get("Platform") or {}).get("Name", "")
    arch = info.get("Architecture") or server.get("Arch", "")
    return Engine(
        version=server["Version"],
        api=_dotted(server.get("ApiVersion", "")),
        # Podman's own component says so beside the one that is there for Docker's client
        # (containers/podman#11227).
        kind="Podman" if any("podman" in name.lower() for name in components) else "Docker",
        os=info.get("OSType") or server.get("Os", "linux"),
        system="Docker Desktop" if "Docker Desktop" in platform else info.get("OperatingSystem", ""),
        kernel=info.get("KernelVersion") or server.get("KernelVersion", ""),
        arch=_ARCHITECTURES.get(arch, arch),
        memory=int(info.get("MemTotal") or 0) // 2**20,
        cpus=int(info.get("NCPU") or 0),
        # "name=seccomp,profile=default"
        security=frozenset(
            part.partition(",")[0].removeprefix("name=") for part in info.get("SecurityOptions") or [] if part
        ),
        cpu_quota=bool(info.get("CpuCfsQuota", True) and info.get("CpuCfsPeriod", True)),
        cgroups=str(info.get("CgroupVersion") or ""),
        root=info.get("DockerRootDir", ""),
    )


def endpoint(host: Host) -> str:
    """Find where the client looks for its engine (DOCKER_HOST, or the context in use); empty if it does not tell."""
    result = host.run("docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}")
    return result.out.strip() if result.ok else ""


def elsewhere(address: str) -> str | None:
    """Name the other computer that an endpoint leads to, ``None`` if it is this one.

    >>> elsewhere("ssh://me@server")
    'server'
    >>> elsewhere("tcp://127.0.0.1:2375")
    """
    parts = urlsplit(address)
    if parts.scheme not in ("tcp", "ssh", "http", "https"):
        return None
    name = parts.hostname or ""
    return None if name in ("localhost", "::1") or name.startswith("127.") else name or address


def other_computer(host: Host) -> str | None:
    """Name the other computer that the engine in use is on, ``None`` if it is this one."""
    return elsewhere(endpoint(host))


def daemon(host: Host) -> DaemonStatus:
    """Tell how a Docker engine can be had here."""
    if host.which("docker") is None:
        return DaemonStatus("none")
    if engine(host) is not None:
        return DaemonStatus("system")
    answer = _ask(host, "version")
    low = answer.err.lower()
    if any(mark in low for mark in _DENIED):
        return DaemonStatus("denied", answer.err)
    if not any(mark in low for mark in (*_SILENT, _PIPE)) or answer.status == NOT_INSTALLED:
        return DaemonStatus("unknown", answer.err)
    # An engine that was asked for by name is not to be replaced by another.
    if host.system() != "Linux" or endpoint(host) not in ("", DEFAULT_SOCKET):
        return DaemonStatus("none", answer.err)
    return startable(host, "dockerd", answer.err)


def has_image(host: Host, image: str) -> bool:
    """Tell whether the engine that answers here has an image."""
    result = host.run("docker", "images", "--quiet", image, timeout=_ENGINE_WITHIN)
    return result.ok and bool(result.out.strip())


def builds_from_hub(host: Host) -> bool:
    """Tell whether the image of the nodes can be built by the engine that answers here, on an image of Docker Hub."""
    return daemon(host).state == "system" and host.reaches(*DOCKER_HUB)


def networks(host: Host) -> list[EngineNetwork] | None:
    """List the networks of the engine that answers here, ``None`` if it does not tell."""
    listed = host.run("docker", "network", "ls", "--quiet", "--no-trunc", timeout=_ENGINE_WITHIN)
    if not listed.ok:
        return None
    ids = listed.out.split()
    result = host.run("docker", "network", "inspect", *ids, timeout=_ENGINE_WITHIN) if ids else None
    try:
        return parse_networks(result.out) if result else []
    except ValueError:
        return None


def _ask(host: Host, what: str) -> Result:
    return host.run("docker", what, *_JSON, timeout=_ENGINE_WITHIN)


def _object(text: str) -> dict[str, Any]:
    """Find the JSON object among the lines of ``text``; there may be a warning before it."""
    for line in text.splitlines():
        if line.startswith("{"):
            try:
                value = json.loads(line)
            except ValueError:
                continue
            if isinstance(value, dict):
                return value
    return {}


def _dotted(text: str) -> Version:
    return tuple(int(part) for part in text.split(".") if part.isdecimal())
