"""Detect which exercises were carried out in a lab: they are graded when none is named."""

from __future__ import annotations

from labgen.docker.swarm import Service, Swarm
from labgen.exercise.catalogue import exercises
from labgen.exercise.model import Exercise
from labgen.exercise.services import differences


def standing(swarm: Swarm) -> list[str]:
    """Name the exercises that have a service in the swarm, in the order of the course.

    Several exercises may make services of one name, as the course does: of these the one that it fits best.
    """
    best = {_best(service) for service in swarm.services.values()}
    return [name for name in exercises() if name in best]


def _best(service: Service) -> str:
    fits = {
        exercise.name: min(misfits) for exercise in exercises().values() if (misfits := _misfits(exercise, service))
    }
    # Of equals the first: min keeps the order of the course.
    return min(fits, key=lambda name: fits[name]) if fits else ""


def _misfits(exercise: Exercise, service: Service) -> list[int]:
    specs = (spec for spec in (*exercise.services, *exercise.later) if spec.name == service.name)
    return [len(differences(spec, service)) for spec in specs]
