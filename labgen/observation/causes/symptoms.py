"""What a node tells when something failed there: full disks, its clock, its firewall, proxies.

It is asked only then: where everything is right nobody pays for it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from labgen.core.errors import NodeError
from labgen.model.proxy import without_password
from labgen.observation.facts import split_sections

SCRIPT = r"""
export LC_ALL=C
PATH=/usr/sbin:/usr/bin:/sbin:/bin
section() { printf '\n@@%s\n' "$1"; }
section clock; date +%s.%N
section disk; df -P -k /var/lib/docker 2>/dev/null | tail -n 1; df -P -i /var/lib/docker 2>/dev/null | tail -n 1
section firewall; iptables-save -t filter 2>/dev/null \
  | grep -E '^:(INPUT|OUTPUT) DROP|^-A (INPUT|OUTPUT|DOCKER-USER) .*-j (DROP|REJECT)|(2377|7946|4789).*-j ACCEPT' \
  | head -n 50
section proxy; [ -r /proc/$(pidof -s dockerd)/environ ] && tr '\0' '\n' </proc/$(pidof -s dockerd)/environ \
  | grep -aiE '^(https?|no)_proxy=' | head -n 5
section end; true
"""

PORTS = (2377, 7946, 4789)
"""Ports of a swarm: management, gossip, overlay networks."""

_LEAST_FREE = 50 * 1024
"""KiB below which an engine can no longer unpack an image or start a container."""


@dataclass(frozen=True)
class Disk:
    """The file system with the engine's data.

    :param free: KiB that can still be written.
    :param inodes: files that can still be created; ``None`` where the file system does not count them.
    """

    free: int
    inodes: int | None = None

    @property
    def full(self) -> bool:
        """Whether nothing more can be written to it."""
        return self.free < _LEAST_FREE or self.inodes == 0


@dataclass(frozen=True)
class FirewallRule:
    """A rule of a node's firewall by which it drops or refuses something of the swarm's.

    :param text: as ``iptables -S`` prints it; a chain's policy as ``-P INPUT DROP``.
    :param ports: ports of the swarm that it is about.
    """

    text: str
    ports: tuple[int, ...]

    def concerns(self, addresses: Sequence[str]) -> bool:
        """Tell whether it is about any of these addresses; one that names none is about all."""
        for negated, numbers in re.findall(r"(! )?-[sd] ([0-9./]+)", self.text):
            try:
                network = ip_network(numbers, strict=False)
            except ValueError:
                continue
            inside = [address for address in addresses if ip_address(address) in network]
            if len(inside) == (len(addresses) if negated else 0):
                return False
        return True

    @property
    def removal(self) -> str:
        """The command that takes it away."""
        words = self.text.split()
        if words[0] == "-P":
            return shlex.join(["sudo", "iptables", "-P", words[1], "ACCEPT"])
        return shlex.join(["sudo", "iptables", "-D", *words[1:]])


@dataclass(frozen=True)
class Symptoms:
    """What a node tells.

    :param ahead: seconds by which its clock is ahead of the asker's, ``None`` where that is not known.
    :param rules: what of its firewall is in the swarm's way.
    :param proxy: the proxy by which its engine pulls images, empty if there is none.
    """

    ahead: float | None = None
    disk: Disk | None = None
    rules: tuple[FirewallRule, ...] = ()
    proxy: str = ""


def read(text: str, asked_at: float) -> Symptoms:
    """Read what :data:`SCRIPT` printed.

    :param asked_at: when it was asked, in seconds by one clock of the asker's for all nodes; only differences count.
    :raises NodeError: it was cut short.
    """
    sections = split_sections(text)
    if "end" not in sections:
        raise NodeError(f"the node's answer is cut short: {text.strip()[-200:] or 'nothing'}")
    clock = re.fullmatch(r"\d{1,12}\.\d{1,9}", sections.get("clock", "").strip())
    return Symptoms(
        ahead=float(clock[0]) - asked_at if clock else None,
        disk=_disk(sections.get("disk", "")),
        rules=_rules(sections.get("firewall", "")),
        proxy=_proxy(sections.get("proxy", "")),
    )


def _disk(text: str) -> Disk | None:
    """Read two lines of ``df -P``: ``overlay 1000 900 100 90% /var/lib/docker``."""
    numbers = [
        int(columns[3])
        for line in text.splitlines()
        if len(columns := line.split()) >= 6 and columns[3].isdecimal() and len(columns[3]) < 18
    ]
    if not numbers:
        return None
    # A file system that counts no inodes (btrfs) says 0 of 0.
    counted = len(numbers) > 1 and text.splitlines()[-1].split()[1] != "0"
    return Disk(numbers[0], numbers[1] if counted else None)


def _rules(text: str) -> tuple[FirewallRule, ...]:
    lines = [" ".join(line.split())[:300] for line in text.splitlines() if line.strip()]
    accepted = {port for line in lines if line.endswith("-j ACCEPT") for port in _ports_in(line)}
    rules = []
    for line in lines:
        if policy := re.match(r":(INPUT|OUTPUT) DROP\b", line):
            ports = tuple(port for port in PORTS if port not in accepted)
            rules.append(FirewallRule(f"-P {policy[1]} DROP", ports))
        # Docker's own rule for encrypted networks drops what is not encrypted.
        elif re.search(r"-j (DROP|REJECT)\b", line) and not re.search(r"-m (policy|u32|bpf)\b", line):
            numbers = _ports_in(line)
            about_ports = "--dport" in line or "--sport" in line
            if numbers or not (about_ports or re.search(r"-i lo\b|-p icmp|--ctstate INVALID", line)):
                rules.append(FirewallRule(line, numbers or PORTS))
    return tuple(rule for rule in rules if rule.ports)


def _ports_in(line: str) -> tuple[int, ...]:
    """Give the swarm's ports among those of a rule: ``--dport 4789``, ``--dports 7946,4789``, ``2000:3000``."""
    ports = set()
    for numbers in re.findall(r"--(?:dports?|sports?) (\S+)", line):
        for part in numbers.split(","):
            first, _, last = part.partition(":")
            if first.isdecimal() and (last or first).isdecimal():
                ports |= {port for port in PORTS if int(first) <= port <= int(last or first)}
    return tuple(port for port in PORTS if port in ports)


def _proxy(text: str) -> str:
    numbers = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    proxies = [value for name, value in numbers.items() if name.lower() in ("http_proxy", "https_proxy") and value]
    return without_password(proxies[0])[:200] if proxies else ""
