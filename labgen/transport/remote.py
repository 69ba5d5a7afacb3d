"""How a program is started as root on a node."""

from __future__ import annotations

import shlex

SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin:/snap/bin"
"""Where programs are looked for: the distribution's own first, so that none in their stead is run."""


def root_command(script: str) -> str:
    """Give the command line, for the shell of a login, that runs a POSIX shell script as root."""
    return f"sudo -n LC_ALL=C.UTF-8 sh -c {shlex.quote(f'PATH={SYSTEM_PATH}; export PATH; {script}')}"
