"""A cache that asks once, and keeps the answer or the error."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Generic, TypeVar

from labgen.core.errors import LabgenError, NodeError
from labgen.docker.api import UNREADABLE
from labgen.model.lab import Node
from labgen.transport import tracing

T = TypeVar("T")


class Cached(Generic[T]):
    """An answer that is asked for once, or the error there was instead."""

    def __init__(self, ask: Callable[[], T]) -> None:
        self._error: LabgenError | None = None
        with tracing.gather() as self._behind:
            try:
                self._value = ask()
            except LabgenError as error:
                self._error = error
            except UNREADABLE as why:
                # Of one node's odd answer nothing may come but this: others are asked at the same time.
                self._error = NodeError(
                    f"what was answered cannot be read ({type(why).__name__}: {' '.join(str(why).split())[:120]}).",
                    "Does the engine answer there? sudo docker info; sudo journalctl -u docker",
                )

    def get(self) -> T:
        """Give the answer, or raise the error again."""
        tracing.looked_at(self._behind)
        if self._error is not None:
            raise type(self._error)(self._error.words, self._error.hints)
        return self._value


def side_by_side(nodes: Iterable[Node], ask: Callable[[Node], T]) -> dict[str, Cached[T]]:
    """Ask several nodes at the same time, and give the answers or errors by the nodes' names."""
    targets = list(nodes)
    if not targets:
        return {}
    with ThreadPoolExecutor(max_workers=min(8, len(targets))) as pool:
        return dict(
            zip(
                [node.name for node in targets], pool.map(lambda node: Cached(partial(ask, node)), targets), strict=True
            )
        )
