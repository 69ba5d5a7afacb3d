"""Signals that end a process: it ends what it has started first."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")

ENDING = tuple(signal.Signals[name] for name in _NAMES if name in signal.Signals.__members__)
"""Signals by which a process is ended: Ctrl-C, ``kill``, a terminal that is closed."""


@contextlib.contextmanager
def as_interrupts() -> Iterator[None]:
    """Have every signal that ends this process raise ``KeyboardInterrupt``, as Ctrl-C does."""

    def interrupt(number: int, _frame: FrameType | None) -> None:
        # Once: a second one must not keep it from ending what it has started.
        signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    # What is ignored stays so: nohup.
    numbers = [number for number in ENDING if _is_main_thread() and signal.getsignal(number) == signal.SIG_DFL]
    for number in numbers:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)


class Held:
    """Signals that arrive while a program is started: held until the program is known, and can be ended.

    ``subprocess.Popen`` that is interrupted forgets a program that it has started already.
    """

    def __init__(self) -> None:
        self._handlers: dict[int, Callable[[int, FrameType | None], object]] = {}
        self._arrived: list[int] = []
        for number in ENDING if _is_main_thread() else ():
            handler = signal.getsignal(number)
            if callable(handler):
                self._handlers[number] = handler
                signal.signal(number, lambda number, _frame: self._arrived.append(number))

    def deliver(self) -> None:
        """Let them through, those that have arrived first.

        :raises KeyboardInterrupt: one has.
        """
        handlers, self._handlers = self._handlers, {}
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for number in self._arrived:
            handlers[number](number, None)


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
