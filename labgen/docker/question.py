"""A question to a node that is more than a script: what it asks of shell and engine, and how it is recorded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Page:
    """What came of a request for a page.

    :param status: HTTP status; 0 where there was no answer, and ``body`` says why.
    :param endless: it has more bytes than are read, and ``body`` is empty.
    """

    status: int
    body: str
    endless: bool = False


@dataclass(frozen=True)
class Reply:
    """What an engine answered to a request that is more than a question: HTTP status, and its body as it came."""

    status: int
    body: bytes


class NodeAccess(Protocol):
    """What a question can ask of one node."""

    def run(self, script: str) -> str:
        """Run a script as root, and return what it printed; NodeError where that fails."""
        ...

    def engine(self, paths: Sequence[str], within: float = 0) -> str:
        """Ask the engine's API, and return a line for the body of each answer and one for its HTTP status.

        :param paths: of the Docker Engine API, quoted as in a URL.
        :param within: seconds for all of them, not stretched; the question's own deadline where 0.
        :raises NodeError: the engine gave no answer.
        """
        ...

    def request(self, method: str, path: str, content: bytes = b"", within: float = 0) -> Reply:
        """Have the engine do something, over a connection of its own; it is never asked a second time.

        :param path: of the Docker Engine API, quoted as in a URL.
        :param content: the body of the request: JSON, or a tar archive for PUT.
        :param within: as of :meth:`engine`.
        :raises NodeError: the engine gave no answer.
        """
        ...

    def page(self, address: str, port: int, within: float, most: int) -> Page:
        """Request the page ``/`` from the node, over a connection of its own.

        :param within: deadline in seconds, not stretched.
        :param most: bytes that are read of it.
        :raises NodeError: the node cannot be reached, or makes no requests.
        """
        ...


@dataclass(frozen=True)
class Question:
    """Something that a node is asked.

    :param script: the shell script with which a person on the node asks the same; the question is recorded under it,
        and the answer is in the form that the script prints.
    :param answer: asks.
    """

    script: str
    answer: Callable[[NodeAccess], str]


Ask = Callable[[Question], str]
"""Puts a question to a node and returns the answer; raises NodeError if there is none."""
