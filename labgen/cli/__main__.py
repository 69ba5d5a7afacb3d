"""``python -m labgen.cli``: the same as ``python -m labgen``."""

from __future__ import annotations

import sys

from labgen.cli import main

if __name__ == "__main__":
    sys.exit(main())
