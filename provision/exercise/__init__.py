"""Exercises carried out: ``provision/exercise/<name>.py`` for the exercise of that name."""

from __future__ import annotations

import importlib
from collections.abc import Callable

from labgen.course import find
from labgen.inventory import Inventory
from provision.exercise.steps import Run, Say, Script


def carry_out(name: str, inventory: Inventory, *, say: Say, dry_run: bool = False) -> None:
    """Carry an exercise out, showing what a learner should see.

    :param say: where each line goes.
    :param dry_run: print the commands in order instead of running them.
    :raises ExerciseError: there is no such exercise, or it did not come out as it should.
    """
    exercise = find(name)
    script: Script = importlib.import_module(f"{__name__}.{name}").script(inventory.lab)
    Run(inventory, exercise, say).play(script, dry_run=dry_run)


def reset(name: str, inventory: Inventory, *, say: Say) -> None:
    """Remove what an exercise has made, from any state.

    :raises ExerciseError: there is no such exercise.
    """
    exercise = find(name)
    undo: Callable[[Run], None] = importlib.import_module(f"{__name__}.{name}").reset
    undo(Run(inventory, exercise, say))
