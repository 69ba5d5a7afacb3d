"""Every exercise in labs of other sizes than the course's: it can be carried out, or says what it takes."""

from __future__ import annotations

import re

import pytest

from labgen import config
from labgen.core.errors import ExerciseError
from labgen.exercise.catalogue import exercise_names, find
from provision.exercise import rehearse

SIZES = {
    "one worker": "workers: 1",
    "no worker": "workers: 0",
    "three managers": "managers: 3",
    "three managers and no worker": "managers: 3\nworkers: 0",
    "three managers and one worker": "managers: 3\nworkers: 1",
    "five workers": "workers: 5",
}

ON_WORKERS = {
    "loadbalance",
    "scaling",
    "discovery",
    "globalmode",
    "cleanup",
    "placement",
    "ports",
    "failover",
    "quorum",
}
"""Exercises that cannot be shown without any worker."""


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", exercise_names())
def test_rehearse_prints_an_exercise_or_says_what_it_takes(name: str, size: str) -> None:
    lab = config.parse(SIZES[size])
    exercise, printed = find(name), []
    if exercise.lacking(lab):
        with pytest.raises(ExerciseError) as caught:
            rehearse(name, lab, {}, say=printed.append)
        # Which was too small, and what lab.yml must say; what is enough is not asked for again.
        sizes = re.search(r"Set (.*) in lab\.yml", caught.value.hint)
        assert sizes is not None
        bigger = {
            **dict(line.split(": ") for line in SIZES[size].split("\n")),
            **dict(part.split(": ") for part in sizes[1].split(", ")),
        }
        assert not exercise.lacking(config.parse("\n".join(f"{role}: {number}" for role, number in bigger.items())))
        assert ("managers" in sizes[1]) == (len(lab.managers) < exercise.managers)
        assert ("workers" in sizes[1]) == (len(lab.workers) < exercise.workers)
        return
    rehearse(name, lab, {}, say=printed.append)
    # No step is on a node, or names one, that the lab does not have.
    names = set(re.findall(r"swarm-(?:manager|worker)\d*", "\n".join(printed)))
    assert names <= {node.name for node in lab.nodes}


@pytest.mark.parametrize("name", exercise_names())
def test_lacking_says_so_where_services_run_on_workers_and_there_are_none(name: str) -> None:
    assert bool(find(name).lacking(config.parse("workers: 0"))) == (name in ON_WORKERS)
