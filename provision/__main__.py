"""``python -m provision TASK``: fab's tasks without a fabfile, for labgen's own command line."""

from __future__ import annotations

from fabric.config import Config
from fabric.executor import Executor
from fabric.main import Fab
from invoke import Collection

from labgen import __version__
from provision.tasks import namespace


def main(tasks: Collection = namespace) -> None:
    """Run fab with labgen's tasks."""
    Fab(name="labgen", version=__version__, namespace=tasks, executor_class=Executor, config_class=Config).run()


if __name__ == "__main__":
    main()
