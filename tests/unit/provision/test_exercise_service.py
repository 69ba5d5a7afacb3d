"""A service carried out: the document's commands, and what is left alone."""

from __future__ import annotations

import json
import shlex
from typing import Any

import pytest
from scripted_shell import ScriptedShell, all_used, api, ok
from test_provision_services import LAB, MANAGER, WORKER1, WORKER2, FakeRun, told

from labgen.core.errors import ExerciseError
from labgen.exercises.service import steps as service
from labgen.exercises.service.exercise import Parameters
from provision.exercise import rehearse

LINE = Parameters().line
SERVICE = Parameters().service


def test_service_commands_are_the_documents() -> None:
    texts: list[str] = []
    rehearse("service", LAB, {}, say=texts.append)
    text = "\n".join(texts)
    document = [
        "docker service create --name swarm-start alpine:3 "
        """/bin/ash -c "while true; do echo 'Docker Swarm Mode Start'; sleep 3; done\"""",
        "docker service ls",
        "docker service ps swarm-start",
        "docker service logs -f swarm-start",
        "docker service rm swarm-start",
    ]
    places = [text.index(f"]$ {command}\n") for command in document]
    assert places == sorted(places)
    assert text.endswith(document[0])


def there() -> tuple[str, Any]:
    fields = json.loads(told(SERVICE))
    fields["Spec"]["TaskTemplate"]["ContainerSpec"]["Args"] = shlex.split(SERVICE.command)
    return ("/services/swarm-start", api(json.dumps(fields), "[]"))


def test_service_one_that_was_there_is_neither_scaled_nor_removed() -> None:
    shell = ScriptedShell(MANAGER, [there()])
    run = FakeRun("service", shell)
    make, *_, scale, follow, remove, _again = service.script(LAB, parameters=service.Parameters())
    assert make.skip_if
    assert scale.skip_if
    assert remove.skip_if
    assert remove.until
    assert str(make.skip_if(run)) == "swarm-start exists already, with the right settings."
    assert "left as it is" in str(scale.skip_if(run))
    assert "left as it is" in str(remove.skip_if(run))
    remove.until(run)  # asks nothing
    assert all_used([shell])
    assert follow.skip_if is None


def test_service_one_that_is_still_there_after_its_removal_is_an_error() -> None:
    gone = ("docker ps --all --quiet", ok())
    shells = [ScriptedShell(MANAGER, [gone, there()]), ScriptedShell(WORKER1, [gone]), ScriptedShell(WORKER2, [gone])]
    with pytest.raises(ExerciseError, match="swarm-start still exists"):
        service._gone(FakeRun("service", *shells))
    assert all_used(shells)


def test_service_only_the_line_itself_counts() -> None:
    lines = f"{LINE}\n{LINE} \nsomething else\n{LINE}!\n"
    assert service.spoken(FakeRun("service", ScriptedShell(MANAGER, [("logs --raw", ok(lines))])), "t") == 2


def test_service_silent_task_is_said() -> None:
    tasks = [{"ID": "t", "Slot": 1, "DesiredState": "running", "Status": {"State": "running"}}]
    shell = ScriptedShell(
        MANAGER, [("/services/swarm-start", api(told(SERVICE), json.dumps(tasks))), ("logs --raw", ok(""))]
    )
    with pytest.raises(ExerciseError, match=r"no line yet: swarm-start\.1"):
        service._all_have_spoken(FakeRun("service", shell))
