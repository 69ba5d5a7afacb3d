"""Deadlines of what is read from nodes, by :func:`time.monotonic`."""

from __future__ import annotations

import time


def seconds_until(deadline: float) -> float:
    """Return the seconds until a deadline.

    :raises TimeoutError: it has passed.
    """
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds
