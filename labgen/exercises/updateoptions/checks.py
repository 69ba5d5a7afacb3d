"""The exercise on update options: two at a time, with a pause, and start-first, as the containers' times show."""

from __future__ import annotations

import pytest

from labgen.core.i18n import Messages
from labgen.docker.swarm import Service, Swarm
from labgen.docker.timeline import Turn, at_once, most_missing, updates
from labgen.exercise.hint import on_manager
from labgen.exercise.services import same_image
from verify.checks import check
from verify.exam import Exam
from verify.hinting import create, scale, see_tasks
from verify.services import all_run, changed_image, made_from, service_of

from .exercise import Parameters

_ = Messages.beside(__file__)

service = service_of("service")


@pytest.fixture
def happened(service: Service, exam: Exam, parameters: Parameters) -> list[list[Turn]]:
    """List the updates in the history that changed more replicas than may change at a time."""
    return [
        update
        for update in updates(exam.lived(service.name))
        if len({turn.place for turn in update}) > parameters.parallelism
    ]


@check(
    points=1,
    needs=("cluster.swarm_begun",),
    hint=create("service"),
)
def test_service_exists(swarm: Swarm, parameters: Parameters) -> None:
    """There is a service {name}. It uses the image {service.repository} and runs {service.program}."""
    made_from(swarm, parameters.service)


@check(
    points=1,
    needs=("updateoptions.service_exists",),
    whole_lab=True,
    topics=("tasks",),
    hint=(see_tasks("{name}"), scale()),
)
def test_running(service: Service, exam: Exam, parameters: Parameters) -> None:
    """The service is replicated, with {replicas} replicas, and all of them run and stay up."""
    all_run(exam, service, parameters.service)


@check(
    points=1,
    needs=("updateoptions.running",),
    topics=("tasks",),
    hint=on_manager("{update_in_pairs}", look=_("See which image the tasks have, and how the last update ended.")),
)
def test_updated(service: Service, exam: Exam, parameters: Parameters) -> None:
    """Every running task uses the new image, {new}, and the last update is completed."""
    images = {task.image.partition("@")[0] for task in service.running}
    assert all(same_image(image, parameters.new) for image in images), f"images in use: {', '.join(sorted(images))}"
    changed_image(exam, service)
    assert service.update_state == "completed", f"the update's state: {service.update_state} {service.update_message}"


@check(
    points=2,
    needs=("updateoptions.updated",),
    whole_lab=True,
    topics=("history",),
    hint=on_manager(
        "docker service update --image {old} {name}",
        "{update_in_pairs}",
        look=_("Go back to the old image, then update {parallelism} replicas at a time."),
    ),
)
def test_two_at_a_time(happened: list[list[Turn]], parameters: Parameters) -> None:
    """One update changed {parallelism} replicas at a time, and at most {parallelism} were missing at a time."""
    assert any(_in_pairs(update, parameters) for update in happened), _describe(happened, parameters)


@check(
    points=2,
    needs=("updateoptions.two_at_a_time",),
    whole_lab=True,
    topics=("history",),
    hint=on_manager(
        "docker service update --update-parallelism {parallelism} --update-delay {delay}s --force {name}",
        look=_("See which delay the service has between the replicas of an update."),
    ),
)
def test_pause(happened: list[list[Turn]], parameters: Parameters) -> None:
    """That update waited for {delay} s or more between one group of replicas and the next."""
    pairs = [update for update in happened if _in_pairs(update, parameters)]
    assert any(at_once(update, parameters.delay - parameters.slack) <= parameters.parallelism for update in pairs), (
        _describe(pairs, parameters)
    )


@check(
    points=2,
    needs=("updateoptions.running",),
    whole_lab=True,
    topics=("history",),
    hint=on_manager("{update_start_first}", look=_("See in which order an update replaces a task.")),
)
def test_start_first(happened: list[list[Turn]], parameters: Parameters) -> None:
    """One update used start-first: in every replica, the old task ended after the new one ran. No replica was
    missing."""
    assert any(_start_first(update) for update in happened), _describe(happened, parameters)


@check(
    points=1,
    needs=("updateoptions.start_first",),
    whole_lab=True,
    topics=("history",),
    hint=on_manager("{update_start_first}", look=_("See how many replicas an update replaces at a time.")),
)
def test_one_at_a_time(happened: list[list[Turn]], parameters: Parameters) -> None:
    """The start-first update changed one replica at a time."""
    first = [update for update in happened if _start_first(update)]
    assert any(at_once(update) == 1 for update in first), _describe(first, parameters)


def _in_pairs(update: list[Turn], parameters: Parameters) -> bool:
    return at_once(update) == parameters.parallelism and most_missing(update) <= parameters.parallelism


def _start_first(update: list[Turn]) -> bool:
    return all(turn.gap is not None and turn.gap < 0 for turn in update)


def _describe(happened: list[list[Turn]], parameters: Parameters) -> str:
    """Describe the updates, for people."""
    if not happened:
        return f"the history shows no update of more than {parameters.parallelism} replicas"
    phrases = []
    for number, update in enumerate(happened, 1):
        if unknown := [turn.place for turn in update if turn.gap is None]:
            phrases.append(
                f"update {number}: the times of replica {', '.join(unknown)} are unknown: its old containers are gone "
                "(an engine that restarts removes them)"
            )
            continue
        gaps = [f"{abs(turn.gap or 0.0):.1f} s {'after' if (turn.gap or 0.0) > 0 else 'before'}" for turn in update]
        phrases.append(
            f"update {number}: {at_once(update)} at a time, at most {most_missing(update)} missing, "
            f"new tasks ran {', '.join(gaps)} the old ones ended"
        )
    return "; ".join(phrases)
