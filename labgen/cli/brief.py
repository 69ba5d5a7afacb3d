"""`labgen brief`: what an exercise asks of the learner."""

from __future__ import annotations

import click

from labgen import config
from labgen.cli.declare import argument
from labgen.cli.folders import exercise_named, with_own_exercises
from labgen.cli.parameters import ExerciseName
from labgen.core.i18n import _, ui_language
from labgen.machines.inventory import lab_of
from labgen.model.lab import Lab
from labgen.model.lab_folder import LabFolder

_NOT_APPLICABLE = _("Not applicable here")


@click.command
@argument("exercise", type=ExerciseName(), metavar="EXERCISE")
@with_own_exercises
def command(folder: LabFolder, exercise: str) -> int:
    """Print an exercise's brief with this lab's names; last, what the nodes of this lab cannot do of it."""
    task = exercise_named(exercise)
    language = ui_language()
    brief = _of_this_lab(task.brief(language), lab_of(folder.path))
    print(f"# {task.title.in_(language)}\n\n{brief}", end="")
    state = folder.state()
    for lacking, reason in (state.lacks if state else {}).items():
        if lacking in task.instead:
            heading = f"{_NOT_APPLICABLE.in_(language)}: {lacking}"
            instead = task.instead_of(lacking).in_(language)
            print(f"\n## {heading}\n\n{reason[:1].upper()}{reason[1:]}.\n\n{instead}", end="")
    return 0


def _of_this_lab(text: str, lab: Lab) -> str:
    """Give a brief with this lab's names and addresses in the place of the course's."""
    course = config.load()
    own = {"manager": lab.managers, "worker": lab.workers}
    for role, theirs in (("manager", course.managers), ("worker", course.workers)):
        for node, mine in zip(theirs, own[role], strict=False):
            text = text.replace(str(node.address), str(mine.address)).replace(node.name, mine.name)
    return text
