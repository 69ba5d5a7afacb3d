"""What every shell on a node begins with, whoever opens it."""

from __future__ import annotations

SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin:/snap/bin"
"""Where programs are looked for: the distribution's own first, so that none in their stead is run."""
