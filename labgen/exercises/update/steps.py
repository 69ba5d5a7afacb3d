"""The rolling update carried out: made in the old version, updated, and the servers asked what they are."""

from __future__ import annotations

import functools

from labgen.core.errors import ExerciseError
from labgen.core.i18n import NOTHING, Messages, Text
from labgen.docker.swarm import Service
from labgen.docker.timeline import most_missing, turns
from labgen.exercise.services import same_image
from labgen.model.lab import Lab, Node
from provision.exercise import services
from provision.exercise.run import Run
from provision.exercise.steps import Command, Script, Step
from provision.exercise.timing import MONITOR, VERIFY
from provision.exercise.watching import tell_turns

from .exercise import Parameters

_ = Messages.beside(__file__)


def script(lab: Lab, parameters: Parameters) -> Script:
    """List the steps, in order."""
    return [
        services.create(
            lab,
            parameters.service,
            _(
                "Create %(service)s: %(replicas)s replicas of the old version.",
                service=parameters.name,
                replicas=parameters.replicas,
            ),
            also=(parameters.updated,),
            shows=_shows,
        ),
        services.show(lab, parameters.name),
        *_versions(lab),
        Step(
            lab.first_manager,
            _("Update the image: one task stops, its successor starts and is watched, then the next."),
            Command(parameters.update),
            skip_if=_updated,
            until=_one_after_the_other,
            quiet=True,
            within=300,
            timers=(MONITOR, VERIFY),
        ),
        services.show(lab, parameters.name, _("See the history: below each running task is the one that it replaced.")),
        *_versions(lab),
    ]


def _versions(lab: Lab) -> list[Step]:
    return [
        Step(
            node,
            _("Ask the server here for its version."),
            functools.partial(_version, node=node),
            placeholder="docker exec CONTAINER redis-server --version",
        )
        for node in lab.nodes
    ]


def _version(run: Run, node: Node) -> Command | Text:
    parameters = run.parameters(Parameters)
    tasks = run.placed(run.service(parameters.name)).get(node.name)
    if not tasks:
        return _("no task of %(service)s runs on %(node)s.", service=parameters.name, node=node.name)
    return Command(f"docker exec {tasks[0].container_id[:12]} redis-server --version")


def _updated(run: Run) -> Text | None:
    parameters = run.parameters(Parameters)
    service = run.service(parameters.name)
    return (
        _("%(service)s runs %(image)s already.", service=parameters.name, image=parameters.new)
        if same_image(service.image, parameters.new)
        else None
    )


def _one_after_the_other(run: Run) -> None:
    parameters = run.parameters(Parameters)
    services.running(run, parameters.name)
    service = run.service(parameters.name)
    tell_turns(run, service, turns(service))
    if wrong := not_in_turn(service, parameters):
        raise ExerciseError(
            _("the history of %(service)s is wrong: %(reason)s.", service=parameters.name, reason=wrong),
            _("Run the exercise again: labgen run %(exercise)s", exercise=run.exercise.name),
        )


def _shows(run: Run) -> bool:
    """Tell whether the history shows the update as it should be, or the update still goes on."""
    parameters = run.parameters(Parameters)
    service = run.service(parameters.name)
    return not service.settled or not not_in_turn(service, parameters)


def not_in_turn(service: Service, parameters: Parameters) -> Text:
    """Tell what is wrong with the update of one task after the other; empty if nothing is."""
    happened = turns(service)
    changed = [
        turn
        for turn in happened
        if same_image(turn.old.image, parameters.old) and same_image(turn.new.image, parameters.new)
    ]
    if len(changed) != len(happened) or len(happened) != len(service.running):
        return _("not every task changed from %(old)s to %(new)s", old=parameters.old, new=parameters.new)
    missing = most_missing(happened)
    return _("tasks missing at the same time: %(count)s", count=missing) if missing > 1 else NOTHING
