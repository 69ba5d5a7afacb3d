"""Update options: two at a time with a pause between, then start-first, each seen in the tasks' own times (2-8)."""

from __future__ import annotations

from labgen.core.i18n import Messages
from labgen.docker.swarm import Update
from labgen.exercise.model import Exercise
from labgen.exercise.services import ServiceSpec
from labgen.exercises.update.exercise import NEW, OLD

_ = Messages.beside(__file__)

MONITOR = 2.0
"""Seconds after each task in which its end counts as the update's failure: short, to wait less."""

PARALLELISM = 2
DELAY = 3.0

SERVICE = ServiceSpec(name="my-cache", image=OLD, replicas=4, update=Update(monitor=MONITOR))
IN_PAIRS = SERVICE.but(image=NEW, update=Update(parallelism=PARALLELISM, delay=DELAY, monitor=MONITOR))
START_FIRST = IN_PAIRS.but(update=Update(order="start-first", monitor=MONITOR))

UPDATE_IN_PAIRS = (
    f"docker service update --update-parallelism {PARALLELISM} --update-delay {DELAY:g}s --image {NEW} {SERVICE.name}"
)
UPDATE_START_FIRST = (
    f"docker service update --update-parallelism 1 --update-delay 0s --update-order start-first --force {SERVICE.name}"
)

EXERCISE = Exercise(
    __name__,
    title=_("Update options"),
    section="2-8",
    order=100,
    summary=_("parallelism, delay and order, as the start and stop times of the tasks show them"),
    services=(SERVICE,),
    later=(IN_PAIRS, START_FIRST),
)
