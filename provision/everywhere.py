"""Doing something on several nodes at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

from labgen.core.errors import LabgenError
from labgen.core.i18n import listed
from labgen.model.lab import Node

T = TypeVar("T")


def everywhere(nodes: Sequence[Node], do: Callable[[Node], T]) -> list[T]:
    """Do something on several nodes at once; all get their chance before the first error is raised.

    Errors of several nodes become one that names them all. On Ctrl-C nothing is waited for: whoever
    catches it closes the connections, which ends what still runs.
    """
    if not nodes:
        return []
    pool = ThreadPoolExecutor(max_workers=min(len(nodes), 32))
    try:
        futures = [pool.submit(do, node) for node in nodes]
        wait(futures)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    errors: dict[str, LabgenError] = {}
    for future in futures:
        error = future.exception()
        if isinstance(error, LabgenError):
            errors.setdefault(error.message, error)
        elif error is not None:
            raise error
    if not errors:
        return [future.result() for future in futures]
    first = next(iter(errors.values()))
    if len(errors) > 1:
        raise type(first)(listed((error.words for error in errors.values()), "\n"), first.hints)
    raise first
