"""Update options carried out: two replicas at a time with a pause between, then start-first; read from the history."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from labgen.core.errors import ExerciseError
from labgen.core.polling import NotYet
from labgen.docker.timeline import Turn, at_once, most_missing, updates
from labgen.exercise.services import same_image
from labgen.model.lab import Lab
from provision.exercise import services
from provision.exercise.run import Run
from provision.exercise.steps import Command, Script, Step
from provision.exercise.timing import Timer, watched
from provision.exercise.watching import tell_turns

from .exercise import Parameters


def script(lab: Lab, parameters: Parameters) -> Script:
    """List the steps, in order."""
    delay = parameters.delay
    between = Timer(f"an update pauses between replicas (--update-delay {delay:g}s)", delay)
    to_new, forced = partial(_to_new, parameters=parameters), partial(_forced, parameters=parameters)
    return [
        services.create(
            lab,
            parameters.service,
            f"Create {parameters.name}: {parameters.replicas} replicas.",
            also=(parameters.in_pairs, parameters.start_first),
            shows=_shows,
        ),
        services.show(lab, parameters.name),
        Step(
            lab.first_manager,
            f"Update {parameters.parallelism} replicas at a time, {delay:g} s between: the old task stops first.",
            Command(parameters.update_in_pairs),
            skip_if=partial(_already_shown, of=to_new),
            until=partial(_see_update, of=to_new, judge=partial(in_pairs, parameters=parameters)),
            quiet=True,
            within=300,
            timers=(between, *watched(parameters.monitor)),
        ),
        Step(
            lab.first_manager,
            "Replace every task once more, one at a time: the new task starts first, the old one stops when it runs.",
            Command(parameters.update_start_first),
            skip_if=partial(_already_shown, of=forced),
            until=partial(_see_update, of=forced, judge=start_first),
            quiet=True,
            within=300,
            timers=watched(parameters.monitor),
        ),
        services.show(
            lab, parameters.name, "See the history: of each replica the task that runs, and the two before it."
        ),
    ]


def _to_new(turn: Turn, parameters: Parameters) -> bool:
    return same_image(turn.old.image, parameters.old) and same_image(turn.new.image, parameters.new)


def _forced(turn: Turn, parameters: Parameters) -> bool:
    return same_image(turn.old.image, parameters.new) and same_image(turn.new.image, parameters.new)


def _update(run: Run, of: Callable[[Turn], bool]) -> list[Turn]:
    """Find the latest update of a kind that the history shows with all its times; empty if there is none."""
    parameters = run.parameters(Parameters)
    candidates = [update for update in updates(run.lived(parameters.name)) if len(update) == parameters.replicas]
    dated = [update for update in candidates if all(of(turn) and turn.gap is not None for turn in update)]
    return dated[-1] if dated else []


def _shows(run: Run) -> bool:
    """Tell whether the history shows the updates that the service's options say it has been through."""
    parameters = run.parameters(Parameters)
    service = run.service(parameters.name)
    if not service.settled:
        return True  # An update goes on: what comes of it is to be seen.
    pairs = _update(run, partial(_to_new, parameters=parameters))
    forced = _update(run, partial(_forced, parameters=parameters))
    well = bool(pairs) and not in_pairs(pairs, parameters)
    return well and (service.update != parameters.start_first.update or (bool(forced) and not start_first(forced)))


def _already_shown(run: Run, of: Callable[[Turn], bool]) -> str | None:
    parameters = run.parameters(Parameters)
    return f"The history of {parameters.name} shows this update already." if _update(run, of) else None


def _see_update(run: Run, of: Callable[[Turn], bool], judge: Callable[[list[Turn]], str]) -> None:
    parameters = run.parameters(Parameters)
    services.running(run, parameters.name)

    def look() -> list[Turn]:
        # The last old task may still be at its end when the update is complete.
        if not (happened := _update(run, of)):
            raise NotYet("not every replica has its old task and its new one, with their times")
        return happened

    happened = run.look(f"the update in the history of {parameters.name}", look, within=30)
    tell_turns(run, run.service(parameters.name), happened)
    if wrong := judge(happened):
        raise ExerciseError(
            f"the history of {parameters.name} {wrong}.",
            f"Start the exercise over: fab exercise.reset {run.exercise.name}",
        )


def in_pairs(happened: list[Turn], parameters: Parameters) -> str:
    """Tell what is wrong with the update of two at a time; empty if nothing is."""
    if at_once(happened) != parameters.parallelism or most_missing(happened) > parameters.parallelism:
        return f"shows {at_once(happened)} replicas changed at a time, and {most_missing(happened)} missing"
    if at_once(happened, parameters.delay - parameters.slack) > parameters.parallelism:
        return f"shows no pause of {parameters.delay:g} s before the next replicas"
    return ""


def start_first(happened: list[Turn]) -> str:
    """Tell what is wrong with the update that starts first; empty if nothing is."""
    late = [turn.place for turn in happened if turn.gap is None or turn.gap >= 0]
    return f"shows replica {', '.join(late)} stopped before its successor ran" if late else ""
