"""The exercise on failed updates: what the history says of a pause, of a failure gone on with, and of a way back.

`docker service rollback` by hand leaves no trace of its own: it is judged by every replica being back at the image
it had before.
"""

from __future__ import annotations

from itertools import dropwhile, takewhile

import pytest

from labgen.core.i18n import Messages
from labgen.docker.swarm import Service, Swarm, run_of
from labgen.docker.timeline import failing, places, taken_back
from labgen.exercise.hint import Hint, on_manager
from labgen.exercise.services import ServiceSpec, repository, same_image
from verify.checks import check
from verify.exam import Exam
from verify.hinting import create, repeat
from verify.services import changed_image, found, made_from, runs

from . import exercise as rollback

_ = Messages.beside(__file__)

QUEUE, STORE = rollback.QUEUE, rollback.STORE

BY_HAND = 2.0
"""Seconds that a person takes at least, from seeing a failure to a command's effect."""


@pytest.fixture
def queue(swarm: Swarm) -> Service:
    """Read the service whose update is paused."""
    return found(swarm, QUEUE.name)


@pytest.fixture
def store(swarm: Swarm) -> Service:
    """Read the service whose update goes on, and is rolled back."""
    return found(swarm, STORE.name)


def _repeat(spec: ServiceSpec, *commands: str) -> Hint:
    return repeat(
        spec.name,
        spec.create,
        *commands,
        why=_("The history keeps the updates that were different: the exercise starts from a new service."),
    )


@check(
    points=1,
    needs=("cluster.swarm_begun",),
    hint=create(QUEUE, STORE),
)
def test_services_exist(swarm: Swarm) -> None:
    """There are the services my-queue and my-store, each running a redis server, replicated, with three replicas."""
    for spec in (QUEUE, STORE):
        service = found(swarm, spec.name)
        if not _broken(service, spec):
            made_from(swarm, spec)
        assert service.replicas == spec.replicas, f"{spec.name} is {service.mode}, with {service.replicas} replicas"


def _broken(service: Service, spec: ServiceSpec) -> bool:
    """Tell whether the exercise's own update has failed and is not repaired yet, which is the learner's next step."""
    before = any(repository(task.image) == repository(spec.image) for task in service.tasks)
    return same_image(service.image, rollback.BAD) and before


@check(
    points=1,
    needs=("rollback.services_exist",),
    whole_lab=True,
    topics=("tasks",),
    hint=on_manager(rollback.MEND_QUEUE, rollback.ROLLBACK),
)
def test_running(queue: Service, store: Service, exam: Exam) -> None:
    """All replicas of both services run and stay up."""
    for service in (queue, store):
        errors = {task.error for task in service.tasks if task.desired in ("running", "ready") and task.error}
        assert len(service.running) == service.replicas, (
            f"of {service.name} {run_of(len(service.running), service.replicas or 0)} {'; '.join(sorted(errors))}"
        )
        runs(exam, service)


@check(
    points=2,
    needs=("rollback.running",),
    topics=("history",),
    hint=_repeat(QUEUE, rollback.BREAK_QUEUE, rollback.MEND_QUEUE),
)
def test_paused(queue: Service) -> None:
    """An update of my-queue failed and was paused: what failed had come to some replicas, and not to all."""
    bad = failing(queue)
    assert bad, "the history shows no task of another image that failed"
    assert len(bad) < len(places(queue)), "every replica had a task that failed"
    assert queue.update.failure_action == "pause", f"its failure action is {queue.update.failure_action}"


@check(
    points=2,
    values={"image": rollback.MENDED.image},
    needs=("rollback.paused",),
    topics=("tasks",),
    hint=on_manager(rollback.MEND_QUEUE),
)
def test_mended(queue: Service, exam: Exam) -> None:
    """It was mended by a further update, which is complete: every task of my-queue has %(image)s."""
    images = {task.image.partition("@")[0] for task in queue.running}
    assert all(same_image(image, rollback.MENDED.image) for image in images), (
        f"images in use: {', '.join(sorted(images))}"
    )
    assert queue.update_state == "completed", f"the update's state: {queue.update_state} {queue.update_message}"
    changed_image(exam, queue)


@check(
    points=2,
    needs=("rollback.running",),
    topics=("history",),
    hint=_repeat(STORE, rollback.BREAK_STORE, rollback.ROLLBACK),
)
def test_continued(store: Service) -> None:
    """An update of my-store failed and went on: in every replica a task of another image failed."""
    spared = sorted(set(places(store)) - set(failing(store)))
    assert not spared, f"no such task in the history of replica {', '.join(spared)}"


@check(
    points=2,
    values={"image": STORE.image},
    needs=("rollback.continued",),
    topics=("tasks",),
    hint=on_manager(rollback.ROLLBACK),
)
def test_rolled_back(store: Service) -> None:
    """Every replica of my-store went back to the image it had before, %(image)s."""
    images = {store.plain_image, *(task.image.partition("@")[0] for task in store.running)}
    assert all(same_image(image, STORE.image) for image in images), f"images in use: {', '.join(sorted(images))}"
    # To change the failure action afterwards leaves no state.
    assert store.update_state in ("rollback_completed", ""), f"the last update's state: {store.update_state}"


@check(
    points=2,
    needs=("rollback.rolled_back",),
    topics=("history",),
    hint=on_manager(rollback.MAKE_SAFE, rollback.BREAK_SAFE),
)
def test_by_itself(store: Service) -> None:
    """The last update of my-store failed, and the swarm took it back by itself before it had come to every replica."""
    assert store.update_state == "rollback_completed", f"the last update's state: {store.update_state or 'none'}"
    # A service whose action is rollback, and of which the last that happened is a rollback: by hand, that would have
    # taken the action back, too.
    if store.update.failure_action == "rollback":
        return
    # Where the action was said in the same command as the image, the swarm has taken it back itself.
    back = taken_back(store)
    assert back, (
        f"its failure action is {store.update.failure_action}, and the history shows no failed update that was taken "
        "back before it had come to all replicas"
    )
    after = max(_way_back(store, place) for place in back)
    assert after < BY_HAND, f"the way back began {after:.0f} s after the failure: that was by hand"


def _way_back(store: Service, place: str) -> float:
    """Seconds from the first failure of the last update in a place to the making of the task that runs there now; 0
    where it had not failed there yet.

    Not from the last failure: while an update is paused, what has failed is tried again and again.
    """
    tasks = places(store)[place]
    now = next(task for task in reversed(tasks) if task.running)
    before = reversed(tasks[: tasks.index(now)])
    # Tasks like it that have failed since belong to the way back.
    update = takewhile(lambda task: task.spec != now.spec, dropwhile(lambda task: task.spec == now.spec, before))
    failed = [task.since for task in update if task.failed and task.since]
    return (now.created - failed[-1]).total_seconds() if failed and now.created else 0.0
