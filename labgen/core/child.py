"""Run a module as a program that tells an interrupt from its first import on: ``python -m labgen.core.child MODULE``.

For what shares the terminal with labgen: Ctrl-C reaches it as well, also while it still imports what it needs.
"""

from __future__ import annotations

import runpy
import signal
import sys

from labgen.core.console import guarded


def main() -> int:
    """Run the module that the first word names, with the words after it; gives its exit status."""
    sys.argv = sys.argv[1:]

    def run() -> int:
        # Started deaf to it (labgen.core.process), so that no interrupt comes before this one place that can tell it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
        return 0

    return guarded(run)


if __name__ == "__main__":
    sys.exit(main())
