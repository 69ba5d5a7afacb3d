"""The exercise on update options: two at a time, with a pause, and start-first, as the containers' times show."""

from __future__ import annotations

import pytest

from labgen.core.i18n import Messages
from labgen.docker.swarm import Service, Swarm
from labgen.docker.timeline import Turn, at_once, most_missing, updates
from labgen.exercise.hint import on_manager
from labgen.exercise.services import same_image
from labgen.exercises.update.exercise import NEW, OLD
from verify.checks import check
from verify.exam import Exam
from verify.hinting import create, see_tasks
from verify.services import all_run, changed_image, made_from, service_of

from . import exercise as updateoptions

_ = Messages.beside(__file__)

SERVICE = updateoptions.SERVICE
PARALLELISM, DELAY = updateoptions.PARALLELISM, updateoptions.DELAY

_SLACK = 0.5
"""Seconds by which two nodes' clocks may differ unnoticed."""

service = service_of(SERVICE.name)


@pytest.fixture
def happened(service: Service, exam: Exam) -> list[list[Turn]]:
    """List the updates in the history that changed more replicas than may change at a time."""
    return [
        update for update in updates(exam.lived(service.name)) if len({turn.place for turn in update}) > PARALLELISM
    ]


@check(
    points=1,
    needs=("cluster.swarm_begun",),
    hint=create(SERVICE),
)
def test_service_exists(swarm: Swarm) -> None:
    """There is a service my-cache, made from redis, and it runs a redis server."""
    made_from(swarm, SERVICE)


@check(
    points=1,
    needs=("updateoptions.service_exists",),
    whole_lab=True,
    topics=("tasks",),
    hint=(see_tasks(SERVICE.name), on_manager(f"docker service scale {SERVICE.name}={SERVICE.replicas}")),
)
def test_running(service: Service, exam: Exam) -> None:
    """The service is replicated, with four replicas, and all of them run and stay up."""
    all_run(exam, service, SERVICE)


@check(
    points=1,
    values={"new": NEW},
    needs=("updateoptions.running",),
    topics=("tasks",),
    hint=on_manager(updateoptions.UPDATE_IN_PAIRS),
)
def test_updated(service: Service, exam: Exam) -> None:
    """Every task that runs has the new image, %(new)s, and the last update is complete."""
    images = {task.image.partition("@")[0] for task in service.running}
    assert all(same_image(image, NEW) for image in images), f"images in use: {', '.join(sorted(images))}"
    changed_image(exam, service)
    assert service.update_state == "completed", f"the update's state: {service.update_state} {service.update_message}"


@check(
    points=2,
    needs=("updateoptions.updated",),
    whole_lab=True,
    topics=("history",),
    hint=on_manager(
        f"docker service update --image {OLD} {SERVICE.name}",
        updateoptions.UPDATE_IN_PAIRS,
        look=_("Go back to the old image, then update in pairs."),
    ),
)
def test_two_at_a_time(happened: list[list[Turn]]) -> None:
    """One update changed two replicas at a time, and no more than two were missing at any one time."""
    assert any(_in_pairs(update) for update in happened), _describe(happened)


@check(
    points=2,
    values={"delay": DELAY},
    needs=("updateoptions.two_at_a_time",),
    whole_lab=True,
    topics=("history",),
    hint=on_manager(f"docker service update --update-parallelism 2 --update-delay {DELAY:g}s --force {SERVICE.name}"),
)
def test_pause(happened: list[list[Turn]]) -> None:
    """That update waited for %(delay)g s after a replica before it went on to the next."""
    pairs = [update for update in happened if _in_pairs(update)]
    assert any(at_once(update, DELAY - _SLACK) <= PARALLELISM for update in pairs), _describe(pairs)


@check(
    points=2,
    needs=("updateoptions.running",),
    whole_lab=True,
    topics=("history",),
    hint=on_manager(updateoptions.UPDATE_START_FIRST),
)
def test_start_first(happened: list[list[Turn]]) -> None:
    """One update started first: in every replica the old task ended only after the new one ran; none was missing."""
    assert any(_start_first(update) for update in happened), _describe(happened)


@check(
    points=1,
    needs=("updateoptions.start_first",),
    whole_lab=True,
    topics=("history",),
    hint=on_manager(updateoptions.UPDATE_START_FIRST),
)
def test_one_at_a_time(happened: list[list[Turn]]) -> None:
    """The update that started first changed one replica at a time."""
    first = [update for update in happened if _start_first(update)]
    assert any(at_once(update) == 1 for update in first), _describe(first)


def _in_pairs(update: list[Turn]) -> bool:
    return at_once(update) == PARALLELISM and most_missing(update) <= PARALLELISM


def _start_first(update: list[Turn]) -> bool:
    return all(turn.gap is not None and turn.gap < 0 for turn in update)


def _describe(happened: list[list[Turn]]) -> str:
    """Describe the updates, for people."""
    if not happened:
        return "the history shows no update of three replicas or more"
    phrases = []
    for number, update in enumerate(happened, 1):
        if unknown := [turn.place for turn in update if turn.gap is None]:
            phrases.append(
                f"update {number}: of replica {', '.join(unknown)} the containers are gone, which knew when they began "
                "(an engine that restarts removes those of old tasks)"
            )
            continue
        gaps = [f"{abs(turn.gap or 0.0):.1f} s {'after' if (turn.gap or 0.0) > 0 else 'before'}" for turn in update]
        phrases.append(
            f"update {number}: {at_once(update)} at a time, {most_missing(update)} missing at most, "
            f"new tasks ran {', '.join(gaps)} the old ones ended"
        )
    return "; ".join(phrases)
