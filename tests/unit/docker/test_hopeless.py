"""What is not waited for: tasks that fail again and again, updates that are paused; and what still is."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from labgen.docker.hopeless import begun_lately, exhausted, hopeless, settled, stuck
from labgen.docker.swarm import PublishedPort, Service, Swarm, Task
from tests.past import at, service, task

REJECTED = "No such image: nginx:nosuch"


def failed(place: int, created: float, error: str = REJECTED, state: str = "rejected", **more: Any) -> Task:
    return dataclasses.replace(task(place, created, state), error=error, **more)


def moving(place: int, created: float, state: str = "preparing", **more: Any) -> Task:
    return dataclasses.replace(task(place, created, state), desired="running", **more)


def of(*tasks: Task, **changed: Any) -> Service:
    return dataclasses.replace(service(*tasks), **changed)


AGAIN = (failed(1, 0), failed(1, 5))
PENDING = moving(1, 0, "pending", error="no suitable node (scheduling constraints not satisfied on 3 nodes)")


@pytest.mark.parametrize(
    ("web", "why"),
    [
        (of(*AGAIN), REJECTED),
        # The third attempt is on its way.
        (of(*AGAIN, moving(1, 10)), REJECTED),
        (of(failed(1, 0, "", "failed", exit_code=1), failed(1, 5, "", "failed", exit_code=1)), "exit code 1"),
        (of(failed(1, 0), update_state="paused", update_message="paused"), REJECTED),
        (of(moving(1, 0), update_state="rollback_paused", update_message="paused of x"), "paused of x"),
    ],
)
def test_hopeless_says_why_nothing_more_will_run(web: Service, why: str) -> None:
    assert hopeless(web) == why


@pytest.mark.parametrize(
    "web",
    [
        of(moving(1, 0)),
        # One failure may have been by chance; two of different kinds are no habit.
        of(failed(1, 0), moving(1, 5)),
        of(failed(1, 0), failed(1, 5, "another error"), moving(1, 10)),
        of(*AGAIN, task(1, 10)),
        # An update is to mend it, or has just begun to.
        of(*AGAIN, moving(1, 10, spec="another")),
        of(*AGAIN, update_state="updating"),
        # By force: somebody's doing, and Swarm starts others.
        of(*(failed(1, at, "task: non-zero exit (137)", "failed", exit_code=137) for at in (0, 5)), moving(1, 10)),
        of(PENDING),
        of(),
    ],
)
def test_hopeless_says_nothing_where_tasks_may_run_yet(web: Service) -> None:
    assert hopeless(web) == ""


@pytest.mark.parametrize(
    ("web", "is_settled"),
    [
        (of(task(1, 0)), True),
        (of(task(1, 0), moving(2, 0)), False),
        (of(*AGAIN, moving(1, 10)), True),
        # Another replica is on its way.
        (of(*AGAIN, moving(1, 10), moving(2, 10)), False),
        (of(PENDING), True),
        (of(task(1, 0), update_state="updating"), False),
        # An update that waits for a node which there is not.
        (of(PENDING, update_state="updating"), True),
        (of(PENDING, moving(2, 0), update_state="updating"), False),
    ],
)
def test_settled_waits_for_what_may_arrive_and_for_nothing_else(web: Service, is_settled: bool) -> None:
    assert settled(web) is is_settled
    assert Swarm((), (), {"web": web}).settled({"web"}) is is_settled


def test_exhausted_names_the_places() -> None:
    assert exhausted(of(*AGAIN, failed(2, 0), task(3, 0))) == {"1": REJECTED}
    # Another runs there.
    assert exhausted(of(*AGAIN, task(1, 10), task(3, 0))) == {}


def test_stuck_is_where_all_that_should_run_wait_for_a_node() -> None:
    assert stuck(of(PENDING)) == PENDING.error
    assert stuck(of(PENDING, moving(2, 0))) == ""
    assert stuck(of(task(1, 0))) == ""


@pytest.mark.parametrize(
    ("begun", "lately"),
    [
        # The manager was told later than the container began: it tells the mesh.
        ({"since": at(-60), "updated": at(-14)}, True),
        ({"since": at(-14), "updated": at(-60)}, False),
        ({"since": at(-14), "updated": None}, True),
        ({"since": at(-15), "updated": None}, False),
        ({"since": None, "updated": None}, True),
        ({"since": at(-14), "updated": None, "state": "shutdown"}, False),
    ],
)
def test_begun_lately_is_a_running_task_that_the_mesh_may_not_know_yet(begun: dict[str, Any], lately: bool) -> None:
    tasks = (task(1, -900), dataclasses.replace(task(2, -900), **begun))
    web = of(*tasks, ports=(PublishedPort(8001, 80, "tcp", "ingress"),))
    # Of ten seconds, and five by which clocks may differ.
    assert begun_lately([web], 8001, at(0), 10.0) is lately
    assert not begun_lately([web], 8002, at(0), 10.0)
    assert not begun_lately([], 8001, at(0), 10.0)
