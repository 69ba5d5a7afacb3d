"""The command line. Each command is a module, imported only when its command is given: `--help` stays quick."""

from labgen.cli.root import main

__all__ = ["main"]
