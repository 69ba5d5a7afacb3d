"""The command line. Each command is a module, imported only when its command is given: `--help` stays quick."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from labgen.cli.language import chosen
from labgen.core.console import guarded, need_working_folder
from labgen.core.environment import import_nothing_from_the_working_folder


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status (see :mod:`labgen.core.errors`).

    :param argv: words after the program's name; those of this process where ``None``.
    """
    words = sys.argv[1:] if argv is None else argv
    with chosen(words), guarded() as command:
        need_working_folder()
        # Before anything is imported that is not labgen's own or Python's.
        import_nothing_from_the_working_folder()
        from labgen.cli import root

        command.status = root.run(words)
    return command.status
