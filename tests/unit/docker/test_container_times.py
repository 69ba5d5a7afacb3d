"""When containers began and ended: what nodes say of them, and how their clocks are brought together."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from labgen.core.errors import NodeError
from labgen.docker import container_times
from labgen.docker.container_times import Life, Lives
from tests.past import at, service, task
from tests.scripted_node import ScriptedNode

NEVER = "0001-01-01T00:00:00Z"


def state(**more: Any) -> dict[str, Any]:
    return {"Running": False, "StartedAt": "2026-01-01T12:00:01.5Z", "FinishedAt": "2026-01-01T12:00:04Z", **more}


def told(now: float = 1000.0, took: float = 1.5, **containers: dict[str, Any]) -> str:
    lines = [json.dumps({"id": name, "state": container_state}) for name, container_state in containers.items()]
    return "\n".join([str(now), "900.5", *lines, str(now + took)]) + "\n"


def test_container_times_script_asks_for_the_containers_of_one_service() -> None:
    script = container_times.script("it's")
    assert "'label=com.docker.swarm.service.name=it'\"'\"'s'" in script
    assert script.startswith("trap 'date +%s.%N' EXIT; date +%s.%N; ")


@pytest.mark.parametrize("moment", ["1971-01-01T00:00:00Z", "2999-12-31T23:59:59Z"])
@pytest.mark.parametrize("clock", [1.0, 32_503_679_990.0])
def test_dated_computes_with_every_date_and_clock_that_are_read(moment: str, clock: float) -> None:
    node = container_times.read(told(now=clock, over=state(StartedAt=moment, FinishedAt=moment)), (10.0, 12.0))
    manager = container_times.read(told(now=32_503_679_990.0 - clock + 1), (10.0, 12.0))
    of_node = dataclasses.replace(task("node", 0), container_id="over")
    (dated,) = container_times.dated(service(of_node), {"node": node, "manager": manager}, "manager").tasks
    assert dated.began is not None


def test_read_takes_no_clock_of_the_year_3000_for_one() -> None:
    with pytest.raises(NodeError, match="the node did not answer with JSON"):
        container_times.read(told(now=32_503_680_000.0), (10.0, 12.0))


def test_container_times_how_long_a_node_takes_to_answer_leaves_no_doubt_about_its_clock() -> None:
    assert container_times.read(told(took=5.0), (10.0, 15.4)).ahead == pytest.approx((989.6, 990.0))


def test_container_times_what_a_node_says() -> None:
    checks = [{"ExitCode": 1, "Output": "first\n"}, {"ExitCode": 1, "Output": "refused\n"}]
    lives = container_times.read(
        told(
            over=state(),
            on=state(Running=True, FinishedAt=NEVER),
            again=state(Running=True),
            never=state(StartedAt=NEVER, FinishedAt=NEVER),
            sick=state(Health={"Log": checks}),
            mute=state(Health={"Log": [{"ExitCode": 1, "Output": ""}]}),
            well=state(Health={"Log": [*checks, {"ExitCode": 0, "Output": "PONG"}]}),
            new=state(Health={"Log": None}),
        ),
        (10.0, 12.0),
    )
    began, ended = datetime(2026, 1, 1, 12, 0, 1, 500000, UTC), datetime(2026, 1, 1, 12, 0, 4, tzinfo=UTC)
    assert lives.ahead == (989.5, 990.0)
    assert lives.engine == datetime.fromtimestamp(900.5, UTC)
    assert lives.of == {
        "over": Life(began, ended),
        "on": Life(began, None),
        "again": Life(began, None),
        "never": Life(None, None),
        "sick": Life(began, ended, "refused"),
        "mute": Life(began, ended, "nothing"),
        "well": Life(began, ended),
        "new": Life(began, ended),
    }


def test_container_times_node_whose_engine_does_not_run_has_no_containers() -> None:
    assert container_times.read("1000.0\n1000.25\n", (10.0, 12.0)) == Lives((988.25, 990.0), {})


@pytest.mark.parametrize("text", ["", "1000.0\n", "date: not found\n", told() + "Error: no such container\n"])
def test_container_times_what_cannot_be_read_is_an_error(text: str) -> None:
    with pytest.raises(NodeError):
        container_times.read(text, (0, 1))


@pytest.mark.parametrize(
    ("ahead", "shift"),
    [
        ((0.1, 0.3), 0.0),  # cannot be told from none
        ((2.0, 2.2), 2.0),
        ((-1.2, -1.0), -1.2),
    ],
)
def test_moments_are_those_of_the_managers_clock(ahead: tuple[float, float], shift: float) -> None:
    moved = service(dataclasses.replace(task(1, 0, "shutdown", 9), node_id="far"))
    lives = {"far": Lives(ahead, {"c": Life(at(1), at(8))}), "manager": Lives((0.0, 0.2), {})}
    (dated_task,) = container_times.dated(moved, lives, "manager").tasks
    assert dated_task.began is not None
    assert (at(1) - dated_task.began).total_seconds() == pytest.approx(shift, abs=0.11)
    assert dated_task.created == at(0)


@pytest.mark.parametrize(
    ("ahead", "noted", "shift"),
    [
        ((-1.0, 1.4), [0.35, -0.2], 0.35),  # the manager was told before the node says that it was so
        ((-1.0, 1.4), [-0.05, -0.3], 0.0),  # a report that took a moment is no difference
        ((-1.0, 1.4), [7.0], 0.0),  # noted by another manager's clock
        ((2.0, 3.2), [2.1], 2.1),
        ((-3.2, -2.0), [-2.1], -2.1),
    ],
)
def test_container_times_when_the_manager_was_told_of_a_state_tells_of_the_clocks_too(
    ahead: tuple[float, float], noted: list[float], shift: float
) -> None:
    tasks = [
        dataclasses.replace(task(number, 0, "shutdown", 9), node_id="far", updated=at(9 - more))
        for number, more in enumerate(noted, 1)
    ]
    lives = {"far": Lives(ahead, {"c": Life(at(1), at(8))}), "manager": Lives((0.0, 0.0), {})}
    for dated_task in container_times.dated(service(*tasks), lives, "manager").tasks:
        assert dated_task.began is not None
        assert (at(1) - dated_task.began).total_seconds() == pytest.approx(shift)


def test_container_times_task_whose_node_or_container_is_gone_keeps_what_the_swarm_says() -> None:
    moved = service(task(1, 0, "shutdown", 9))
    assert container_times.dated(moved, {}, "manager") == moved
    assert container_times.dated(moved, {"n": Lives((0, 0), {})}, "n") == moved


@pytest.mark.parametrize(
    ("ahead", "shift"),
    [
        # What cannot be told from none is none: also at the very bounds, and no further.
        ((0.0, 1.2), 0.0),
        ((-1.2, 0.0), 0.0),
        ((0.5, 0.9), 0.7),
        ((-0.9, -0.5), -0.7),
    ],
)
def test_apart_is_the_middle_of_what_it_may_be_unless_that_may_be_none(
    ahead: tuple[float, float], shift: float
) -> None:
    moved = service(dataclasses.replace(task(1, 0, "shutdown", 9), node_id="far"))
    lives = {"far": Lives(ahead, {"c": Life(at(1), at(8))}), "manager": Lives((0.0, 0.0), {})}
    (dated,) = container_times.dated(moved, lives, "manager").tasks
    assert dated.began is not None
    assert (at(1) - dated.began).total_seconds() == pytest.approx(shift)


@pytest.mark.parametrize(("noted", "shift"), [(0.5, 0.5), (0.4, 0.7), (0.9, 0.9), (1.0, 0.7)])
def test_apart_is_what_the_manager_noted_where_that_may_be(noted: float, shift: float) -> None:
    old = dataclasses.replace(task(1, 0, "shutdown", 9), node_id="far", updated=at(9 - noted))
    lives = {"far": Lives((0.5, 0.9), {"c": Life(at(1), at(8))}), "manager": Lives((0.0, 0.0), {})}
    (dated,) = container_times.dated(service(old), lives, "manager").tasks
    assert dated.began is not None
    assert (at(1) - dated.began).total_seconds() == pytest.approx(shift)


def test_question_asks_the_engine_itself_for_containers() -> None:
    listing = '/containers/json?all=1&filters={"label": ["com.docker.swarm.service.name=web"]}'
    api = {
        listing: [{"Id": "a1"}, {"Id": "b2"}],
        "/containers/a1/json": {"Id": "a1", "State": state(Running=True), "Config": {}},
        "/containers/b2/json": 404,
    }
    shell = {"pidof dockerd": "1000.5\n900.5\n", "^date": "1002.0\n"}
    question = container_times.question("web")
    assert question.script == container_times.script("web")
    lives = container_times.read(question.answer(ScriptedNode(shell, api)), (10.0, 12.0))
    assert lives == container_times.read(told(1000.5, 1.5, a1=state(Running=True)), (10.0, 12.0))
    assert container_times.read(question.answer(ScriptedNode(shell, {listing: []})), (10.0, 12.0)).of == {}


def test_question_leaves_an_engine_alone_that_does_not_run() -> None:
    shell = {"pidof dockerd": "1000.5\n", "^date": "1002.0\n"}
    lives = container_times.read(container_times.question("web").answer(ScriptedNode(shell)), (10.0, 12.0))
    assert (lives.of, lives.engine, lives.ahead) == ({}, None, (990.0, 990.5))
