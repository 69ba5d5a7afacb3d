"""Asking an engine: its own JSON, several paths of its API at once.

The engine's API is asked directly, on its socket: it gives what ``docker … inspect`` prints, without the price of the
docker command and without its word; and an answer's HTTP status says what the command has only prose for. Paths carry
no API version, so that every engine answers in its own; those from 20.10 on agree in all that labgen reads.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from labgen.core.errors import NodeError, NoLeader, SwarmError
from labgen.core.i18n import _
from labgen.core.polling import NotYet
from labgen.docker.question import Ask, Question
from labgen.docker.refusals import of_refusal

Run = Callable[[str], str]
"""Runs a command line as root on a node and gives what it printed; raises NodeError where that fails."""

SOCKET = "/var/run/docker.sock"

_NEVER = 3000
"""A year that nothing is of. An earlier moment, moved by the difference of two clocks that say less, too, stays between
the years 1 and 9999, which is what Python can compute with."""

_MOST_VALUES = 1_700_000
"""Values that a JSON text may have, counted by the marks before them. Ten thousand tasks have 1.6 million; in memory a
value takes up to 90 bytes, whatever little it takes in a text."""


_BUSY = ("context deadline exceeded", "DeadlineExceeded", "code = Unavailable")
"""How a manager says that it could not answer in time (status.Code of grpc-go, ``codes/code_string.go``)."""


def busy(message: str) -> bool:
    """Tell whether a manager or a node's engine says that it could not answer in time."""
    return any(phrase in message for phrase in _BUSY)


class EngineBusy(NodeError, NotYet):
    """An engine could not answer in time: a poll asks it again, and what asks once fails."""

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True)
class Answer:
    """What the engine answered to one question: HTTP status, and the JSON in it."""

    status: int
    body: Any

    def value(self, path: str) -> Any:
        """Give the JSON of an answer.

        :raises SwarmError: the engine is not a manager of a swarm.
        :raises NodeError: the engine could not answer; :class:`EngineBusy` where it may when asked again.
        """
        if self.status == 200:
            return self.body
        message = text_of(self.body, "message") if isinstance(self.body, Mapping) else str(self.body)
        # The API says 500 where nobody leads, 503 for "not a manager" and for a locked swarm (moby
        # daemon/cluster/errors.go).
        if refusal := of_refusal(message):
            kind = NoLeader if refusal.cause == "no-leader" else SwarmError
            raise kind(refusal.words, refusal.hints)
        if self.status == 503:
            raise SwarmError(
                _("the engine is no manager of a swarm: %(message)s", message=message),
                _("Make one swarm of all nodes: fab bootstrap"),
            )
        error = EngineBusy if busy(message) else NodeError
        raise error(
            f"the engine answered {self.status} to {path}: {message}", "Look at it there: sudo journalctl -u docker"
        )


UNREADABLE = (ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RecursionError)
"""What reading an answer of an odd shape may raise."""


@contextmanager
def reading(where: str) -> Iterator[None]:
    """Turn an error in reading a malformed answer into an error of the node that gave it.

    :param where: what gave it, for the error.
    :raises NodeError: it cannot be read.
    """
    try:
        yield
    except UNREADABLE as why:
        shown = " ".join(str(why).split())[:120]
        raise NodeError(
            _(
                "the answer of %(where)s cannot be read (%(name)s: %(shown)s).",
                where=where,
                name=type(why).__name__,
                shown=shown,
            ),
            _("Does the engine answer there? sudo docker info; sudo journalctl -u docker"),
        ) from None


def ask(ask_node: Ask, paths: Sequence[str]) -> Mapping[str, Answer]:
    """Ask the engine for several paths at once.

    :param paths: of the Docker Engine API, quoted as in a URL.
    :raises NodeError: there is no answer, or one that cannot be read.
    """
    return answers(ask_node(question(paths)), paths)


def answers(text: str, paths: Sequence[str]) -> Mapping[str, Answer]:
    """Read the answers of an engine: a line for each body, followed by one with its status.

    :raises NodeError: they cannot be read.
    """
    # The engine's JSON has no line ends inside; each answer is a line, followed by one with its status.
    lines = [line for line in text.split("\n") if line.strip()]
    if len(lines) != 2 * len(paths):
        raise unreadable("the engine", text)
    return {
        path: Answer(_status(lines[2 * place + 1], text), as_json(lines[2 * place], path))
        for place, path in enumerate(paths)
    }


def question(paths: Sequence[str]) -> Question:
    """Make the question for paths of the engine's API."""
    return Question(ask_command(paths), lambda node: node.engine(paths))


def ask_command(paths: Sequence[str], within: int = 0) -> str:
    """Compose the shell command with which a person on the node asks the same; answers are recorded in its form.

    :param within: seconds for each answer, without limit where 0.
    """
    limit = ["--max-time", str(within)] if within else []
    urls = [f"http://engine{path}" for path in paths]
    return shlex.join(["curl", "-sS", "-g", *limit, "--unix-socket", SOCKET, "-w", r"\n%{http_code}\n", *urls])


def as_json(text: str, where: str) -> Any:
    """Parse a JSON text.

    :param where: what gave it, for the error.
    :raises NodeError: it is no JSON, or too deep or too large to be read.
    """
    try:
        return load_json(text)
    except ValueError:
        raise unreadable(where, text) from None


def load_json(text: str) -> Any:
    """Parse a JSON text from a node, which may be crafted to break the parser.

    :raises ValueError: it is no JSON, or too deep or too large.
    """
    if len(text) > _MOST_VALUES and sum(map(text.count, "[{,:")) > _MOST_VALUES:
        raise ValueError("too many values")
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("too deep") from None


def as_object(value: Any, where: str) -> Mapping[str, Any]:
    """Require that a value is an object (NodeError if it is not)."""
    if not isinstance(value, Mapping):
        raise unreadable(where, _beginning(value))
    return value


def as_list(value: Any, where: str) -> list[Mapping[str, Any]]:
    """Require that a value is a list of objects (NodeError if it is not)."""
    # An empty list is `null` in some engines.
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(entry, Mapping) for entry in value):
        raise unreadable(where, _beginning(value))
    return value


def at(value: Any, *keys: str) -> Any:
    """Give what stands under keys, one within the other; ``None`` if it is not there."""
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def text_of(fields: Any, key: str) -> str:
    """Give the text under a key of an object, empty if there is none."""
    value = fields.get(key) if isinstance(fields, Mapping) else None
    return value if isinstance(value, str) else ""


def part(fields: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Give the object under a key of an object, empty if there is none."""
    value = fields.get(key)
    return value if isinstance(value, Mapping) else {}


def moment(fields: Mapping[str, Any], key: str) -> datetime | None:
    """Give the date under a key of an object, ``None`` if there is none that can be read."""
    return date(text_of(fields, key))


def date(text: str) -> datetime | None:
    """Parse a date; ``None`` if it is none, has no time zone, or is Go's zero value or as far away."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None and 1970 < moment.year < _NEVER else None


def _beginning(value: Any) -> str:
    """Give the beginning of a value as JSON: all of it may be long."""
    if isinstance(value, Mapping):
        value = dict(islice(value.items(), 5))
    return json.dumps(value[:5] if isinstance(value, list) else value)[:400]


def unreadable(where: str, answer: str) -> NodeError:
    """Make the error for an answer that cannot be parsed, with the answer in its message."""
    shown = " ".join(answer.split())[:200] or "nothing"
    return NodeError(
        _("%(where)s did not answer with JSON, but with: %(shown)s", where=where, shown=shown),
        _("Does the engine answer there? sudo docker info; sudo journalctl -u docker"),
    )


def _status(line: str, text: str) -> int:
    if not re.fullmatch(r"[0-9]{3}", line.strip()):
        raise unreadable("the engine", text)
    return int(line)
