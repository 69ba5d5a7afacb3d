"""Secrets and configs: the commands in order, and what is refused; no value of a secret is ever shown."""

from __future__ import annotations

import base64
import json

import pytest
from scripted_shell import ScriptedShell, all_used, api, ok
from test_provision_exercise import LAB, MANAGER, FakeRun

from labgen.core.errors import ExerciseError
from labgen.core.polling import NotYet
from labgen.exercise.catalogue import find
from labgen.exercises.secrets import steps as secrets
from labgen.exercises.secrets.exercise import Parameters
from provision.exercise import rehearse

CONFIG_FILE = Parameters().config_file
CONFIG_TEXT = Parameters().config_text
FILE = Parameters().file
FIRST = Parameters().first
ROTATE = Parameters().rotate
SECOND = Parameters().second
SERVICE = Parameters().service
create = Parameters().create


def test_secrets_commands_are_the_briefs() -> None:
    texts: list[str] = []
    rehearse("secrets", LAB, {}, say=texts.append)
    text = "\n".join(texts)
    brief = find("secrets").brief()
    commands = [
        create(FIRST),
        f"docker secret inspect {FIRST}",
        SERVICE.create,
        f"docker secret rm {FIRST}",
        create(SECOND),
        ROTATE,
    ]
    places = [text.index(f"[swarm-manager]$ {command}") for command in commands]
    assert places == sorted(places)
    assert all(command in brief for command in commands)
    assert "auth_basic_user_file /run/secrets/site-users;" in brief


def config(text: str) -> ScriptedShell:
    fields = json.dumps({"Spec": {"Name": "site-conf", "Data": base64.b64encode(text.encode()).decode()}})
    return ScriptedShell(MANAGER, [("/configs/site-conf", api(fields))])


def test_secrets_config_of_the_learners_own_is_refused() -> None:
    with pytest.raises(ExerciseError, match="with other content") as caught:
        secrets._config_there(FakeRun(config("server {}")))
    assert "fab exercise.reset" in caught.value.hint


def test_secrets_config_may_be_indented_otherwise() -> None:
    assert secrets._config_there(FakeRun(config(CONFIG_TEXT.replace("    ", "\t"))))


def test_secrets_service_that_is_given_something_else_is_refused() -> None:
    container = {
        "Image": "nginx",
        "Secrets": [{"File": {"Name": "mine"}, "SecretName": "mine"}],
        "Configs": [{"File": {"Name": CONFIG_FILE}, "ConfigName": "site-conf"}],
    }
    spec = {"Name": "site", "Mode": {"Replicated": {"Replicas": 0}}, "TaskTemplate": {"ContainerSpec": container}}
    service = json.dumps({"ID": "s", "Spec": spec})
    looks = [("/services/site", api(service, "[]")), ("/nodes", api("[]")), ("/nodes", api("[]"))]
    shell = ScriptedShell(MANAGER, [*looks, ("/services/site", api(service, "[]"))])
    with pytest.raises(
        ExerciseError, match=r"site has these files: /run/secrets/mine is mine, .* It must have: .* is site-users-1"
    ):
        secrets._see_mounts(FakeRun(shell))
    assert all_used([shell])


def test_secrets_engine_that_told_a_value_would_be_an_error_that_does_not_repeat_it() -> None:
    fields = json.dumps({"Spec": {"Name": FIRST, "Data": "aHVudGVyMg=="}})
    shell = ScriptedShell(MANAGER, [(FIRST, api(fields))] * 2)
    with pytest.raises(ExerciseError) as caught:
        secrets._tells_no_value(FakeRun(shell))
    assert "aHVudGVyMg" not in str(caught.value)


def test_secrets_file_must_have_changed() -> None:
    before = secrets._Before()
    secrets._note(FakeRun(), f"{'a' * 64}  {FILE}\n", before)
    service = json.dumps({"ID": "s", "Spec": {"Name": "site"}})
    shell = ScriptedShell(MANAGER, [("/services/site", api(service, "[]"))] * 2)
    with pytest.raises(NotYet, match="has not changed"):
        secrets._changed(FakeRun(shell), f"{'a' * 64}  {FILE}\n", before)
    secrets._changed(FakeRun(shell), f"{'b' * 64}  {FILE}\n", before)


def test_another_status_is_waited_for() -> None:
    secrets._status(FakeRun(), "401\n", expected="401")
    with pytest.raises(NotYet, match="HTTP status 000, not 401"):
        secrets._status(FakeRun(), "000\n", expected="401")


def test_secrets_where_the_first_is_gone_nothing_is_made_anew() -> None:
    gone = ("/secrets/site-users-1", ok('{"message":"not found"}\n404\n'))
    assert secrets._exists(FakeRun(ScriptedShell(MANAGER, [gone])), FIRST) is None
