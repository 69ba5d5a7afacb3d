"""The rolling update carried out: made in the old version, updated, and the servers asked what they are."""

from __future__ import annotations

import functools

from labgen.core.errors import ExerciseError
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


def script(lab: Lab, parameters: Parameters) -> Script:
    """List the steps, in order."""
    return [
        services.create(
            lab,
            parameters.service,
            f"Create {parameters.name}: {parameters.replicas} replicas of the old version.",
            also=(parameters.updated,),
            shows=_shows,
        ),
        services.show(lab, parameters.name),
        *_versions(lab),
        Step(
            lab.first_manager,
            "Update the image: one task is stopped, its successor started and watched, then the next.",
            Command(parameters.update),
            skip_if=_updated,
            until=_one_after_the_other,
            quiet=True,
            within=300,
            timers=(MONITOR, VERIFY),
        ),
        services.show(lab, parameters.name, "See the history: under each task that runs stands the one it replaced."),
        *_versions(lab),
    ]


def _versions(lab: Lab) -> list[Step]:
    return [
        Step(
            node,
            "Ask the server here which version it is.",
            functools.partial(_version, node=node),
            placeholder="docker exec CONTAINER redis-server --version",
        )
        for node in lab.nodes
    ]


def _version(run: Run, node: Node) -> Command | str:
    parameters = run.parameters(Parameters)
    tasks = run.placed(run.service(parameters.name)).get(node.name)
    if not tasks:
        return f"no task of {parameters.name} runs on {node.name}."
    return Command(f"docker exec {tasks[0].container_id[:12]} redis-server --version")


def _updated(run: Run) -> str | None:
    parameters = run.parameters(Parameters)
    service = run.service(parameters.name)
    return f"{parameters.name} is at {parameters.new} already." if same_image(service.image, parameters.new) else None


def _one_after_the_other(run: Run) -> None:
    parameters = run.parameters(Parameters)
    services.running(run, parameters.name)
    service = run.service(parameters.name)
    tell_turns(run, service, turns(service))
    if wrong := not_in_turn(service, parameters):
        raise ExerciseError(
            f"the history of {parameters.name} {wrong}.", f"Run the exercise again: labgen run {run.exercise.name}"
        )


def _shows(run: Run) -> bool:
    """Tell whether the history shows the update as it should be, or the update still goes on."""
    parameters = run.parameters(Parameters)
    service = run.service(parameters.name)
    return not service.settled or not not_in_turn(service, parameters)


def not_in_turn(service: Service, parameters: Parameters) -> str:
    """Tell what is wrong with the update of one task after the other; empty if nothing is."""
    happened = turns(service)
    changed = [
        turn
        for turn in happened
        if same_image(turn.old.image, parameters.old) and same_image(turn.new.image, parameters.new)
    ]
    if len(changed) != len(happened) or len(happened) != len(service.running):
        return f"does not show each task go from {parameters.old} to {parameters.new}"
    missing = most_missing(happened)
    return f"shows {missing} tasks missing at the same time" if missing > 1 else ""
