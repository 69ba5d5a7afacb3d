"""The pages that nodes get through a published port: asked for once, from every node at the same time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from labgen.core.errors import LabgenError, NodeError
from labgen.core.polling import NotYet
from labgen.docker import http_check
from labgen.docker.api import UNREADABLE
from labgen.docker.hopeless import begun_lately
from labgen.docker.http_check import Requests
from labgen.model.lab import Node
from labgen.observation.commands import CommandFailed
from verify.cached import Cached, side_by_side
from verify.listeners import listens

if TYPE_CHECKING:
    from verify.exam import Exam

_MESH = 10.0
"""Seconds that the routing mesh has to know a task that has just started."""


class Pages:
    """The answers to requests of nodes, by the node that asks and the port."""

    def __init__(self, exam: Exam) -> None:
        self._exam = exam
        self._pages: dict[tuple[str, int], Cached[dict[str, Requests]]] = {}

    def through(self, node: Node, port: int) -> Requests:
        """Give the answers to requests that the first manager makes to a node's address."""
        return self._requests_of(self._exam.lab.first_manager, port).get(str(node.address), Requests(()))

    def itself(self, node: Node, port: int) -> Requests:
        """Give the answers to requests that a node makes to its own address."""
        return self._requests_of(node, port).get(str(node.address), Requests(()))

    def asked_for(self) -> Iterator[tuple[str, int, dict[str, Requests]]]:
        """Give the requests that checks have asked for: node that made them, port, and answers by address."""
        for (node, port), answers in self._pages.items():
            with suppress(LabgenError):
                yield node, port, answers.get()

    def _requests_of(self, by: Node, port: int) -> dict[str, Requests]:
        if (by.name, port) not in self._pages:
            # The first manager asks every node, every other node itself; all of them at the same time.
            asking = [node for node in self._exam.graded_and(by) if node == by or self._open(node, port)]
            asking = [node for node in asking if (node.name, port) not in self._pages]
            requests = side_by_side(asking, lambda node: self._request(node, port))
            self._pages |= {(name, port): result for name, result in requests.items()}
        return self._pages[by.name, port].get()

    def _request(self, by: Node, port: int) -> dict[str, Requests]:
        targets = self._exam.lab.nodes if by == self._exam.lab.first_manager else (by,)
        addresses = [str(node.address) for node in targets if self._open(node, port)]
        last: dict[str, Requests] = {}

        def look() -> None:
            last.update(http_check.ask(partial(self._exam.ask_node, by), addresses, port, self._exam.seconds(3)))
            services = self._exam.swarm.services.values()
            looked = self._exam.looked  # known as soon as the swarm is
            lately = looked is not None and begun_lately(services, port, looked, self._exam.seconds(_MESH))
            if lately and any(last[address].refused for address in addresses):
                raise NotYet("a request was not answered")

        if addresses:
            self._exam.settle("the routing mesh", look, within=self._exam.seconds(_MESH))
        return last

    def _open(self, node: Node, port: int) -> bool:
        """Tell whether it is worth asking: where the port is known to be shut, every request would be waited for."""
        try:
            return listens(self._exam.testinfra(node), "tcp", port, str(node.address))
        except (NodeError, CommandFailed, *UNREADABLE):
            return False
