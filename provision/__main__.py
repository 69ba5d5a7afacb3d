"""``python -m provision TASK``: fab's tasks without a fabfile, for labgen's own command line."""

from __future__ import annotations

import sys

from fabric.config import Config
from fabric.executor import Executor
from fabric.main import Fab
from invoke import Collection

from labgen import __version__
from labgen.core.console import guarded
from provision.tasks import namespace


def main(tasks: Collection = namespace) -> int:
    """Run fab with labgen's tasks; gives the exit status."""
    program = Fab(name="labgen", version=__version__, namespace=tasks, executor_class=Executor, config_class=Config)
    with guarded() as command:
        program.run()
    return command.status


if __name__ == "__main__":
    sys.exit(main())
