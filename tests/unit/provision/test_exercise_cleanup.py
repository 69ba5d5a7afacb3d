"""Clean-up carried out: what is made first, what is removed, and what is a learner's own."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from scripted_shell import ScriptedShell, all_used, api, ok
from test_provision_services import LAB, MANAGER, WORKER1, WORKER2, FakeRun, node_json, told

from labgen.core.errors import ExerciseError
from labgen.docker import events as traces
from labgen.exercises.cleanup import exercise as cleanup
from labgen.exercises.cleanup import steps as carried
from labgen.exercises.globalmode import exercise as globalmode
from labgen.exercises.update import exercise as update
from provision.exercise import rehearse
from provision.exercise.steps import Command
from tests import needs

PARAMETERS = cleanup.Parameters()
BALANCED, GLOBAL = PARAMETERS.removed


def test_cleanup_commands_are_the_documents() -> None:
    texts: list[str] = []
    rehearse("cleanup", LAB, {}, say=texts.append)
    text = "\n".join(texts)
    places = [text.index(f"]$ {command}") for command in (BALANCED.create, GLOBAL.create, PARAMETERS.remove)]
    assert places == sorted(places)
    assert "docker service rm web-alb global_nginx" in text


def test_cleanup_what_is_the_courses() -> None:
    names = ["web-alb", "my-database", "mine", "web-alb-2", f"{cleanup.stacks()[0]}_web"]
    assert cleanup.of_the_course(names, cleanup.services()) == ["web-alb", "my-database", names[-1]]
    assert {"nginx", "redis", "alpine"} <= cleanup.images()


def services(*specs: Any) -> tuple[str, Any]:
    return ("/services'?$", api(f"[{', '.join(map(told, specs))}]"))


def test_own_work_under_a_name_of_the_course_stops_it_before_anything_is_made() -> None:
    own = update.Parameters().service.but(replicas=9)
    shell = ScriptedShell(MANAGER, [services(GLOBAL, own)])
    with pytest.raises(ExerciseError, match=r"^my-database: the settings are those of no exercise") as caught:
        carried._use_existing(FakeRun("cleanup", shell), BALANCED)
    assert "docker service rm my-database" in caught.value.hint
    assert all_used([shell])


def test_cleanup_what_an_exercise_has_left_need_not_be_made() -> None:
    global_answer = ("/services/global_nginx", api(told(GLOBAL), "[]"))
    shell = ScriptedShell(MANAGER, [services(GLOBAL), global_answer])
    assert "exercise globalmode has left it" in str(carried._use_existing(FakeRun("cleanup", shell), GLOBAL))


MISSING = ok('{"message": "not found"}\n404\n{"message": "not found"}\n404\n')
JOINED = {**node_json(MANAGER), "CreatedAt": "2026-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ("", True),
        ('{"Type":"service","Action":"remove","Actor":{"Attributes":{"name":"mine"}}}\n', True),
        ('{"Type":"service","Action":"remove","Actor":{"Attributes":{"name":"web-alb"}}}\n', False),
    ],
)
def test_services_are_made_only_where_nothing_was_there_before(events: str, expected: bool) -> None:
    none = ("/services'?$", api("[]"))
    shell = ScriptedShell(
        MANAGER,
        [
            none,
            ("/services/web-alb", MISSING),
            none,
            none,
            none,
            ("/nodes", api(json.dumps([JOINED]))),
            ("docker events --since 1767225600 ", ok(f"engine runs since 1\n{events}")),
        ],
    )
    assert (carried._use_existing(FakeRun("cleanup", shell), BALANCED) is None) == expected
    assert all_used([shell])


def containers(*records: dict[str, Any]) -> tuple[str, Any]:
    return ("/containers/json", api(json.dumps(list(records))))


LEFT = {"Names": ["/web-alb.1.x"], "Labels": {"com.docker.swarm.service.name": "web-alb"}}
BY_HAND = {"Names": ["/swarm-start"], "Labels": {}}
OWN = {"Names": ["/mine.1.x"], "Labels": {"com.docker.swarm.service.name": "mine"}}


@pytest.mark.parametrize(
    ("leftover", "message"),
    [
        (LEFT, "last seen: web-alb on swarm-worker1"),
        (BY_HAND, "swarm-start on swarm-worker1: a container of that name was started by hand"),
    ],
)
def test_cleanup_container_that_is_left_is_said(leftover: dict[str, Any], message: str) -> None:
    shells = [ScriptedShell(MANAGER, [containers(OWN)]), ScriptedShell(WORKER1, [containers(OWN, leftover)])]
    with pytest.raises(ExerciseError, match=message):
        carried._no_container(FakeRun("cleanup", *shells))


def test_own_containers_may_stay() -> None:
    shells = [ScriptedShell(node, [containers(OWN)]) for node in (MANAGER, WORKER1, WORKER2)]
    carried._no_container(FakeRun("cleanup", *shells))
    assert all_used(shells)


def test_cleanup_nothing_to_remove_is_said() -> None:
    run = FakeRun("cleanup")
    assert str(carried._rm_command(run, "stack", lambda _: [])) == "the course has left no stack."
    command = carried._rm_command(run, "network", lambda _: ["a b"])
    assert isinstance(command, Command)
    assert command.shown == "docker network rm 'a b'"


@pytest.mark.parametrize(
    ("removes", "sees", "status"),
    [
        pytest.param([1, 1, 0], [0, 0], 0, id="in use for a moment longer than its containers are there"),
        pytest.param([1, 1], [0, 1], 0, id="removed by the swarm meanwhile"),
        pytest.param([1] * 10, [0] * 10, 1, id="in use all the while"),
    ],
)
def test_cleanup_network_is_removed_or_gone(tmp_path: Path, removes: list[int], sees: list[int], status: int) -> None:
    """The script itself, with an engine that answers to each `network rm` and `network inspect` as it is told."""
    needs.linux("a shell script of nodes")
    for name, answers in (("rm", removes), ("inspect", sees)):
        (tmp_path / name).write_text("".join(f"{answer}\n" for answer in answers))
    engine = f'cd {tmp_path}; read -r said < "$2" || exit 9; sed -i 1d "$2"; echo "$2 $3" >> asked; exit "$said"'
    for program, does in (("docker", engine), ("sleep", "exit 0")):
        (tmp_path / program).write_text(f"#!/bin/sh\n{does}\n")
        (tmp_path / program).chmod(0o755)
    command = carried._rm_command(FakeRun("cleanup"), "network", lambda _: ["a b"])
    assert isinstance(command, Command)
    assert command.script is not None
    path = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    result = subprocess.run(["sh", "-c", command.script], env=path, capture_output=True, text=True)
    assert result.returncode == status, result.stderr
    calls = (tmp_path / "asked").read_text().splitlines()
    assert set(calls) <= {"rm a b", "inspect a b"}
    assert len(calls) == len(removes) + len(sees)


def test_cleanup_services_that_it_has_made_are_reset() -> None:
    gone = ("docker ps --all --quiet", ok())
    manager = ScriptedShell(
        MANAGER, [services(globalmode.Parameters().service), ("docker service rm global_nginx", ok()), gone]
    )
    shells = [manager, ScriptedShell(WORKER1, [gone]), ScriptedShell(WORKER2, [gone])]
    carried.reset(FakeRun("cleanup", *shells))
    assert all_used(shells)


def test_traces_of_an_engine() -> None:
    text = (
        "engine runs since 1795516000\n"
        '{"Type":"container","Action":"destroy","Actor":{"Attributes":{"com.docker.swarm.service.name":"web-alb"}}}\n'
        '{"Type":"container","Action":"destroy","Actor":{"Attributes":{"name":"by-hand"}}}\n'
        '{"Type":"service","Action":"remove","Actor":{"Attributes":{"name":"spread"}}}\n'
        "{broken\n"
    )
    engine_traces = traces.read(text)
    assert engine_traces.services == {"web-alb", "spread"}
    assert engine_traces.forgotten(datetime.fromtimestamp(1795515000, UTC))
    assert not engine_traces.forgotten(datetime.fromtimestamp(1795516001, UTC))
