"""What a node is like now: everything a bootstrap decides by, asked in one command."""

from __future__ import annotations

import contextlib
import json
import re
import shlex
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from labgen.core.errors import NodeError
from labgen.docker.question import NodeAccess, Question
from labgen.docker.swarm import LocalSwarm
from labgen.model.lab import Lab, Node
from provision.shell import Shell

NETPLAN_FILE = "/etc/netplan/60-labgen.yaml"
LOCAL_REGISTRY = "http://127.0.0.1:5000"
"""The registry in the box that labgen builds, which holds the course's images."""
HUB = "https://registry-1.docker.io/v2/"

# On an emulated node each process costs a tenth of a second, so this starts as few as it can: the shell
# itself shows files.
_SCRIPT = r"""
section() { printf '\n@@%s\n' "$1"; }
show() { [ -r "$1" ] && while IFS= read -r line || [ -n "$line" ]; do printf '%s\n' "$line"; done <"$1"; }
section hostname; show /proc/sys/kernel/hostname
section links; ip -json address
section netplan; [ -e NETPLAN ] && stat -c '%a' NETPLAN && show NETPLAN
section hosts; show /etc/hosts
section os; show /etc/os-release
section resolv; show /etc/resolv.conf
section engine; command -v dockerd
section daemon; show /etc/docker/daemon.json
section user; echo "${SUDO_USER:-root}"
section group; show /etc/group
section ufw; command -v ufw >/dev/null 2>&1 && LC_ALL=C ufw status
section firewalld; command -v firewall-cmd >/dev/null 2>&1 && firewall-cmd --state 2>&1 && firewall-cmd --list-ports
section registry; [ -e /etc/docker/registry/config.yml ] && echo there &&
  find /var/lib/docker-registry -name data -size -32k -exec grep -l io.labgen.stand-in {} +
section mirror; show /etc/docker/labgen-mirror
section curl; command -v curl
section asked; command -v curl >/dev/null 2>&1 && ASK 2>/dev/null
section running; pidof dockerd
section clock; [ -e /run/systemd/container ] || [ -e /run/systemd/timesync/synchronized ] ||
  [ -e /run/chrony/chronyd.pid ] || date +%s.%N
section end; true
"""
# The clock comes last: what it shows is then no older than the way of the answer. Where something else keeps it, a
# container's host or a time service, it is not asked for.

# What became of the question to the hub: its HTTP status (000 where none came), and how long finding its address took
# (0.000000 where it was not found in time). The engine's answer stands before it.
_ASK = shlex.join(
    (
        *("curl", "-s", "-o", "/dev/null", "--max-time", "4"),
        *("-w", r"hub %{http_code} %{time_namelookup} %{time_total}\n", HUB),
    )
)
_HUB = re.compile(r"^hub (\d{3}) ([\d.]+) ([\d.]+)$", re.MULTILINE)
_PATIENT = 3.0
"""A resolver that takes this many seconds to say nothing does not answer at all."""


@dataclass(frozen=True)
class Interface:
    """A network interface of a node: its name, MAC, and addresses with prefix length."""

    name: str
    mac: str
    addresses: tuple[str, ...]


@dataclass(frozen=True)
class NodeFacts:
    """What one node is like now."""

    hostname: str
    interfaces: tuple[Interface, ...]
    netplan: str | None
    netplan_mode: str
    hosts: str
    os_id: str
    engine_installed: bool
    engine_running: bool
    daemon: Mapping[str, Any]
    user: str
    groups: tuple[str, ...]
    ufw_rules: str | None
    firewalld_ports: frozenset[str] | None
    swarm: LocalSwarm | None
    curl: bool
    hub_reachable: bool
    has_registry: bool
    has_stand_ins: bool
    """Whether that registry holds images of labgen's own in the place of Docker Hub's."""
    mirror_set: str
    """The mirror that an earlier bootstrap has set, as lab.yml had it; empty where it has set none."""
    resolv_conf: str
    resolver_silent: bool
    behind: float
    """Seconds by which its clock is behind this computer's, as far as the answer was quick; 0 where it is kept by
    something else."""

    def interface_of(self, mac: str) -> Interface | None:
        """Find the interface with a MAC address."""
        return next((link for link in self.interfaces if link.mac == mac.lower()), None)


def observe(shell: Shell) -> NodeFacts:
    """Read all facts of a node in one command.

    :raises NodeError: it does not answer, or not in a way that can be read.
    """
    script = _SCRIPT.replace("NETPLAN", NETPLAN_FILE).replace("ASK", _ASK)
    arrivals: list[float] = []

    def answer(node: NodeAccess) -> str:
        text = node.run(script)
        # The node's clock is compared with this computer's before anything else is asked.
        arrivals.append(time.time())
        return _with_engine(text, node)

    text = shell.ask(Question(script, answer), within=60)
    return parse(text, shell.node.name, arrivals[-1] if arrivals else time.time())


def _with_engine(text: str, node: NodeAccess) -> str:
    """Add the engine's answer to what the script printed."""
    # An engine that does not run is not asked: its socket is systemd's, and asking would start it.
    if re.search(r"(?m)^@@running\n\d", text):
        with contextlib.suppress(NodeError):
            info = node.engine(["/info"], 30).partition("\n")[0]
            text = text.replace("\n@@asked\n", f"\n@@asked\n{info}\n", 1)
    return text


def parse(text: str, name: str, now: float) -> NodeFacts:
    """Read what the script printed.

    :param name: the node, for the error.
    :param now: when the answer had come, by this computer's clock, in seconds since 1970.
    """
    parts = re.split(r"(?m)^@@([\w.]+)$\n?", text)
    sections = {parts[i]: parts[i + 1].removesuffix("\n") for i in range(1, len(parts) - 1, 2)}
    if "end" not in sections:
        raise NodeError(f"{name}: its answer is cut short.", "Run the same command again.")
    mode, _, netplan = sections["netplan"].partition("\n")
    user = sections["user"].strip()
    local = _swarm(sections["asked"].strip().partition("\n")[0])
    hub = _HUB.search(sections["asked"])
    answered = hub is not None and hub[1] != "000"
    ufw = sections["ufw"]
    firewalld = sections["firewalld"].split()
    release = dict(line.split("=", 1) for line in sections["os"].splitlines() if "=" in line)
    return NodeFacts(
        hostname=sections["hostname"].strip(),
        interfaces=_interfaces(sections["links"], name),
        netplan=netplan if mode else None,
        netplan_mode=mode.strip(),
        hosts=sections["hosts"],
        os_id=release.get("ID", "").strip('"'),
        engine_installed=sections["engine"].strip().endswith("/dockerd"),
        engine_running=local is not None,
        daemon=_daemon(sections["daemon"], name),
        user=user,
        groups=_groups(sections["group"], user),
        ufw_rules=ufw if re.search(r"(?m)^Status: active", ufw) else None,
        firewalld_ports=frozenset(firewalld[1:]) if firewalld[:1] == ["running"] else None,
        swarm=local,
        curl=bool(sections["curl"].strip()),
        hub_reachable=answered,
        has_registry=bool(sections["registry"].strip()),
        has_stand_ins="/" in sections["registry"],
        mirror_set=sections.get("mirror", "").strip(),
        resolv_conf=sections["resolv"],
        resolver_silent=hub is not None and not answered and float(hub[2]) == 0 and float(hub[3]) >= _PATIENT,
        behind=_behind(sections["clock"], now),
    )


def _behind(clock: str, now: float) -> float:
    try:
        return now - float(clock) if clock.strip() else 0.0
    except ValueError:
        return 0.0  # another date than GNU's, which knows no fractions of a second


def _groups(text: str, user: str) -> tuple[str, ...]:
    """List the groups that /etc/group puts a user in: "docker:x:996:vagrant"."""
    entries = [line.split(":") for line in text.splitlines() if line.count(":") >= 3]
    return tuple(name for name, _, _, members, *_ in entries if user in members.split(","))


def _interfaces(text: str, name: str) -> tuple[Interface, ...]:
    try:
        links = json.loads(text or "[]")
        return tuple(
            Interface(
                link["ifname"],
                str(link.get("address", "")).lower(),
                tuple(f"{a['local']}/{a['prefixlen']}" for a in link.get("addr_info", []) if a.get("family") == "inet"),
            )
            for link in links
            if link
        )
    except (ValueError, KeyError, TypeError) as why:
        raise NodeError(f"{name}: `ip -json address` cannot be read: {why}.", "Is iproute2 installed there?") from None


def _swarm(info: str) -> LocalSwarm | None:
    try:
        return LocalSwarm.of(json.loads(info)["Swarm"])
    except (ValueError, KeyError, TypeError):
        return None  # no engine, or one that does not run


def _daemon(text: str, name: str) -> Mapping[str, Any]:
    try:
        data = json.loads(text) if text.strip() else {}
    except ValueError as why:
        raise NodeError(
            f"{name}: /etc/docker/daemon.json is not JSON: {why}.", "Mend it there; the engine cannot start with it."
        ) from None
    return data if isinstance(data, dict) else {}


def lab_interface(facts: NodeFacts, lab: Lab, node: Node) -> Interface:
    """Find the interface on the lab network.

    :raises NodeError: there is none with the node's MAC address.
    """
    link = facts.interface_of(node.mac)
    if link is None:
        raise NodeError(
            f"{node.name} has no network interface with the MAC address {node.mac} (adapter 2, on {lab.plan.lab}).",
            "The machine was made by another Vagrantfile, or changed since. labgen halt and labgen up set it right on "
            "VirtualBox; elsewhere make it again: labgen down, then labgen up.",
        )
    return link
