"""What a node is like, as it says itself: each fact with the command or file that it is read from."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from labgen.core.errors import NodeError
from labgen.docker.model import LocalSwarm
from labgen.observation.commands import INTERFACES, LISTENING_SOCKETS, CommandAnswer

NETPLAN_FILE = "/etc/netplan/60-labgen.yaml"
# Both sort before others of their folders: what a person has written there overrides them.
APT_PROXY_FILE = "/etc/apt/apt.conf.d/00labgen-proxy"
ENGINE_PROXY_FILE = "/etc/systemd/system/docker.service.d/00-labgen-proxy.conf"

HOSTS = "cat -- /etc/hosts"

PREFETCHED = (
    INTERFACES,
    LISTENING_SOCKETS,
    "test -d /run/systemd/system/",
    "systemctl is-active docker",
    # Last, because whoever is graded may have made of this file whatever does not end.
    HOSTS,
)
"""The commands of testinfra's modules that the exercises' checks ask with; a test fails where one is missing here."""


def _show(path: str) -> str:
    """Compose a command that prints a file without a process: on an emulated node each costs a tenth of a second."""
    return f"""while IFS= read -r line || [ -n "$line" ]; do printf '%s\\n' "$line"; done <{path}"""


NETPLAN = f"stat -c %a {NETPLAN_FILE} && {_show(NETPLAN_FILE)}"
OS_RELEASE = _show("/etc/os-release")
RESOLV_CONF = _show("/etc/resolv.conf")
DOCKERD = "command -v dockerd"
DAEMON = _show("/etc/docker/daemon.json")
LOGIN_USER = 'echo "${SUDO_USER:-root}"'
GROUPS = _show("/etc/group")
UFW = "command -v ufw >/dev/null && ufw status"
FIREWALLD = "command -v firewall-cmd >/dev/null && firewall-cmd --state 2>&1 && firewall-cmd --list-ports"
REGISTRY = (
    "[ -e /etc/docker/registry/config.yml ] && echo present && "
    "find /var/lib/docker-registry -name data -size -32k -exec grep -l io.labgen.stand-in {} +"
)
MIRROR = _show("/etc/docker/labgen-mirror")
APT_PROXY = _show(APT_PROXY_FILE)
ENGINE_PROXY = _show(ENGINE_PROXY_FILE)
CURL = "command -v curl"
# HTTP status (000 where no answer came), and how long finding the address took (0.000000 where it was not found).
HUB = shlex.join(["curl", "-s", "-o", "/dev/null", "--max-time", "4"]) + (
    " -w '%{http_code} %{time_namelookup} %{time_total}' https://registry-1.docker.io/v2/"
)
# Where something else keeps the clock, a container's host or a time service, it is not asked for.
CLOCK = (
    "[ -e /run/systemd/container ] || [ -e /run/systemd/timesync/synchronized ] || [ -e /run/chrony/chronyd.pid ] || "
    "date +%s.%N"
)

FOR_BOOTSTRAP = (
    *(INTERFACES, HOSTS, NETPLAN, OS_RELEASE, RESOLV_CONF, DOCKERD, DAEMON, LOGIN_USER, GROUPS, UFW, FIREWALLD),
    *(REGISTRY, MIRROR, APT_PROXY, ENGINE_PROXY, CURL, HUB),
    # Last: what it shows is then no older than the way of the answer.
    CLOCK,
)

_PATIENT = 3.0
"""A resolver that takes this many seconds to say nothing does not answer at all."""


@dataclass(frozen=True)
class Interface:
    """A network interface of a node: its name, MAC, and IPv4 addresses with prefix length."""

    name: str
    mac: str
    addresses: tuple[str, ...]


@dataclass(frozen=True)
class NodeFacts:
    """What one node is like.

    What is read from an answer raises NodeError where its command was not asked, did not end, or cannot be read.

    :param name: its name in the lab.
    :param hostname: printed by ``hostname``.
    :param answers: of the commands that were asked: :data:`PREFETCHED` by a grading, more by a bootstrap.
    :param engine_running: there is an engine's process: ``pidof dockerd``.
    :param engine_version: of ``/info``, as the following ones.
    :param engine_silent: how it failed to answer, as a sentence; empty where it answered, or does not run.
    :param time: the node's clock when its engine answered, ``None`` where it did not.
    :param arrived: when the answers came, by this computer's clock, in seconds since 1970.
    """

    name: str
    hostname: str
    answers: Mapping[str, CommandAnswer]
    engine_running: bool
    engine_version: str
    engine_silent: str
    local_swarm: LocalSwarm
    time: datetime | None = None
    arrived: float = 0.0

    @property
    def swarm(self) -> LocalSwarm:
        """Give the swarm as this node's engine sees it; inactive where no engine runs.

        :raises NodeError: an engine runs, but does not answer: nothing can be said.
        """
        if self.engine_silent:
            raise NodeError(self.engine_silent, "Look at it there: sudo journalctl -u docker")
        return self.local_swarm

    @property
    def engine_answers(self) -> bool:
        """Whether its engine runs and answers."""
        return self.engine_running and not self.engine_silent

    @property
    def interfaces(self) -> tuple[Interface, ...]:
        """Read the network interfaces from ``ip -json address``."""
        try:
            return tuple(map(_interface, filter(None, json.loads(self._out(INTERFACES) or "[]"))))
        except (ValueError, LookupError, TypeError, AttributeError) as why:
            raise NodeError(
                f"{self.name}: `{INTERFACES}` cannot be read: {why}.", "Is iproute2 installed there?"
            ) from None

    def interface_of(self, mac: str) -> Interface | None:
        """Find the interface with a MAC address."""
        return next((interface for interface in self.interfaces if interface.mac == mac.lower()), None)

    @property
    def hosts(self) -> str:
        """Give the text of /etc/hosts."""
        return self._out(HOSTS)

    @property
    def netplan(self) -> str | None:
        """Give the text of labgen's netplan file; ``None`` where there is none."""
        mode, _, text = self._out(NETPLAN).partition("\n")
        return text if mode else None

    @property
    def netplan_mode(self) -> str:
        """Give that file's permissions in octal: ``600``; empty where there is none."""
        return self._out(NETPLAN).partition("\n")[0]

    @property
    def os_id(self) -> str:
        """Give the distribution by /etc/os-release: ``debian``; empty where it does not say."""
        match = re.search(r"(?m)^ID=\"?([^\"\n]*)", self._out(OS_RELEASE))
        return match[1] if match else ""

    @property
    def resolv_conf(self) -> str:
        """Give the text of /etc/resolv.conf."""
        return self._out(RESOLV_CONF)

    @property
    def engine_installed(self) -> bool:
        """Whether there is a program dockerd."""
        return self._out(DOCKERD).strip().endswith("/dockerd")

    @property
    def daemon(self) -> Mapping[str, Any]:
        """Read the engine's settings from /etc/docker/daemon.json; none where there is no such file."""
        text = self._out(DAEMON)
        try:
            settings = json.loads(text) if text.strip() else {}
        except ValueError as why:
            raise NodeError(
                f"{self.name}: /etc/docker/daemon.json is not JSON: {why}.",
                "Mend it there; the engine cannot start with it.",
            ) from None
        return settings if isinstance(settings, dict) else {}

    @property
    def user(self) -> str:
        """Give the user that a person logs in as."""
        return self._out(LOGIN_USER).strip()

    @property
    def groups(self) -> tuple[str, ...]:
        """List the groups that /etc/group puts that user in: ``docker:x:996:vagrant``."""
        entries = [line.split(":") for line in self._out(GROUPS).splitlines() if line.count(":") >= 3]
        return tuple(name for name, _, _, members, *_ in entries if self.user in members.split(","))

    @property
    def ufw_rules(self) -> str | None:
        """Give what ``ufw status`` prints; ``None`` where ufw is not active."""
        text = self._out(UFW)
        return text if re.search(r"(?m)^Status: active", text) else None

    @property
    def firewalld_ports(self) -> frozenset[str] | None:
        """List what ``firewall-cmd --list-ports`` prints; ``None`` where firewalld does not run."""
        state, *ports = self._out(FIREWALLD).split() or [""]
        return frozenset(ports) if state == "running" else None

    @property
    def has_registry(self) -> bool:
        """Whether the node has the registry of a labgen box: /etc/docker/registry/config.yml."""
        return bool(self._out(REGISTRY).strip())

    @property
    def has_stand_ins(self) -> bool:
        """Whether that registry holds images of labgen's own in the place of Docker Hub's."""
        return "/" in self._out(REGISTRY)

    @property
    def mirror_set(self) -> str:
        """Give the mirror that an earlier bootstrap has set, as lab.yml had it; empty where it has set none."""
        return self._out(MIRROR).strip()

    @property
    def apt_proxy(self) -> str:
        """Give the text of the file by which a bootstrap has set a proxy for apt; empty where it has set none."""
        return self._out(APT_PROXY)

    @property
    def engine_proxy(self) -> str:
        """Give the text of the file by which a bootstrap has set a proxy for the engine; empty where it set none."""
        return self._out(ENGINE_PROXY)

    @property
    def curl(self) -> bool:
        """Whether there is a program curl."""
        return bool(self._out(CURL).strip())

    @property
    def hub_reachable(self) -> bool:
        """Whether Docker Hub answered, with whatever status."""
        status, _, _ = self._hub
        return status != "000"

    @property
    def resolver_silent(self) -> bool:
        """Whether no name server answered the question for Docker Hub's address."""
        status, seconds_for_name, seconds = self._hub
        return status == "000" and float(seconds_for_name) == 0 and float(seconds) >= _PATIENT

    @property
    def behind(self) -> float:
        """Give the seconds by which its clock is behind this computer's, as far as the answer was quick.

        0 where something else keeps it, or where ``date`` knows no fractions of a second.
        """
        try:
            return self.arrived - float(self._out(CLOCK) or self.arrived)
        except ValueError:
            return 0.0

    @property
    def _hub(self) -> tuple[str, str, str]:
        """Give HTTP status and seconds; those of a question that was not asked where there is no curl."""
        match = re.fullmatch(r"([0-9]{3}) ([0-9]+\.[0-9]+) ([0-9]+\.[0-9]+)", self._out(HUB).strip())
        return (match[1], match[2], match[3]) if match else ("000", "0", "0")

    def _out(self, command: str) -> str:
        answer = self.answers.get(command)
        if answer is None:
            raise NodeError(f"{self.name}: `{command[:60]}` did not end in time.", "Run the same command again.")
        return answer.out


def _interface(link: Mapping[str, Any]) -> Interface:
    return Interface(
        link["ifname"],
        str(link.get("address", "")).lower(),
        tuple(
            f"{entry['local']}/{entry['prefixlen']}"
            for entry in link.get("addr_info", [])
            if entry.get("family") == "inet"
        ),
    )
