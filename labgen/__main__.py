"""``python -m labgen``: the command line where the program ``labgen`` cannot be started, or is not on PATH."""

from __future__ import annotations

import sys

from labgen.cli import main

if __name__ == "__main__":
    sys.exit(main())
