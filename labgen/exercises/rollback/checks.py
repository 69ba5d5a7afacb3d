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

from .exercise import Parameters

_ = Messages.beside(__file__)


@pytest.fixture
def queue(swarm: Swarm, parameters: Parameters) -> Service:
    """Read the service whose update is paused."""
    return found(swarm, parameters.queue_name)


@pytest.fixture
def store(swarm: Swarm, parameters: Parameters) -> Service:
    """Read the service whose update goes on, and is rolled back."""
    return found(swarm, parameters.store_name)


def _repeat(service: str, *commands: str) -> Hint:
    return repeat(
        f"{{{service}.name}}",
        f"{{{service}.create}}",
        *commands,
        why=_("The history keeps other updates, so start again with a new service."),
    )


@check(
    points=1,
    needs=("cluster.swarm_begun",),
    hint=create("queue", "store"),
)
def test_services_exist(swarm: Swarm, parameters: Parameters) -> None:
    """There are services {queue_name} and {store_name} with {replicas} replicas each. Both use the image
    {queue.repository} and run {queue.program}."""
    for spec in (parameters.queue, parameters.store):
        service = found(swarm, spec.name)
        if not _broken(service, spec, parameters):
            made_from(swarm, spec)
        assert service.replicas == spec.replicas, f"{spec.name} is {service.mode}, with {service.replicas} replicas"


def _broken(service: Service, spec: ServiceSpec, parameters: Parameters) -> bool:
    """Tell whether the exercise's own update has failed and is not repaired yet, which is the learner's next step."""
    before = any(repository(task.image) == repository(spec.image) for task in service.tasks)
    return same_image(service.image, parameters.bad) and before


@check(
    points=1,
    needs=("rollback.services_exist",),
    whole_lab=True,
    topics=("tasks",),
    hint=on_manager(
        "{mend_queue}",
        "{rollback}",
        look=_("See which image each service has now. Update one to a good image, and roll the other back."),
    ),
)
def test_running(queue: Service, store: Service, exam: Exam) -> None:
    """All replicas of both services run and stay up."""
    for service in (queue, store):
        errors = {task.error for task in service.tasks if task.desired in ("running", "ready") and task.error}
        assert len(service.running) == service.replicas, (
            f"{service.name}: {run_of(len(service.running), service.replicas or 0)} {'; '.join(sorted(errors))}"
        )
        runs(exam, service)


@check(
    points=2,
    needs=("rollback.running",),
    topics=("history",),
    hint=_repeat("queue", "{break_queue}", "{mend_queue}"),
)
def test_paused(queue: Service) -> None:
    """An update of {queue_name} failed and was paused. It had reached some replicas, but not all."""
    bad = failing(queue)
    assert bad, "the history shows no task of another image that failed"
    assert len(bad) < len(places(queue)), "every replica had a task that failed"
    assert queue.update.failure_action == "pause", f"its failure action is {queue.update.failure_action}"


@check(
    points=2,
    needs=("rollback.paused",),
    topics=("tasks",),
    hint=on_manager("{mend_queue}", look=_("Update {queue_name} again, to an image that exists.")),
)
def test_mended(queue: Service, exam: Exam, parameters: Parameters) -> None:
    """Another update repaired it and is completed: every task of {queue_name} uses {new}."""
    images = {task.image.partition("@")[0] for task in queue.running}
    assert all(same_image(image, parameters.new) for image in images), f"images in use: {', '.join(sorted(images))}"
    assert queue.update_state == "completed", f"the update's state: {queue.update_state} {queue.update_message}"
    changed_image(exam, queue)


@check(
    points=2,
    needs=("rollback.running",),
    topics=("history",),
    hint=_repeat("store", "{break_store}", "{rollback}"),
)
def test_continued(store: Service) -> None:
    """An update of {store_name} failed and continued: in every replica, a task of another image failed."""
    spared = sorted(set(places(store)) - set(failing(store)))
    assert not spared, f"the history shows no failed task of another image in replica {', '.join(spared)}"


@check(
    points=2,
    needs=("rollback.continued",),
    topics=("tasks",),
    hint=on_manager("{rollback}", look=_("Roll {store_name} back to the image that it had before.")),
)
def test_rolled_back(store: Service, parameters: Parameters) -> None:
    """Every replica of {store_name} went back to the image it had before, {old}."""
    images = {store.plain_image, *(task.image.partition("@")[0] for task in store.running)}
    assert all(same_image(image, parameters.old) for image in images), f"images in use: {', '.join(sorted(images))}"
    # To change the failure action afterwards leaves no state.
    assert store.update_state in ("rollback_completed", ""), f"the last update's state: {store.update_state}"


@check(
    points=2,
    needs=("rollback.rolled_back",),
    topics=("history",),
    hint=on_manager(
        "{make_safe}",
        "{break_safe}",
        look=_("First set what Swarm does when an update of {store_name} fails. Then let an update fail."),
    ),
)
def test_by_itself(store: Service, parameters: Parameters) -> None:
    """The last update of {store_name} failed, and Swarm rolled it back by itself before it reached every replica."""
    assert store.update_state == "rollback_completed", f"the last update's state: {store.update_state or 'none'}"
    # A service whose action is rollback, and of which the last that happened is a rollback: by hand, that would have
    # taken the action back, too.
    if store.update.failure_action == "rollback":
        return
    # Where the action was said in the same command as the image, the swarm has taken it back itself.
    back = taken_back(store)
    assert back, (
        f"its failure action is {store.update.failure_action}, and the history shows no failed update that was "
        "rolled back before it reached every replica"
    )
    after = max(_way_back(store, place) for place in back)
    assert after < parameters.by_hand, f"the rollback began {after:.0f} s after the failure, so it was started by hand"


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
