"""Progress as an argument: steps shown on a terminal, plain lines when piped, silence by default.

Texts that are translated are shown in the user's language.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from labgen.core.i18n import Text, _, shown

if TYPE_CHECKING:
    from rich.status import Status


class Progress:
    """Says nothing; a caller who wants to see the steps hands over one of the others."""

    @contextmanager
    def step(self, what: str | Text) -> Iterator[None]:
        """Tell of a step that takes time: "Booting three machines"."""
        del what
        yield

    def note(self, text: str | Text) -> None:
        """Print a line that stays: a choice made, a thing left out."""

    def detail(self, text: str | Text) -> None:
        """Show for a moment, on a terminal, what is going on inside the step."""


class Lines(Progress):
    """One plain line per step begun and ended, for logs and pipes."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr

    @contextmanager
    def step(self, what: str | Text) -> Iterator[None]:
        start = time.monotonic()
        self._say(f"{shown(what)} ...")
        try:
            yield
        except BaseException:
            self._say(_("%(step)s: failed after %(seconds).1f s", step=what, seconds=time.monotonic() - start))
            raise
        self._say(_("%(step)s: done in %(seconds).1f s", step=what, seconds=time.monotonic() - start))

    def note(self, text: str | Text) -> None:
        self._say(text)

    def _say(self, text: str | Text) -> None:
        print(shown(text), file=self._stream, flush=True)


class Terminal(Progress):
    """A spinner with the step's name and what goes on inside it; a tick or a cross when it ends."""

    def __init__(self) -> None:
        # rich costs 60 ms to import, which `labgen --help` must not pay.
        from rich.console import Console

        self._console = Console(stderr=True, highlight=False, markup=False)
        self._status: Status | None = None
        self._what = ""

    @contextmanager
    def step(self, what: str | Text) -> Iterator[None]:
        from rich.text import Text as Rich

        start = time.monotonic()
        what = shown(what)
        outer, self._what = (self._status, self._what), what
        mark = "✗"
        try:
            with self._console.status(Rich(what)) as status:
                self._status = status
                yield
            mark = "✓"
        finally:
            self._status, self._what = outer
            style = "green" if mark == "✓" else "red"
            spent = f"{time.monotonic() - start:.1f} s"
            self._console.print(Rich.assemble((mark, style), f" {what} ", (spent, "dim")))

    def note(self, text: str | Text) -> None:
        self._console.print(shown(text))

    def detail(self, text: str | Text) -> None:
        if self._status is not None:
            from rich.text import Text as Rich

            self._status.update(Rich.assemble(self._what, "  ", (shown(text)[:100], "dim")))


def for_stream() -> Progress:
    """Choose a progress: a terminal's if standard error is one, else plain lines."""
    return Terminal() if sys.stderr.isatty() else Lines()
