"""``python -m verify``: pytest on the checks, for `labgen grade`, with labgen's own settings and exit statuses."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from labgen.core.errors import GRADED, INTERRUPTED, LabgenError
from verify.verdicts import REFUSED, UNWRITTEN

CHECKS = Path(__file__).parent

SETTINGS = (
    "-c",
    str(CHECKS / "grading.ini"),
    f"--rootdir={CHECKS.parent}",
    "-p",
    "verify.plugin",
)
"""pytest's options by which it looks at nothing of the working directory's. The plugin is named: pytest may have been
told to load none by itself."""


class Outcome:
    """A plugin for pytest that keeps why a run came to no grade.

    :ivar error: what labgen has found wrong.
    :ivar broken: what was raised in the run itself, and where.
    :ivar interrupted: by Ctrl-C.
    """

    def __init__(self) -> None:
        self._config: pytest.Config | None = None
        self.broken = ""
        self.interrupted = False

    @property
    def error(self) -> LabgenError | None:
        """Give the error that labgen has found, where it has found one."""
        if self._config is None:
            return None
        return self._config.stash.get(REFUSED, None) or self._config.stash.get(UNWRITTEN, None)

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Keep what is noted in."""
        self._config = config

    @pytest.hookimpl(tryfirst=True)
    def pytest_internalerror(self, excrepr: Any, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Keep it, and have pytest print it in place of a stack trace."""
        entry = excinfo.traceback[-1]
        self.broken = f"{excinfo.exconly()} ({Path(entry.path).name}, line {entry.lineno + 1})"
        excrepr.toterminal = lambda terminal: terminal.line(self.broken)

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Keep whether it was one."""
        self.interrupted = excinfo.errisinstance(KeyboardInterrupt)


def main(options: Sequence[str] | None = None) -> int:
    """Run the checks; gives an exit status of :mod:`labgen.core.errors`."""
    outcome = Outcome()
    status = int(
        pytest.main([*SETTINGS, *(sys.argv[1:] if options is None else options), str(CHECKS)], plugins=[outcome])
    )
    if outcome.broken:
        print(f"error: the checks broke down: {outcome.broken}\n  That is a fault of labgen's.", file=sys.stderr)
        return LabgenError.exit_status
    if outcome.error is not None:
        return outcome.error.exit_status
    if outcome.interrupted:
        return INTERRUPTED
    return status if status in GRADED else LabgenError.exit_status


if __name__ == "__main__":
    sys.exit(main())
