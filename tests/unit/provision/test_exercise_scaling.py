"""Scaling: the commands, what is left out where it was done already, what is made of what was seen."""

from __future__ import annotations

import json
from typing import Any

import pytest
from scripted_shell import ScriptedShell, api
from test_exercise_recovery import NODES, task
from test_provision_exercise import LAB, MANAGER, WORKER1, WORKER2, FakeRun

from labgen.core.errors import ExerciseError
from labgen.exercises.scaling import steps as scaling
from provision.exercise import rehearse


def service(replicas: int, before: int | None = None) -> str:
    def spec(number: int) -> dict[str, Any]:
        return {"Name": "web-alb", "Mode": {"Replicated": {"Replicas": number}}}

    fields = {"ID": "s", "Spec": spec(replicas), **({} if before is None else {"PreviousSpec": spec(before)})}
    return json.dumps(fields)


TWO = [task(1, WORKER1.name), task(2, WORKER2.name)]


def run_with(service_json: str, *tasks: dict[str, Any], rounds: int = 1, nodes: bool = False) -> FakeRun:
    answers = [("/services/web-alb", api(service_json, json.dumps(tasks)))]
    return FakeRun(ScriptedShell(MANAGER, (answers + [("/nodes", api(NODES))] * 2 * nodes) * rounds))


def test_scaling_commands_are_the_documents() -> None:
    texts: list[str] = []
    rehearse("scaling", LAB, {}, say=texts.append)
    text = "\n".join(texts)
    commands = [
        "--replicas 2 --publish 8001:80 nginx",
        "docker service scale web-alb=3",
        "docker service scale web-alb=2",
    ]
    places = [text.index(command) for command in commands]
    assert places == sorted(places)
    assert text.count("docker service ps web-alb") == 3


@pytest.mark.parametrize(
    ("replicas", "before", "up", "down"),
    [
        (2, None, None, "has 2 replicas"),
        (2, 2, None, "has 2 replicas"),
        (3, 2, "has 3 replicas already", None),
        (2, 3, "had 3 replicas before", "has 2 replicas"),
    ],
)
def test_scaling_what_was_done_is_left_out(replicas: int, before: int | None, up: str | None, down: str | None) -> None:
    for expected, skip_reason in ((up, scaling._scaled_up), (down, scaling._scaled_down)):
        reason = skip_reason(run_with(service(replicas, before)))
        assert (reason is None) == (expected is None)
        assert (expected or "") in str(reason)


def test_tasks_left_alone_are_told() -> None:
    before: list[str] = []
    scaling._note(run_with(service(2), *TWO), before)
    run = run_with(service(3), *TWO, task(3, WORKER1.name), rounds=2, nodes=True)
    run.shells[MANAGER.name].script.pop()
    scaling._left_alone(before, parameters=scaling.Parameters())(run)
    assert run.said == [
        "  3 of 3 tasks run: 2 on swarm-worker1, 1 on swarm-worker2",
        "  tasks that ran before and still run: 2; new tasks: 1",
    ]


def test_scaling_task_that_scaling_has_cost_is_an_error() -> None:
    run = run_with(service(3), *TWO, task(3, WORKER1.name), rounds=2, nodes=True)
    with pytest.raises(ExerciseError, match="tasks of web-alb that ran before and do not run any more: 1"):
        scaling._left_alone(["t1-0", "another"], parameters=scaling.Parameters())(run)


def test_scaling_task_that_does_not_go_is_an_error() -> None:
    going = {**task(3, WORKER1.name), "DesiredState": "remove"}
    run = run_with(service(2), *TWO, going, rounds=2, nodes=True)
    with pytest.raises(ExerciseError, match="last seen: tasks that are still stopping: 1 \\(running"):
        scaling._back(run)
