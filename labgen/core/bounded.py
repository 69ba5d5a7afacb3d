"""Read what a program prints, up to a limit: one on someone else's machine may print without end."""

from __future__ import annotations

import subprocess
import threading
import time
from typing import IO, Protocol

_AT_ONCE = 65536


class TooMuch(Exception):
    """More was printed than may be."""


class Late(Exception):
    """It did not end in time."""


class Readable(Protocol):
    """What bytes are read from."""

    def read(self, size: int, /) -> bytes:
        """Read at most so many bytes; none at the end."""
        ...


def read(file: Readable, most: int) -> bytearray:
    """Read a file to its end.

    :param most: bytes that it may have.
    :raises TooMuch: it has more.
    """
    content = bytearray()
    while part := file.read(_AT_ONCE):
        content += part
        if len(content) > most:
            raise TooMuch
    return content


def text(raw: bytes | bytearray, most: int) -> str:
    """Decode what a node printed. What is no UTF-8 comes as U+FFFD.

    :param most: bytes that it may have, and half of those that it may take in memory: one emoji makes a text four times
        as large.
    :raises TooMuch: it is too long.
    """
    widest = max(raw, default=0)
    width = 4 if widest >= 0xF0 else 2 if widest >= 0xC4 else 1
    if len(raw) > most or len(raw) * width > 2 * most:
        raise TooMuch
    return raw.decode("utf-8", "replace")


def outputs(child: subprocess.Popen[str], most: int, timeout: float) -> tuple[bytearray, bytearray]:
    """Read both outputs of a program to their ends.

    :param most: bytes that each may have.
    :param timeout: deadline in seconds.
    :raises TooMuch: one has more; the program goes on.
    :raises Late: the program has not ended in time, and goes on.
    """
    deadline = time.monotonic() + timeout
    flooded = threading.Event()
    ended = threading.Semaphore(0)
    contents: list[bytearray] = [bytearray(), bytearray()]

    def keep(place: int, pipe: IO[str]) -> None:
        try:
            contents[place] = read(pipe.buffer.raw, most)  # type: ignore[attr-defined]
        except TooMuch:
            flooded.set()
        except (OSError, ValueError):
            # Closed under this thread: nobody waits for it any more, because the program was late or printed too much.
            if not pipe.closed:
                raise
        finally:
            ended.release()

    for place, pipe in enumerate((child.stdout, child.stderr)):
        if pipe is not None:
            threading.Thread(target=keep, args=(place, pipe), daemon=True).start()
    for _ in range(2):
        # Whichever comes first to its end, or to its limit.
        if not ended.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise Late
        if flooded.is_set():
            raise TooMuch
    try:
        child.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        raise Late from None
    return contents[0], contents[1]
