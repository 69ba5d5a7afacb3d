"""What an unfinished run of an exercise has left: known by its time, and out of the way for the next."""

from __future__ import annotations

import dataclasses
import json
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from scripted_shell import ScriptedShell, all_used, api, ok

from labgen import config
from labgen.core.errors import ExerciseError
from labgen.core.polling import Patience
from labgen.docker.swarm import Service
from labgen.exercise.catalogue import find
from labgen.exercise.services import ServiceSpec
from labgen.exercises.health.exercise import Parameters as HealthParameters
from labgen.exercises.update.exercise import Parameters as UpdateParameters
from labgen.machines.inventory import Inventory
from labgen.model.lab import Node
from labgen.model.lab_folder import LabFolder, State
from provision.exercise import leftovers, make_way, services
from provision.exercise.leftovers import Unfinished
from provision.exercise.run import Run

BROKEN = HealthParameters().broken
UPDATED = HealthParameters().updated
SESSION = HealthParameters().service
DATABASE = UpdateParameters().service

LAB = config.parse("")
MANAGER, WORKER1, WORKER2 = LAB.nodes
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
BEGAN = NOON.timestamp()
GONE = ("docker ps --all --quiet", ok())


class FakeRun(Run):
    """A run in a folder of its own whose nodes answer from scripts."""

    def __init__(self, folder: Path, exercise: str, *shells: ScriptedShell) -> None:
        self.said: list[str] = []
        inventory = Inventory(LabFolder.at(folder), LAB, State("libvirt"))
        inventory.__dict__["patience"] = Patience(0.0)
        super().__init__(inventory, find(exercise), self.said.append)
        self.shells = {shell.node.name: shell for shell in shells}

    def shell(self, node: Node) -> Any:
        return self.shells[node.name]


def answer(spec: ServiceSpec, created: float, **changed: Any) -> dict[str, Any]:
    """A service as the engine tells it, made some seconds after noon."""
    health = {"Test": ["CMD-SHELL", spec.health]} if spec.health else {}
    update = {"Order": spec.update.order, "FailureAction": spec.update.failure_action}
    return {
        "ID": f"id-{spec.name}",
        "CreatedAt": datetime.fromtimestamp(BEGAN + created, UTC).isoformat(),
        "Spec": {
            "Name": spec.name,
            "Mode": {"Replicated": {"Replicas": spec.replicas}},
            "UpdateConfig": {**update, "Parallelism": 1, "Monitor": int(spec.update.monitor * 1e9)},
            "TaskTemplate": {
                "ContainerSpec": {"Image": spec.image, "Healthcheck": health, "Args": spec.command.split()}
            },
            **changed,
        },
    }


def note(folder: Path, exercise: str, seconds: float = 60) -> None:
    """Have a folder say that a run of an exercise began at noon and did not come to its end."""
    runs = {exercise: {"began": BEGAN, "until": BEGAN + seconds}}
    LabFolder.at(folder).unfinished.parent.mkdir(parents=True, exist_ok=True)
    LabFolder.at(folder).unfinished.write_text(json.dumps(runs), encoding="utf-8")


@pytest.mark.parametrize(("created", "expected"), [(-1, False), (0, True), (60, True), (61, False)])
def test_unfinished_knows_what_it_has_made_by_its_time(created: float, expected: bool) -> None:
    service = Service.of(answer(DATABASE, created))
    assert Unfinished(BEGAN, BEGAN + 60).has_made(service) == expected
    assert not Unfinished(BEGAN, BEGAN + 60).has_made(dataclasses.replace(service, created=None))


@pytest.mark.parametrize("text", ["", "{", "[]", "7", '{"update": 7}', '{"update": {"began": "x", "until": 1}}'])
def test_unfinished_of_a_damaged_file_is_none(tmp_path: Path, text: str) -> None:
    folder = LabFolder.at(tmp_path)
    folder.unfinished.parent.mkdir()
    folder.unfinished.write_text(text, encoding="utf-8")
    assert leftovers.unfinished(folder) == {}


def test_noted_stands_in_the_folder_until_the_exercise_has_come_to_its_end(tmp_path: Path) -> None:
    run = FakeRun(tmp_path, "update", ScriptedShell(MANAGER, [("date", ok(f"{BEGAN}\n"))] * 2))
    run.inventory.__dict__["patience"] = Patience(1.0)
    folder = run.inventory.folder
    with suppress(KeyboardInterrupt), leftovers.noted(run) as begin:
        begin()
        raise KeyboardInterrupt
    (unfinished,) = leftovers.unfinished(folder).values()
    assert unfinished.began == BEGAN
    # It has ended with its connections: whatever is made from now on is not its own.
    assert unfinished.until == pytest.approx(BEGAN, abs=5)
    with leftovers.noted(run):
        # Until then it may make something within the time that a step takes.
        assert leftovers.unfinished(folder)["update"].until == pytest.approx(BEGAN + leftovers.LATEST, abs=5)
    assert leftovers.unfinished(folder) == {}
    assert not folder.unfinished.exists()


OTHER = dataclasses.replace(DATABASE, replicas=9)


@pytest.mark.parametrize(
    ("exercise", "service", "unfinished", "goes"),
    [
        # Whatever has become of its settings.
        ("update", answer(OTHER, 5), True, True),
        # As the course makes it, though older: it may be why the earlier run has failed.
        ("update", answer(DATABASE, -500), True, True),
        # A learner's own, made before that run or since.
        ("update", answer(OTHER, -500), True, False),
        ("update", answer(OTHER, 500), True, False),
        # No run has failed.
        ("update", answer(DATABASE, 5), False, False),
        # Not of this exercise.
        ("health", answer(DATABASE, 5), True, False),
    ],
)
def test_make_way_removes_what_an_unfinished_run_has_left(
    tmp_path: Path, exercise: str, service: dict[str, Any], unfinished: bool, goes: bool
) -> None:
    if unfinished:
        note(tmp_path, exercise)
    listed = ("/services'?$", api(json.dumps([service])))
    script = [listed, listed, ("docker service rm my-database", ok()), GONE] if goes else [listed] * unfinished
    shells = [
        ScriptedShell(MANAGER, script),
        *(ScriptedShell(node, [GONE] if goes else []) for node in (WORKER1, WORKER2)),
    ]
    run = FakeRun(tmp_path, exercise, *shells)
    make_way(run)
    assert all_used(shells)
    assert ("was interrupted. Its services are removed first" in "".join(run.said)) == goes


def _done(tmp_path: Path, service: dict[str, Any], spec: ServiceSpec, **options: Any) -> tuple[str | None, str]:
    """What the step that makes a service says of one that is there: whether it is done, and what was shown."""
    name = spec.name
    manager = ScriptedShell(
        MANAGER,
        [
            (f"/services/{name}", api(json.dumps(service), "[]")),
            ("/services'?$", api(json.dumps([service]))),
            (f"docker service rm {name}", ok()),
            GONE,
        ],
    )
    workers = [ScriptedShell(node, [GONE]) for node in (WORKER1, WORKER2)]
    run = FakeRun(tmp_path, "health", manager, *workers)
    step = services.create(LAB, spec, "", **options)
    assert step.skip_if is not None
    return step.skip_if(run), "\n".join(run.said)


def test_leftovers_service_that_another_unfinished_run_has_left_makes_way(tmp_path: Path) -> None:
    note(tmp_path, "update")
    reason, text = _done(tmp_path, answer(OTHER, 5), DATABASE)
    assert reason is None
    assert "An interrupted run of update has left my-database." in text
    with pytest.raises(ExerciseError, match="with other settings"):
        _done(tmp_path, answer(OTHER, 500), DATABASE)


def test_leftovers_service_half_way_through_an_update_makes_way(tmp_path: Path) -> None:
    reason, text = _done(tmp_path, answer(BROKEN, -500), SESSION, also=(UPDATED,))
    assert reason is None
    assert "Exercise health has left my-session. Service my-session is removed and created again." in text


@pytest.mark.parametrize(
    ("state", "may_pause", "stays"),
    [
        ("completed", False, True),
        ("updating", False, True),
        ("paused", False, False),
        ("paused", True, True),
        ("rollback_paused", True, False),
    ],
)
def test_leftovers_service_whose_update_is_paused_makes_way(
    tmp_path: Path, state: str, may_pause: bool, stays: bool
) -> None:
    service = {**answer(DATABASE, -500), "UpdateStatus": {"State": state, "Message": "it failed"}}
    reason, text = _done(tmp_path, service, DATABASE, may_pause=may_pause)
    assert bool(reason) == stays
    assert ("The update of my-database is paused. Service my-database is removed" in text) != stays


def test_leftovers_service_whose_history_does_not_show_what_it_should_makes_way(tmp_path: Path) -> None:
    reason, text = _done(tmp_path, answer(UPDATED, -500), SESSION, also=(UPDATED,), shows=lambda _: False)
    assert reason is None
    assert "The history of my-session does not show what this exercise does." in text
