"""Find exercises that would take each other's place in one lab: by a port, or by the name of what they make."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from labgen.core.errors import ExerciseError
from labgen.exercise.model import Exercise

_KINDS: Mapping[str, Callable[[Exercise], Sequence[str]]] = {
    "service": lambda exercise: [service.name for service in exercise.services],
    "network": lambda exercise: exercise.networks,
    "secret": lambda exercise: exercise.secrets,
    "config": lambda exercise: exercise.configs,
    "stack": lambda exercise: exercise.stacks,
    "label": lambda exercise: exercise.labels,
}
"""What exercises make, in the words of messages, and the names of it."""


def need_no_conflict(exercise: Exercise, course: Mapping[str, Exercise], usual: Mapping[str, Exercise]) -> None:
    """Check that no other exercise publishes a port of this one, or makes something of the same name.

    Names that two exercises share with the course's values they may share with other values, too.

    :param course: every exercise, with the parameters that are in use.
    :param usual: every exercise, with the course's parameters.
    :raises ExerciseError: one does.
    """
    for neighbour in course.values():
        if neighbour.name == exercise.name:
            continue
        _need_free_ports(exercise, neighbour)
        for kind, names in _KINDS.items():
            shared = _common(names(exercise), names(neighbour))
            allowed = _common(names(usual[exercise.name]), names(usual[neighbour.name]))
            for places in sorted(shared.keys() - allowed.keys()):
                raise ExerciseError(
                    f"{exercise.name}: the exercise {neighbour.name} makes a {kind} called {shared[places]}, too.",
                    "Choose another name.",
                )


def _need_free_ports(exercise: Exercise, neighbour: Exercise) -> None:
    """Check that two exercises publish no port in common, unless by a service of the same name."""
    for spec in neighbour.services:
        for service in exercise.services:
            ports = {publish.published for publish in service.publish} - {0}
            shared = ports & {publish.published for publish in spec.publish}
            if shared and service.name != spec.name:
                raise ExerciseError(
                    f"{exercise.name}: port {min(shared)} is that of {spec.name}, which the exercise "
                    f"{neighbour.name} makes.",
                    "Choose another port.",
                )


def _common(names: Sequence[str], others: Sequence[str]) -> dict[tuple[int, int], str]:
    """Give the names in common, by their places in both lists; Docker takes no notice of capitals."""
    return {
        (place, other_place): name
        for place, name in enumerate(names)
        for other_place, other_name in enumerate(others)
        if name.casefold() == other_name.casefold()
    }
