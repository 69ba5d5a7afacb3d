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

from .exercise import NEW, OLD, SERVICE, UPDATE, UPDATED


def script(lab: Lab) -> Script:
    """List the steps, in order."""
    return [
        services.create(
            lab,
            SERVICE,
            f"Create {SERVICE.name}: {SERVICE.replicas} replicas of the old version.",
            also=(UPDATED,),
            shows=_shows,
        ),
        services.show(lab, SERVICE.name),
        *_versions(lab),
        Step(
            lab.first_manager,
            "Update the image: one task is stopped, its successor started and watched, then the next.",
            Command(UPDATE),
            skip_if=_updated,
            until=_one_after_the_other,
            quiet=True,
            within=300,
            timers=(MONITOR, VERIFY),
        ),
        services.show(lab, SERVICE.name, "See the history: under each task that runs stands the one it replaced."),
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
    tasks = run.placed(run.service(SERVICE.name)).get(node.name)
    if not tasks:
        return f"no task of {SERVICE.name} runs on {node.name}."
    return Command(f"docker exec {tasks[0].container_id[:12]} redis-server --version")


def _updated(run: Run) -> str | None:
    service = run.service(SERVICE.name)
    return f"{SERVICE.name} is at {NEW} already." if same_image(service.image, NEW) else None


def _one_after_the_other(run: Run) -> None:
    services.running(run, SERVICE.name)
    service = run.service(SERVICE.name)
    tell_turns(run, service, turns(service))
    if wrong := not_in_turn(service):
        raise ExerciseError(
            f"the history of {SERVICE.name} {wrong}.", f"Run the exercise again: labgen run {run.exercise.name}"
        )


def _shows(run: Run) -> bool:
    """Tell whether the history shows the update as it should be, or the update still goes on."""
    service = run.service(SERVICE.name)
    return not service.settled or not not_in_turn(service)


def not_in_turn(service: Service) -> str:
    """Tell what is wrong with the update of one task after the other; empty if nothing is."""
    happened = turns(service)
    changed = [turn for turn in happened if same_image(turn.old.image, OLD) and same_image(turn.new.image, NEW)]
    if len(changed) != len(happened) or len(happened) != len(service.running):
        return f"does not show each task go from {OLD} to {NEW}"
    missing = most_missing(happened)
    return f"shows {missing} tasks missing at the same time" if missing > 1 else ""
