"""What a node is like, as it says itself: everything the checks of a node ask for, in one command."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from labgen.core.errors import NodeError
from labgen.docker.api import as_json, as_object, ask_command, load_json, moment, reading, text_of
from labgen.docker.question import Ask, NodeAccess, Question
from labgen.docker.swarm import LocalSwarm

# getent asks /etc/hosts alone: a name server that does not answer would cost 20 s for each name.
# The engine is not asked where it does not run: its socket is systemd's, and asking would start it.
_SCRIPT = r"""
export LC_ALL=C.UTF-8
section() { printf '\n@@%s\n' "$1"; }
section hostname; hostname
section links; ip -json address
section sockets; ss -Hlntu
section names
for name in NAMES; do
  printf '%s' "$name"
  getent -s hosts:files ahostsv4 "$name" | while read -r address kind rest; do
    [ "$kind" = STREAM ] && printf ' %s' "$address"
  done
  echo
done
section engine; pidof dockerd >/dev/null && echo runningINFO
section end; true
"""

_RUNNING = re.compile(r"(?m)^@@engine\nrunning$")
_SILENT = "\n000\n"
"""What curl prints of an engine that gives no answer."""


@dataclass(frozen=True)
class Link:
    """A network interface.

    :param mac: in lower case.
    :param addresses: IPv4 addresses, without prefix.
    """

    name: str
    mac: str
    up: bool
    addresses: tuple[str, ...]

    def __str__(self) -> str:
        """Describe it for people: ``eth1 up, 10.0.2.101``."""
        return f"{self.name} {'up' if self.up else 'down'}, {', '.join(self.addresses) or 'no address'}"


@dataclass(frozen=True)
class Listener:
    """A socket that is open to others: ``tcp``, ``*``, 7946."""

    protocol: str
    address: str
    port: int

    def reached_at(self, address: str) -> bool:
        """Tell whether what is sent to that IPv4 address arrives here."""
        return self.address in (address, "0.0.0.0", "*", "::")  # noqa: S104 - compared, not bound


@dataclass(frozen=True)
class NodeFacts:
    """What one node is like.

    :param names: of each node of the lab, the addresses that /etc/hosts gives for its name.
    :param engine_running: there is an engine's process.
    :param engine_silent: how it failed to answer, as a sentence; empty where it answered, or does not run.
    :param time: the node's clock when its engine answered, ``None`` where it did not.
    """

    hostname: str
    links: tuple[Link, ...]
    listeners: frozenset[Listener]
    names: Mapping[str, tuple[str, ...]]
    engine_running: bool
    engine_version: str
    engine_silent: str
    local_swarm: LocalSwarm
    time: datetime | None = None

    @property
    def swarm(self) -> LocalSwarm:
        """Give the swarm as this node's engine sees it; inactive where no engine runs.

        :raises NodeError: an engine runs, but does not answer: nothing can be said.
        """
        if self.engine_silent:
            raise NodeError(self.engine_silent, "Look at it there: sudo journalctl -u docker")
        return self.local_swarm

    def link(self, address: str) -> Link | None:
        """Find the interface with that MAC address, or that IPv4 address.

        Others may bear a copy of a MAC address (a bridge, a VLAN): the first.
        """
        return next((link for link in self.links if link.mac == address.lower() or address in link.addresses), None)

    def listens(self, protocol: str, port: int, address: str) -> bool:
        """Tell whether something listens on that port for that address."""
        return any(
            (listener.protocol, listener.port) == (protocol, port) and listener.reached_at(address)
            for listener in self.listeners
        )

    def listening(self, port: int) -> str:
        """Describe what listens on a port, for people."""
        listeners = sorted(
            f"{listener.protocol} {listener.address}:{listener.port}"
            for listener in self.listeners
            if listener.port == port
        )
        return f"on port {port} there is " + (", ".join(listeners) or "nothing")


def script(names: Iterable[str], within: float) -> str:
    """Compose the script with which a person asks a node.

    :param names: of the lab's nodes.
    :param within: seconds the engine has for its answer.
    """
    engine = ask_command(["/info"], within=max(1, round(within)))
    return _script(names, f" && {{ section info; {engine}; }}")


def _script(names: Iterable[str], info: str) -> str:
    return _SCRIPT.replace("NAMES", shlex.join(names)).replace("INFO", info)


def question(names: Iterable[str], within: float) -> Question:
    """Make the question for everything that checks of a node ask for.

    :param names: of the lab's nodes.
    :param within: seconds the engine has for its answer.
    """
    listed = list(names)

    def answer(node: NodeAccess) -> str:
        text = node.run(_script(listed, ""))
        if not _RUNNING.search(text):
            return text
        try:
            info = node.engine(["/info"], max(1, round(within)))
        except NodeError:
            info = _SILENT
        before, end, after = text.rpartition("\n@@end")
        return f"{before}\n@@info\n{info}{end}{after}"

    return Question(script(listed, within), answer)


def read(ask: Ask, name: str, names: Iterable[str], within: float = 20.0) -> NodeFacts:
    """Ask a node everything at once.

    :param ask: puts a question to it.
    :param name: the node, for the error.
    :raises NodeError: it does not answer, or not in a way that can be read.
    """
    return parse(ask(question(names, within)), name)


def parse(text: str, name: str) -> NodeFacts:
    """Read what the script printed.

    :raises NodeError: it cannot be read.
    """
    parts = re.split(r"(?m)^@@(\w+)$\n?", text)
    sections = {parts[place]: parts[place + 1].strip("\n") for place in range(1, len(parts) - 1, 2)}
    if "end" not in sections:
        raise NodeError(f"{name}: its answer is cut short: {text.strip()[-200:] or 'nothing'}", "Grade again.")
    with reading(name):
        return _facts(sections, name)


def _facts(sections: Mapping[str, str], name: str) -> NodeFacts:
    running = "running" in sections["engine"]
    answer = [line for line in sections.get("info", "").split("\n") if line.strip()]
    # The status is 000 where the engine gave no answer in time.
    answered = len(answer) == 2 and answer[1].strip() == "200"
    info = as_object(as_json(answer[0], f"{name}: /info"), f"{name}: /info") if answered else {}
    return NodeFacts(
        hostname=sections["hostname"].strip(),
        links=_links(sections["links"], name),
        listeners=frozenset(_listeners(sections["sockets"])),
        names={line.split()[0]: _once(line.split()[1:]) for line in sections["names"].splitlines() if line.split()},
        engine_running=running,
        engine_version=text_of(info, "ServerVersion"),
        engine_silent=f"{name}: its engine runs, but does not answer." if running and not answered else "",
        local_swarm=LocalSwarm.of(info.get("Swarm") or {}),
        time=moment(info, "SystemTime"),
    )


def _links(text: str, name: str) -> tuple[Link, ...]:
    try:
        return tuple(
            Link(
                name=text_of(link, "ifname"),
                mac=text_of(link, "address").lower(),
                up="UP" in link.get("flags", ()),
                addresses=tuple(
                    text_of(entry, "local") for entry in link.get("addr_info", ()) if entry.get("family") == "inet"
                ),
            )
            for link in load_json(text or "[]")
            if link
        )
    except (ValueError, AttributeError, TypeError) as why:
        raise NodeError(f"{name}: `ip -json address` cannot be read: {why}.", "Is iproute2 installed there?") from None


def _listeners(text: str) -> Iterable[Listener]:
    """Read ``ss -Hlntu``: ``tcp LISTEN 0 4096 *:2377 *:*``, ``udp UNCONN 0 0 127.0.0.1%lo:53 0.0.0.0:*``."""
    for line in text.splitlines():
        columns = line.split()
        if len(columns) < 5:
            continue
        address, _, port = columns[4].rpartition(":")
        if port.isdigit():
            yield Listener(columns[0], address.partition("%")[0].strip("[]"), int(port))


def _once(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words))
