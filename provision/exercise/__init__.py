"""Exercises carried out: ``provision/exercise/<name>.py`` for the exercise of that name."""

from __future__ import annotations

import importlib
from collections.abc import Callable

from labgen.capabilities import Lacks
from labgen.course import find
from labgen.inventory import Inventory
from labgen.lab import Lab
from provision.exercise.steps import Run, Say, Script, print_out


def carry_out(name: str, inventory: Inventory, *, say: Say) -> None:
    """Carry an exercise out, showing what a learner should see.

    :param say: where each line goes.
    :raises ExerciseError: there is no such exercise, or it did not come out as it should.
    """
    exercise = find(name)
    Run(inventory, exercise, say).play(_script(name, inventory.lab))


def rehearse(name: str, lab: Lab, lacks: Lacks, *, say: Say) -> None:
    """Print an exercise's commands in order; needs no machine.

    :param lacks: what the lab's nodes cannot do where they run, as far as that is known.
    :raises ExerciseError: there is no such exercise.
    """
    exercise = find(name)
    print_out(exercise, _script(name, lab), lacks, say)


def _script(name: str, lab: Lab) -> Script:
    script: Script = importlib.import_module(f"{__name__}.{name}").script(lab)
    return script


def reset(name: str, inventory: Inventory, *, say: Say) -> None:
    """Remove what an exercise has made, from any state.

    :raises ExerciseError: there is no such exercise.
    """
    exercise = find(name)
    undo: Callable[[Run], None] = importlib.import_module(f"{__name__}.{name}").reset
    undo(Run(inventory, exercise, say))
