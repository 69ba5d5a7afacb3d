"""Requests made on a node, each over a connection of its own.

A connection that is kept open always leads to the same container (moby#25087), so each request closes its own. The
node's SSH server opens them: no program on the node can invent a page.
"""

from __future__ import annotations

import re
import secrets
import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from labgen.core.i18n import Text, _
from labgen.docker.question import Ask, NodeAccess, Question

REQUESTS = 12
"""Requests to one address. The routing mesh takes the containers in turn (IPVS, round robin); were it by
chance, one of two would be missed in 12 requests once in 2048 times."""

_AT_MOST = 65536
"""Bytes read of all answers from one address: a page may be endless."""


@dataclass(frozen=True)
class Response:
    """One answer.

    :param status: HTTP status; 0 where there was no answer, and ``body`` says why.
    """

    status: int
    body: str
    new_connection: bool


@dataclass(frozen=True)
class Requests:
    """The answers to several requests to one address."""

    responses: tuple[Response, ...]

    @property
    def answered(self) -> bool:
        """Every request was answered, each over a connection of its own."""
        return bool(self.responses) and all(
            response.status == 200 and response.new_connection for response in self.responses
        )

    @property
    def refused(self) -> bool:
        """Some request got no answer at all."""
        return not self.responses or any(response.status == 0 for response in self.responses)

    @property
    def bodies(self) -> frozenset[str]:
        """The different pages that came."""
        return frozenset(response.body for response in self.responses if response.status == 200)

    def __str__(self) -> str:
        return str(self.words)

    @property
    def words(self) -> Text:
        """Describe it for people: ``12 requests: 6 x <h1>…</h1>, 6 x <h1>…</h1>``."""
        counts = Counter(_short(response) for response in self.responses)
        answers = ", ".join(f"{count} x {what}" for what, count in counts.most_common(4)) or _("no answer")
        return _("%(requests)s requests: %(answers)s", requests=len(self.responses), answers=answers)


def ask(
    ask_node: Ask, addresses: Sequence[str], port: int, within: float, requests: int = REQUESTS
) -> dict[str, Requests]:
    """Make requests to each of several addresses.

    :param ask_node: puts a question to the node that makes them.
    :param within: seconds for each request; after one without an answer, that address is left.
    :param requests: how many to each address.
    """
    # Not to be guessed, so that no page can pass for several.
    mark = f"labgen-{secrets.token_hex(8)}"
    script = command(addresses, port, within, mark, requests)
    text = ask_node(Question(script, partial(_make, addresses, port, max(1, round(within)), mark, requests)))
    parts = re.split(rf"(?m)^{mark} address (\S+)\n", text)
    return {parts[place]: _parse(parts[place + 1], mark) for place in range(1, len(parts) - 1, 2)}


def command(addresses: Sequence[str], port: int, within: float, mark: str, requests: int = REQUESTS) -> str:
    """Compose the script with which a person on the node makes the requests."""
    lines = ["export LC_ALL=C.UTF-8"]
    for address in addresses:
        curl = ["curl", "-sS", "-g", "--noproxy", "*", "--max-time", str(max(1, round(within))), "--fail-early"]
        curl += ["-H", "Connection: close", "-w", rf"\n{mark} %{{http_code}} %{{num_connects}}\n"]
        curl += [f"http://{address}:{port}/"] * requests
        lines.append(f"echo {shlex.quote(f'{mark} address {address}')}")
        lines.append(f"{shlex.join(curl)} 2>&1 | head -c {_AT_MOST}; echo")
    return "\n".join([*lines, "true"])


def _make(addresses: Sequence[str], port: int, within: float, mark: str, requests: int, node: NodeAccess) -> str:
    lines = []
    for address in addresses:
        lines.append(f"{mark} address {address}")
        most = _AT_MOST
        for _request in range(requests):
            page = node.page(address, port, within, most)
            if page.status == 0:
                lines += ["", f"{mark} 000 0", page.body]
                break
            if page.endless:
                lines.append("…")
                break
            most -= len(page.body.encode())
            lines += [page.body, f"{mark} {page.status:03} 1"]
    return "\n".join([*lines, ""])


def _parse(text: str, mark: str) -> Requests:
    parts = re.split(rf"(?m)^{mark} (\d+) (\d+)$", text)
    responses = [
        Response(int(parts[place + 1]), parts[place].strip(), int(parts[place + 2]) == 1)
        for place in range(0, len(parts) - 2, 3)
    ]
    rest = parts[-1].strip()
    # curl says what went wrong after the line with the status of what went wrong.
    if rest and responses and responses[-1].status == 0:
        responses[-1] = Response(0, rest, new_connection=False)
    elif rest:
        responses.append(Response(0, f"an answer without end: {rest[:60]}", new_connection=False))
    return Requests(tuple(responses))


def _short(response: Response) -> str:
    body = " ".join(response.body.split())
    body = body if len(body) <= 80 else body[:79] + "…"
    if response.status == 200:
        return (body or "an empty page") + ("" if response.new_connection else " (no new connection)")
    return f"status {response.status}: {body}" if response.status else body or "no answer"
