"""Exercises carried out: ``labgen/exercises/NAME/steps.py`` for the exercise of that name."""

from __future__ import annotations

from types import ModuleType

from labgen.core.atomic_files import write_whole
from labgen.core.errors import ExerciseError
from labgen.core.i18n import _
from labgen.exercise.catalogue import find, import_part
from labgen.exercise.model import Exercise
from labgen.machines.inventory import Inventory
from labgen.model.capabilities import Lacks
from labgen.model.lab import Lab
from labgen.transport.output import Say
from provision.exercise import leftovers, services
from provision.exercise.ready import make_ready
from provision.exercise.run import Run
from provision.exercise.steps import Script, play, print_out


def carry_out(name: str, inventory: Inventory, *, say: Say) -> None:
    """Carry an exercise out, showing what a learner should see; what it spent is left in the lab's folder.

    :param say: where each line goes.
    :raises ExerciseError: there is no such exercise, the lab is too small for it, or it did not come out as
        it should.
    :raises SwarmError: the lab's swarm is not whole.
    """
    exercise = _fitting(name, inventory.lab)
    run = Run(inventory, exercise, say)
    # What such an exercise has stopped runs at its end, whatever failed in the middle, and at its beginning.
    restore = getattr(_module(name), "restore", _leave)
    restore(run)
    make_ready(run)
    make_way(run)
    try:
        with leftovers.noted(run) as begin:
            spent = play(run, _script(name, inventory.lab), begin)
    finally:
        restore(run)
    write_whole(inventory.folder.spent(name), spent.to_json() + "\n")


def rehearse(name: str, lab: Lab, lacks: Lacks, *, say: Say) -> None:
    """Print an exercise's commands in order; needs no machine.

    :param lacks: what the lab's nodes cannot do where they run, as far as that is known.
    :raises ExerciseError: there is no such exercise, or the lab is too small for it.
    """
    print_out(_fitting(name, lab), _script(name, lab), lacks, say)


def reset(name: str, inventory: Inventory, *, say: Say) -> None:
    """Remove what an exercise has made, from any state.

    :raises ExerciseError: there is no such exercise.
    """
    run = Run(inventory, find(name), say)
    undo = getattr(_module(name), "reset", services.clear)
    undo(run)
    leftovers.forget(inventory.folder, name)
    run.say(_("%(exercise)s: everything that it made is removed.", exercise=name))


def make_way(run: Run) -> None:
    """Remove the services that an earlier run has left which did not come to its end."""
    if names := leftovers.of_earlier_run(run):
        run.remark(
            _(
                "An earlier run of %(exercise)s was interrupted. Its services are removed first.",
                exercise=run.exercise.name,
            )
        )
        services.remove_services(run, names)


def _leave(run: Run) -> None:
    """Most exercises stop nothing that would have to be started again."""


def _fitting(name: str, lab: Lab) -> Exercise:
    exercise = find(name)
    if lacking := exercise.lacking(lab):
        raise ExerciseError(lacking, _("Set %(sizes)s in lab.yml, then: labgen up", sizes=exercise.enlarged(lab)))
    return exercise


def _script(name: str, lab: Lab) -> Script:
    script: Script = _module(name).script(lab, find(name).parameters)
    return script


def _module(name: str) -> ModuleType:
    return import_part(find(name), "steps")
