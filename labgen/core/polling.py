"""Waiting: polling against a deadline, in one place.

Every wait of labgen goes through :func:`wait_until`; a wait that runs out ends in an error that
says what was last seen. Deadlines are stretched by one factor (:class:`Patience`), which the
provider sets: an emulated machine is many times slower than a real one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from labgen.core.errors import LabgenError
from labgen.core.hint import Hints
from labgen.core.i18n import Text, _, untranslated

T = TypeVar("T")


class NotYet(Exception):
    """Raised by what is polled: not there yet, and this is what was seen instead.

    :ivar words: what was seen, in every language.
    """

    def __init__(self, observation: str | Text) -> None:
        self.words = observation if isinstance(observation, Text) else untranslated(observation)
        super().__init__(str(self.words))


class Hopeless(NotYet):
    """Raised by what is polled: it cannot come true any more, and this is why."""


GRACE = 3.0
"""Seconds for which that must be seen: what was just told to change may not yet show that it does."""


def pause(seconds: float) -> None:
    """Wait between two looks."""
    time.sleep(seconds)


@dataclass(frozen=True)
class Patience:
    """How much slower than an ordinary machine the lab is; every deadline is multiplied by it."""

    factor: float = 1.0

    def seconds(self, plain: float) -> float:
        """Give a deadline in seconds, for this lab."""
        return plain * self.factor


def wait_until(
    what: str | Text,
    look: Callable[[], T],
    *,
    within: float,
    every: float = 0.5,
    error: type[LabgenError] = LabgenError,
    hint: str | Text | Hints = "",
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = pause,
) -> T:
    """Poll ``look`` until it returns, and hand on what it returned.

    :param what: what is waited for, as the end of "waited for …".
    :param look: returns when it is there; raises :class:`NotYet` with what was seen while it is not, and
        :class:`Hopeless` where it cannot be any more, which ends the wait soon.
    :param within: deadline in seconds. ``look`` is called at least once, and once more after the
        deadline has passed during a pause, so that a slow look is not taken for a failure.
    :param every: pause between two looks, in seconds; grows to four times this, so that a long wait
        does not burden the node it watches.
    :param error: raised when the deadline passes, with the last thing seen.
    """
    start = clock()
    gap = every
    given_up: float | None = None
    while True:
        try:
            return look()
        except NotYet as not_yet:
            last = not_yet.words
            if not isinstance(not_yet, Hopeless):
                given_up = None
            elif given_up is None:
                given_up = clock()
        spent = clock() - start
        if given_up is not None and clock() - given_up >= GRACE:
            raise error(
                _(
                    "waited %(seconds).0f s for %(what)s, which cannot come any more: %(last)s",
                    seconds=spent,
                    what=what,
                    last=last,
                ),
                hint,
            )
        if spent >= within:
            raise error(
                _("waited %(seconds).0f s for %(what)s; last seen: %(last)s", seconds=spent, what=what, last=last), hint
            )
        pause(min(gap, max(within - spent, 0.0)))
        gap = min(gap * 1.3, every * 4)
