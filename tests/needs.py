"""What a unit test needs of the computer, said where it needs it; on Linux, where CI runs, nothing is left out."""

from __future__ import annotations

import os
import sys

import pytest


def linux(reason: str) -> None:
    """Skip the running test except on Linux: it runs what is made for nodes, or looks into ``/proc``."""
    if sys.platform != "linux":
        pytest.skip(f"needs Linux: {reason}")


def posix(reason: str) -> None:
    """Skip the running test on Windows: it needs permission bits, links, signals or ``sh``."""
    if os.name != "posix":
        pytest.skip(f"needs a POSIX system: {reason}")
