"""`labgen brief`: what an exercise asks of the learner."""

from __future__ import annotations

import argparse

from labgen import config
from labgen.core.i18n import spoken
from labgen.core.words import Language, Words
from labgen.core.workspace import LabFolder
from labgen.exercise.catalogue import find
from labgen.machines.inventory import lab_of
from labgen.model.lab import Lab

_NOT_APPLICABLE = Words("Not applicable here", "여기에서는 해당 없음")


def run(arguments: argparse.Namespace) -> int:
    """Print it, in Korean where this computer speaks Korean; last, what the nodes of this lab cannot do of it."""
    exercise = find(arguments.exercise)
    language: Language = arguments.lang or spoken()
    told = _of_this_lab(exercise.brief.in_(language), lab_of(LabFolder.at(arguments.folder).path))
    print(f"# {exercise.title.in_(language)}\n\n{told}", end="")
    state = LabFolder.at(arguments.folder).state()
    for lacking, why in (state.lacks if state else {}).items():
        if lacking in exercise.instead:
            told = exercise.instead[lacking].in_(language)
            print(f"\n## {_NOT_APPLICABLE.in_(language)}: {lacking}\n\n{why[:1].upper()}{why[1:]}.\n\n{told}", end="")
    return 0


def _of_this_lab(text: str, lab: Lab) -> str:
    """A brief with this lab's names and addresses in the place of the course's."""
    course = config.load()
    own = {"manager": lab.managers, "worker": lab.workers}
    for role, theirs in (("manager", course.managers), ("worker", course.workers)):
        for node, mine in zip(theirs, own[role], strict=False):
            text = text.replace(str(node.address), str(mine.address)).replace(node.name, mine.name)
    return text
