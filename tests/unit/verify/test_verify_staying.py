"""Tasks that have just begun are looked at again; containers and images are asked of the nodes that have them."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from fake_lab import FakeLab

from labgen.core.polling import NotYet
from labgen.docker.swarm import Service, Task
from labgen.exercises.failover import checks as test_failover
from tests.past import at, lived, service, task
from verify.exam import Exam
from verify.services import changed_image, open_to_all, runs
from verify.staying import Staying


def exam_of(fake: FakeLab) -> Exam:
    """An exam of a fake lab, in which waiting takes no time."""
    seconds = [0.0]

    def pause(more: float) -> None:
        seconds[0] += more

    fake.clock, fake.pause = lambda: seconds[0], pause  # type: ignore[attr-defined]
    return Exam(fake.lab, fake, fake.patience)


def began(fake: FakeLab, seconds: float) -> None:
    """All tasks began to run so long before the swarm is looked at."""
    moment = (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()
    for fake_task in fake.tasks:
        fake_task["Status"] = {**fake_task["Status"], "Timestamp": moment}
        fake_task.update(CreatedAt=moment, UpdatedAt=moment)


def then(fake: FakeLab, change: Callable[[list[dict[str, Any]]], None]) -> None:
    """Whoever asks for the service alone is told that its tasks have changed."""
    later = deepcopy(fake.tasks)
    change(later)
    first = fake._engine

    def engine(name: str, script: str) -> str:
        if "/services/web-alb" not in script:
            return first(name, script)
        before, fake.tasks = fake.tasks, later
        try:
            return first(name, script)
        finally:
            fake.tasks = before

    fake._engine = engine  # type: ignore[method-assign]


def end_one(tasks: list[dict[str, Any]]) -> None:
    tasks[0]["Status"] = {**tasks[0]["Status"], "State": "complete"}
    tasks[0]["DesiredState"] = "shutdown"


def web(exam: Exam) -> Service:
    return exam.swarm.services["web-alb"]


def test_runs_asks_nothing_more_of_tasks_that_have_run_for_a_while(fake: FakeLab) -> None:
    exam = exam_of(fake)
    began(fake, 60)
    then(fake, end_one)
    runs(exam, web(exam), 2)


def test_runs_looks_again_at_tasks_that_have_just_begun(fake: FakeLab) -> None:
    exam = exam_of(fake)
    began(fake, 1)
    runs(exam, web(exam), 2)


def test_runs_sees_a_task_end_that_had_just_begun(fake: FakeLab) -> None:
    exam = exam_of(fake)
    began(fake, 1)
    then(fake, end_one)
    with pytest.raises(AssertionError, match="does not stay up: 2 of 2 run, and 1 ended within a few seconds"):
        runs(exam, web(exam), 2)


def test_runs_says_where_the_manager_tells_of_tasks_that_no_node_has(fake: FakeLab) -> None:
    exam = exam_of(fake)
    began(fake, 60)
    fake.missing.add(fake.tasks[0]["ID"])
    with pytest.raises(AssertionError, match="the containers of 1 do not run on swarm-worker1"):
        runs(exam, web(exam), 2)


def test_runs_forgives_a_container_that_has_ended_since_the_first_look(fake: FakeLab) -> None:
    """A check that acts has killed it: the manager does not say any more that it runs."""
    exam = exam_of(fake)
    began(fake, 60)
    fake.missing.add(fake.tasks[0]["ID"])
    then(fake, end_one)
    runs(exam, web(exam), 2)


def test_runs_believes_the_manager_of_a_node_that_cannot_be_asked(fake: FakeLab) -> None:
    exam = exam_of(fake)
    began(fake, 60)
    fake.missing.update(fake_task["ID"] for fake_task in fake.tasks)
    fake.dead.update(node.name for node in fake.lab.workers)
    runs(exam, web(exam), 2)


def test_stored_asks_no_engine_that_does_not_run(fake: FakeLab) -> None:
    """Its socket is systemd's: to ask would start it."""
    exam = exam_of(fake)
    began(fake, 60)
    fake.nodes["swarm-worker1"]["engine"] = ""
    stored: list[str] = []
    first = fake._containers

    def containers(name: str) -> list[dict[str, Any]]:
        stored.append(name)
        return first(name)

    fake._containers = containers  # type: ignore[method-assign]
    runs(exam, web(exam), 2)
    assert exam.stored.containers(fake.lab.workers[0]) == ()
    assert exam.stored.images(fake.lab.workers[0]) == {}
    assert "swarm-worker1" not in stored


def renamed(exam: Exam, old: str, new: str) -> Service:
    """The service with a task of the past, made from another image, on the same node."""
    running = web(exam).tasks[0]
    past = dataclasses.replace(running, id="past", state="shutdown", desired="shutdown", image=old, container_id="old")
    return dataclasses.replace(web(exam), tasks=(past, dataclasses.replace(running, image=new)))


@pytest.mark.parametrize(("old_id", "right"), [("sha256:" + "1" * 64, False), ("sha256:" + "2" * 64, True)])
def test_changed_image_is_another_image_not_another_name(
    fake: FakeLab, monkeypatch: pytest.MonkeyPatch, old_id: str, right: bool
) -> None:
    first = fake._containers
    old = {"Id": "old", "Names": ["/old"], "ImageID": old_id, "State": "exited", "Labels": {}}
    monkeypatch.setattr(fake, "_containers", lambda name: [*first(name), old])
    exam = exam_of(fake)
    service = renamed(exam, "redis:6.0-alpine", "redis:6.2.5-alpine")
    if right:
        changed_image(exam, service)
    else:
        with pytest.raises(AssertionError, match="are one image with two names"):
            changed_image(exam, service)


def test_changed_image_compares_digests_where_containers_are_gone(fake: FakeLab) -> None:
    exam = exam_of(fake)
    changed_image(exam, renamed(exam, "redis:6.0-alpine@sha256:1", "redis:6.2.5-alpine@sha256:2"))
    changed_image(exam, renamed(exam, "redis:6.0-alpine", "redis:6.2.5-alpine"))
    with pytest.raises(AssertionError, match="one image with two names"):
        changed_image(exam, renamed(exam, "redis:6.0-alpine@sha256:1", "redis:6.2.5-alpine@sha256:1"))


@pytest.mark.parametrize(
    ("constraints", "right"),
    [
        ((), True),
        (("node.platform.os==linux",), True),
        (("node.labels.disk!=ssd",), True),
        (("node.hostname != nobody", "node.platform.arch==X86_64"), True),
        (("node.role==worker",), False),
        (("node.hostname!=swarm-worker1",), False),
        (("engine.labels.kind==big",), False),
        (("nonsense",), False),
    ],
)
def test_open_to_all_is_a_service_that_constraints_keep_off_no_node(
    fake: FakeLab, constraints: tuple[str, ...], right: bool
) -> None:
    exam = exam_of(fake)
    service = dataclasses.replace(web(exam), constraints=constraints)
    if right:
        open_to_all(exam.swarm, service)
    else:
        with pytest.raises(AssertionError, match="keep it off"):
            open_to_all(exam.swarm, service)


def test_replaced_counts_an_update_after_a_node_was_lost_only() -> None:
    """Every task was replaced, then a node was lost; only another replacement after that spreads them again."""

    def of(place: int, node: str, created: float, spec: str, ran: tuple[float, float | None]) -> Task:
        return lived(place, created, spec, ran, node_id=node, state="shutdown" if ran[1] else "running")

    before = [
        *(of(1, "a", 0, "first", (1, 50)), of(2, "b", 0, "first", (1, 50))),
        *(of(1, "a", 51, "second", (52, None)), of(2, "b", 51, "second", (52, 200))),
        of(2, "a", 130, "second", (131, None)),
    ]
    with pytest.raises(AssertionError, match="no update of every replica"):
        test_failover.test_replaced(service(*before))
    again = [
        *(of(1, "a", 51, "second", (52, 300)), of(2, "b", 51, "second", (52, 200))),
        of(2, "a", 130, "second", (131, 300)),
        *(of(1, "b", 301, "third", (302, None)), of(2, "a", 301, "third", (302, None))),
    ]
    test_failover.test_replaced(service(*again))


def test_restarts_are_judged_by_the_managers_clock(fake: FakeLab) -> None:
    """That of the computer that grades may be any; the tasks' dates are the managers'."""
    first, ahead = fake._facts, timedelta(days=5)

    def facts(name: str, script: str) -> str:
        return re.sub(
            r'(?<="SystemTime": ")[^"]+',
            lambda time: (datetime.fromisoformat(time[0]) + ahead).isoformat(),
            first(name, script),
        )

    fake._facts = facts  # type: ignore[method-assign]
    exam = exam_of(fake)
    assert exam.staying.restarts(dataclasses.replace(web(exam), tasks=(task(1, 0),))) is None
    assert exam.looked is not None
    assert abs(exam.looked - fake.now - ahead) < timedelta(seconds=5)


@pytest.mark.parametrize(
    ("later", "waits"),
    [
        # Both have just begun,
        ([task(1, 4), task(2, 4)], True),
        # one has ended, or was replaced: more is not to be seen.
        ([task(1, 4), task(2, 4, "failed")], False),
        ([task(1, 4), task(2, 6)], False),
    ],
)
def test_latest_waits_no_longer_once_a_task_that_ran_does_not(later: list[Task], waits: bool) -> None:
    looks: list[bool] = []

    def settle(_what: str, look: Callable[[], None], **_options: float) -> None:
        try:
            look()
        except NotYet:
            looks.append(True)
        else:
            looks.append(False)

    exam: Any = SimpleNamespace(
        looked=at(6), dated_answer=lambda _ask: (service(*later), at(7)), service=lambda _name: None, settle=settle
    )
    assert Staying(exam).latest(service(task(1, 4), task(2, 4))).tasks == tuple(later)
    assert looks == [waits]
