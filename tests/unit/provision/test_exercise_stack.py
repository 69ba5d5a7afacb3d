"""The stack: the commands in order, and what is refused or left out; no machine."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from scripted_shell import ScriptedShell, all_used, api, ok
from test_provision_exercise import LAB, MANAGER, FakeRun

from labgen.core.errors import ExerciseError
from labgen.exercise.catalogue import find
from labgen.exercises.stack import steps as stack
from labgen.exercises.stack.exercise import Parameters
from provision.exercise import rehearse
from provision.exercise.steps import play
from tests import needs

CACHE = Parameters().cache
CHANGED = Parameters().changed
COUNTER = Parameters().counter
NETWORK = Parameters().network
TEXT = Parameters().text
UPDATED = Parameters().updated
WEB = Parameters().web


def test_stack_commands_are_the_briefs() -> None:
    texts: list[str] = []
    rehearse("stack", LAB, {}, say=texts.append)
    text = "\n".join(texts)
    brief = find("stack").brief()
    commands = [
        "docker-compose --project-name onehost --file shop.yml up -d --scale web=1",
        "docker-compose --project-name onehost --file shop.yml ps",
        "docker-compose --project-name onehost --file shop.yml down",
        "docker stack deploy --compose-file shop.yml shop",
        "docker stack ls",
        "docker stack services shop",
        "docker stack ps shop",
        "docker stack rm shop",
        "sed -i 's/image: redis:6.0-alpine$/image: redis:6.2.5-alpine/' shop.yml",
    ]
    places = [text.index(f"[swarm-manager]$ {command}") for command in commands]
    assert places == sorted(places)
    assert all(command in brief for command in commands)
    assert TEXT in text
    assert '- "8090:80"' in brief


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"counter_image": "redis:6.0-alpine3.19"},
        {"web_image": "lab/redis:6.0-alpine"},
        {"old": "lab/redis:6", "new": "lab/redis:7", "web_image": "lab/redis:6.2", "counter_image": "lab/redis:7.1"},
    ],
)
def test_change_is_of_the_cache_only_and_is_taken_back(tmp_path: Path, values: dict[str, object]) -> None:
    needs.posix("sh, cp and sed")
    parameters = Parameters().but(**values)
    file = tmp_path / parameters.file
    file.write_text(parameters.text, encoding="utf-8")
    for command, text in ((parameters.change, parameters.changed), (parameters.change_back, parameters.text)):
        subprocess.run(["sh", "-c", command], cwd=tmp_path, check=True)
        assert file.read_text(encoding="utf-8") == text


def test_stack_file_says_what_the_services_are() -> None:
    import shlex

    import yaml

    for text, cache in ((TEXT, CACHE), (CHANGED, UPDATED)):
        services: dict[str, Any] = yaml.safe_load(text)["services"]
        assert (services["web"]["image"], services["web"]["deploy"]["replicas"]) == (WEB.image, WEB.replicas)
        assert services["web"]["ports"] == [f"{WEB.publish[0].published}:{WEB.publish[0].target}"]
        assert services["counter"]["image"] == COUNTER.image
        assert shlex.split(services["counter"]["command"]) == shlex.split(COUNTER.command)
        assert (services["cache"]["image"], services["cache"]["deploy"]["endpoint_mode"]) == (
            cache.image,
            cache.endpoint_mode,
        )


def service(spec: Any, **changed: Any) -> str:
    fields = {
        "ID": spec.name,
        "Spec": {
            "Name": spec.name,
            "Labels": {"com.docker.stack.namespace": "shop"},
            "Mode": {"Replicated": {"Replicas": spec.replicas}},
            "TaskTemplate": {
                "ContainerSpec": {"Image": f"{spec.image}@sha256:0"},
                "Networks": [{"Target": NETWORK}],
            },
            "EndpointSpec": {"Mode": spec.endpoint_mode},
            **changed,
        },
    }
    return json.dumps(fields)


NONE = ("/services/", ok('{"message":"not found"}\n404\n{"message":"not found"}\n404\n'))


def test_services_of_a_learner_are_not_deployed_over() -> None:
    alone = service(CACHE, Labels={})
    shell = ScriptedShell(MANAGER, [NONE, NONE, ("/services/shop_cache", api(alone, "[]"))])
    with pytest.raises(ExerciseError, match="shop_cache: it was not created with the stack shop") as caught:
        stack._use_existing(FakeRun(shell))
    assert "fab exercise.reset" in caught.value.hint


def test_stack_what_differs_is_said() -> None:
    changed = service(CACHE, Mode={"Replicated": {"Replicas": 5}})
    shell = ScriptedShell(MANAGER, [NONE, NONE, ("/services/shop_cache", api(changed, "[]"))])
    with pytest.raises(ExerciseError, match="shop_cache: it has 5 replicas, not 1"):
        stack._use_existing(FakeRun(shell))


def test_stack_without_compose_its_steps_are_left_out_and_say_how_to_install_it() -> None:
    shell = ScriptedShell(MANAGER, [("command -v docker-compose", ok("\n"))])
    run = FakeRun(shell)
    play(run, stack.script(LAB, parameters=stack.Parameters())[1:2])
    assert "sudo apt install docker-compose" in run.said[2]
    assert all_used([shell])


def test_compose_is_left_out_where_the_stack_has_the_port() -> None:
    shell = ScriptedShell(
        MANAGER, [("command -v", ok("docker compose\n")), ("/services/shop_web", api(service(WEB), "[]"))]
    )
    run = FakeRun(shell)
    play(run, stack.script(LAB, parameters=stack.Parameters())[1:2])
    assert "the stack is deployed already" in run.said[2]
    assert all_used([shell])


def test_stack_file_of_the_learners_own_is_kept() -> None:
    run = FakeRun(ScriptedShell(MANAGER, [("cat shop.yml", ok("services: {}\n"))]))
    command = stack._write(run)
    assert command.script is not None
    assert command.script.startswith("cp -p shop.yml shop.yml~ && ")
    assert "kept as shop.yml~" in run.said[0]
