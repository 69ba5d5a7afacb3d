"""Update options carried out: two replicas at a time with a pause between, then start-first; read from the history."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from labgen.core.errors import ExerciseError
from labgen.core.polling import NotYet
from labgen.docker.timeline import Turn, at_once, most_missing, updates
from labgen.exercise.services import same_image
from labgen.exercises.update.exercise import NEW, OLD
from labgen.model.lab import Lab
from provision.exercise import services
from provision.exercise.run import Run
from provision.exercise.steps import Command, Script, Step
from provision.exercise.timing import Timer, watched
from provision.exercise.watching import tell_turns

from .exercise import DELAY, IN_PAIRS, MONITOR, PARALLELISM, SERVICE, START_FIRST, UPDATE_IN_PAIRS, UPDATE_START_FIRST

BETWEEN = Timer(f"an update pauses between replicas (--update-delay {DELAY:g}s)", DELAY)

SLACK = 0.5
"""Seconds by which two nodes' clocks may differ unnoticed."""


def script(lab: Lab) -> Script:
    """List the steps, in order."""
    return [
        services.create(
            lab,
            SERVICE,
            f"Create {SERVICE.name}: {SERVICE.replicas} replicas.",
            also=(IN_PAIRS, START_FIRST),
            shows=_shows,
        ),
        services.show(lab, SERVICE.name),
        Step(
            lab.first_manager,
            f"Update {PARALLELISM} replicas at a time, with a pause of {DELAY:g} s: the old task stops first.",
            Command(UPDATE_IN_PAIRS),
            skip_if=partial(_already_shown, of=_to_new),
            until=partial(_see_update, of=_to_new, judge=in_pairs),
            quiet=True,
            within=300,
            timers=(BETWEEN, *watched(MONITOR)),
        ),
        Step(
            lab.first_manager,
            "Replace every task once more, one at a time: the new task starts first, the old one stops when it runs.",
            Command(UPDATE_START_FIRST),
            skip_if=partial(_already_shown, of=_forced),
            until=partial(_see_update, of=_forced, judge=start_first),
            quiet=True,
            within=300,
            timers=watched(MONITOR),
        ),
        services.show(lab, SERVICE.name, "See the history: of each replica the task that runs, and the two before it."),
    ]


def _to_new(turn: Turn) -> bool:
    return same_image(turn.old.image, OLD) and same_image(turn.new.image, NEW)


def _forced(turn: Turn) -> bool:
    return same_image(turn.old.image, NEW) and same_image(turn.new.image, NEW)


def _update(run: Run, of: Callable[[Turn], bool]) -> list[Turn]:
    """Find the latest update of a kind that the history shows with all its times; empty if there is none."""
    candidates = [update for update in updates(run.lived(SERVICE.name)) if len(update) == SERVICE.replicas]
    dated = [update for update in candidates if all(of(turn) and turn.gap is not None for turn in update)]
    return dated[-1] if dated else []


def _shows(run: Run) -> bool:
    """Tell whether the history shows the updates that the service's options say it has been through."""
    service = run.service(SERVICE.name)
    if not service.settled:
        return True  # An update goes on: what comes of it is to be seen.
    pairs, forced = _update(run, _to_new), _update(run, _forced)
    well = bool(pairs) and not in_pairs(pairs)
    return well and (service.update != START_FIRST.update or (bool(forced) and not start_first(forced)))


def _already_shown(run: Run, of: Callable[[Turn], bool]) -> str | None:
    return f"The history of {SERVICE.name} shows this update already." if _update(run, of) else None


def _see_update(run: Run, of: Callable[[Turn], bool], judge: Callable[[list[Turn]], str]) -> None:
    services.running(run, SERVICE.name)

    def look() -> list[Turn]:
        # The last old task may still be at its end when the update is complete.
        if not (happened := _update(run, of)):
            raise NotYet("not every replica has its old task and its new one, with their times")
        return happened

    happened = run.look(f"the update in the history of {SERVICE.name}", look, within=30)
    tell_turns(run, run.service(SERVICE.name), happened)
    if wrong := judge(happened):
        raise ExerciseError(
            f"the history of {SERVICE.name} {wrong}.",
            f"Begin the exercise anew with: fab exercise.reset {run.exercise.name}",
        )


def in_pairs(happened: list[Turn]) -> str:
    """Tell what is wrong with the update of two at a time; empty if nothing is."""
    if at_once(happened) != PARALLELISM or most_missing(happened) > PARALLELISM:
        return f"shows {at_once(happened)} replicas changed at a time, and {most_missing(happened)} missing"
    if at_once(happened, DELAY - SLACK) > PARALLELISM:
        return f"shows no pause of {DELAY:g} s before the next replicas"
    return ""


def start_first(happened: list[Turn]) -> str:
    """Tell what is wrong with the update that starts first; empty if nothing is."""
    late = [turn.place for turn in happened if turn.gap is None or turn.gap >= 0]
    return f"shows replica {', '.join(late)} stopped before its successor ran" if late else ""
