"""Update options carried out: two replicas at a time with a pause between, then start-first; read from the history."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from labgen.core.errors import ExerciseError
from labgen.core.i18n import NOTHING, Messages, Text
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

_ = Messages.beside(__file__)


def script(lab: Lab, parameters: Parameters) -> Script:
    """List the steps, in order."""
    delay = parameters.delay
    between = Timer(f"an update pauses between replicas (--update-delay {delay:g}s)", delay)
    to_new, forced = partial(_to_new, parameters=parameters), partial(_forced, parameters=parameters)
    return [
        services.create(
            lab,
            parameters.service,
            _("Create %(service)s: %(replicas)s replicas.", service=parameters.name, replicas=parameters.replicas),
            also=(parameters.in_pairs, parameters.start_first),
            shows=_shows,
        ),
        services.show(lab, parameters.name),
        Step(
            lab.first_manager,
            _(
                "Update %(parallelism)s replicas at a time, with a pause of %(delay)g s: the old task stops first.",
                parallelism=parameters.parallelism,
                delay=delay,
            ),
            Command(parameters.update_in_pairs),
            skip_if=partial(_already_shown, of=to_new),
            until=partial(_see_update, of=to_new, judge=partial(in_pairs, parameters=parameters)),
            quiet=True,
            within=300,
            timers=(between, *watched(parameters.monitor)),
        ),
        Step(
            lab.first_manager,
            _("Replace every task once more, one at a time: the new task starts first, then the old one stops."),
            Command(parameters.update_start_first),
            skip_if=partial(_already_shown, of=forced),
            until=partial(_see_update, of=forced, judge=start_first),
            quiet=True,
            within=300,
            timers=watched(parameters.monitor),
        ),
        services.show(
            lab, parameters.name, _("See the history: for each replica, the running task and the two before it.")
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


def _already_shown(run: Run, of: Callable[[Turn], bool]) -> Text | None:
    parameters = run.parameters(Parameters)
    return (
        _("The history of %(service)s already shows this update.", service=parameters.name)
        if _update(run, of)
        else None
    )


def _see_update(run: Run, of: Callable[[Turn], bool], judge: Callable[[list[Turn]], Text]) -> None:
    parameters = run.parameters(Parameters)
    services.running(run, parameters.name)

    def look() -> list[Turn]:
        # The last old task may still be at its end when the update is complete.
        if not (happened := _update(run, of)):
            raise NotYet(_("the history does not yet have the old and the new task of every replica, with their times"))
        return happened

    happened = run.look(_("the update in the history of %(service)s", service=parameters.name), look, within=30)
    tell_turns(run, run.service(parameters.name), happened)
    if wrong := judge(happened):
        raise ExerciseError(
            _("the history of %(service)s is wrong: %(reason)s.", service=parameters.name, reason=wrong),
            run.start_over,
        )


def in_pairs(happened: list[Turn], parameters: Parameters) -> Text:
    """Tell what is wrong with the update of two at a time; empty if nothing is."""
    if at_once(happened) != parameters.parallelism or most_missing(happened) > parameters.parallelism:
        return _(
            "replicas changed at a time: %(changed)s; replicas missing: %(missing)s",
            changed=at_once(happened),
            missing=most_missing(happened),
        )
    if at_once(happened, parameters.delay - parameters.slack) > parameters.parallelism:
        return _("there was no pause of %(delay)g s before the next replicas", delay=parameters.delay)
    return NOTHING


def start_first(happened: list[Turn]) -> Text:
    """Tell what is wrong with the update that starts first; empty if nothing is."""
    late = [turn.place for turn in happened if turn.gap is None or turn.gap >= 0]
    return _("replica %(replicas)s stopped before its successor ran", replicas=", ".join(late)) if late else NOTHING
