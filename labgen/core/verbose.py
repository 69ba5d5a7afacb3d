"""What labgen starts, shown on standard error for `--verbose`, also by the processes that it starts itself."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess

VERBOSE = "LABGEN_VERBOSE"
"""Environment variable: set, each program that is started is shown."""

_LONGEST = 400
"""Characters of a command that are shown: some bring a script with them."""


def show(argv: Sequence[str]) -> None:
    """Show a command that is started, without its secrets."""
    if os.environ.get(VERBOSE):
        # `labgen --help` must not pay for these.
        import shlex

        from labgen.core.printable import printable
        from labgen.core.redaction import redact

        # A secret in a script ends at a line's end: lines are joined only afterwards.
        command = printable(redact(shlex.join(argv)).replace("\n", " "))
        _print(f"+ {command if len(command) <= _LONGEST else command[: _LONGEST - 4] + ' ...'}")


@contextlib.contextmanager
def shown(argv: Sequence[str], child: subprocess.Popen[str] | subprocess.Popen[bytes]) -> Iterator[None]:
    """Show a command that is started, and when it has ended, how long it took and its exit status."""
    start = time.monotonic()
    show(argv)
    try:
        yield
    finally:
        if os.environ.get(VERBOSE):
            _print(f"  {Path(argv[0]).name}: {time.monotonic() - start:.1f} s, exit status {child.poll()}")


def _print(line: str) -> None:
    # Whoever reads this may have left; the program goes on.
    with contextlib.suppress(OSError):
        print(line, file=sys.stderr, flush=True)
