"""Look up names on an overlay network, and fetch pages there, from a container on it.

The container's name server is the engine's own (127.0.0.11). It is asked with busybox' ``nslookup``, which the
course's alpine image has.
"""

from __future__ import annotations

import re
import secrets
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address

from labgen.docker.api import Run

IMAGE = "alpine:3"
"""Of the container that asks."""

RESOLVER = IPv4Address("127.0.0.11")
"""The engine's name server, as containers see it."""


@dataclass(frozen=True)
class Answers:
    """What a container on the network was answered.

    :param addresses: by name; none for a name that does not exist.
    :param answered: the addresses that gave a page.
    """

    addresses: Mapping[str, frozenset[IPv4Address]]
    answered: frozenset[IPv4Address]


def throwaway(network: str, alias: str = "") -> str:
    """Begin a command that is run in a container on a network, which is started for it and removed.

    :param alias: a name that it has there.
    """
    option = f" --network-alias {shlex.quote(alias)}" if alias else ""
    return f"docker run --rm --network {shlex.quote(network)}{option} {IMAGE}"


def ask(run: Run, inside: str, names: Sequence[str], fetch: Sequence[IPv4Address], within: float) -> Answers:
    """Look names up and fetch the page of addresses from one container, all at the same time.

    What does not answer is waited for once, however many do not.

    :param run: runs a script on the node where that container is.
    :param inside: begins a command that is run in it: ``docker exec NAME``.
    :param within: seconds for each page.
    """
    # Not to be guessed, so that nothing that is printed passes for a mark.
    mark = f"labgen-{secrets.token_hex(8)}"
    # Side by side into files: on one pipe the lines of two answers would mix.
    lines = ['folder=$(mktemp -d) && cd "$folder" || exit']
    lines += [f"nslookup {shlex.quote(name)} >{number} 2>&1 &" for number, name in enumerate(names)]
    for address in fetch:
        # wget's own -T ends the busybox of some builds with a segmentation fault.
        page = f"timeout {max(1, round(within))} wget -q -O /dev/null http://{address}/"
        lines.append(f"{page} 2>/dev/null && echo {mark} page {address} >page-{address} &")
    lines.append("wait")
    lines += [f"echo {mark} {shlex.quote(name)}; cat {number}" for number, name in enumerate(names)]
    lines.append('cat page-* 2>/dev/null; rm -r "$folder"')
    text = run(f"{inside} sh -c {shlex.quote(chr(10).join(lines))}")
    parts = re.split(rf"(?m)^{mark} (?!page )(\S+)\n", text)
    addresses = {parts[place]: read(parts[place + 1]) for place in range(1, len(parts) - 1, 2)}
    pages = re.findall(rf"(?m)^{mark} page (\S+)$", text)
    return Answers({name: addresses.get(name, frozenset()) for name in names}, frozenset(map(IPv4Address, pages)))


def read(text: str) -> frozenset[IPv4Address]:
    """Read the addresses that ``nslookup`` prints, without the name server's own.

    ``Name:	tasks.web`` and ``Address: 10.20.1.3``; older ones write ``Address 1: 10.20.1.3 web.1``.
    """
    addresses = re.findall(r"(?m)^Address(?: \d+)?:\s*(\d+\.\d+\.\d+\.\d+)(?!\d*:)\b", text)
    return frozenset(map(IPv4Address, addresses)) - {RESOLVER}


def join_addresses(addresses: frozenset[IPv4Address]) -> str:
    """List addresses for people: ``10.20.1.3, 10.20.1.4``."""
    return ", ".join(map(str, sorted(addresses))) or "no address"
