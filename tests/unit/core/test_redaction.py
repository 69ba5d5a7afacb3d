"""Redaction: every form of a secret is cut out, and nothing else changes."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from labgen.core.redaction import redact
from labgen.exercise.catalogue import exercises

TOKEN = "SWMTKN-1-3pu6hszjas19xyp7ghgosyx9k8atbfcr8p2is99znpy26u2lkl-1awxwuwd3z9j1z3puu7rcgdbx"
PRIVATE_KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIhunter2\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        (f'{{"Worker":"{TOKEN}","Manager":"{TOKEN}"}}', '{"Worker":"(secret)","Manager":"(secret)"}'),
        ('{"key":"SWMKEY-1-7c37Cc8654o6p38HnroywCi19pllOnGtbdZEgtKxZu8"}', '{"key":"(secret)"}'),
        ("SWMTKN-2-1-abc-def", "(secret)"),
        (
            r'{"a":"-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----\n","b":1}',
            r'{"a":"(secret)\n","b":1}',
        ),
        ('{"a":"-----BEGIN PRIVATE KEY----- MII","b":1}', '{"a":"(secret)","b":1}'),
        ('{"Env":["DB_PASSWORD=hunter2","MODE=x"]}', '{"Env":["DB_PASSWORD=(secret)","MODE=x"]}'),
        ("mirror: http://user:hunter2@192.0.2.1:5000", "mirror: http://secret@192.0.2.1:5000"),
        ("redis://:hunter2@cache/0", "redis://secret@cache/0"),
        ("proxy: http://kim:hunt@er2@proxy:3128", "proxy: http://secret@proxy:3128"),
        ("http://a:1@b,http://c:2@d", "http://secret@b,http://secret@d"),
        ("AWS_SECRET_ACCESS_KEY=hunter2", "AWS_SECRET_ACCESS_KEY=(secret)"),
        ("PASS=hunter2", "PASS=(secret)"),
        ("PWD=hunter2", "PWD=(secret)"),
        ("MYSQL_PWD=/hunter2", "MYSQL_PWD=(secret)"),
        ("SECRET_KEY_BASE=hunter2", "SECRET_KEY_BASE=(secret)"),
        ('"POSTGRES_PASSWORD": "hunter2"', '"POSTGRES_PASSWORD": "(secret)"'),
        ('{"POSTGRES_PASSWORD":"hunter2"}', '{"POSTGRES_PASSWORD":"(secret)"}'),
        ('{\n  "password": 4711,\n  "port": 80\n}', '{\n  "password": "(secret)",\n  "port": 80\n}'),
        (r'{"Args":["{\"token\": \"hunter2\"}"]}', r'{"Args":["{\"token\": \"(secret)\"}"]}'),
        (r'msg="{\"token\":\"hunter2\"}"', r'msg="{\"token\":\"(secret)\"}"'),
        ("password: hunter2", "password: (secret)"),
        ("export PASSWORD='hunter 2' A=b", "export PASSWORD='(secret)' A=b"),
        ("http://a/?token=hunter2&page=1", "http://a/?token=(secret)&page=1"),
        ("redis-server --requirepass hunter2", "redis-server --requirepass (secret)"),
        ('["redis-server","--requirepass","hunter2"]', '["redis-server","--requirepass","(secret)"]'),
        ("redis-cli -h cache -a hunter2 ping", "redis-cli -h cache -a (secret) ping"),
        ('["redis-cli","-a","hunter2","ping"]', '["redis-cli","-a","(secret)","ping"]'),
        ("mysql -uroot -phunter2", "mysql -uroot -p(secret)"),
        ('["mysql","-uroot","-phunter2"]', '["mysql","-uroot","-p(secret)"]'),
        ("curl -u kim:hunter2 http://a", "curl -u kim:(secret) http://a"),
        ('["curl","--user","kim:hunter2"]', '["curl","--user","kim:(secret)"]'),
        ("Authorization: Bearer hunter2", "Authorization: Bearer (secret)"),
        ("authorization: Basic aHVudGVyMg==", "authorization: Basic (secret)"),
        ("curl -H 'X: Bearer hunter2'", "curl -H 'X: Bearer (secret)'"),
        ("kim:$apr1$aaaaaaaa$hunter2", "kim:(secret)"),
        ("kim:{SHA}aHVudGVyMg==", "kim:{SHA}(secret)"),
        ("kim:{PLAIN}hunter2", "kim:{PLAIN}(secret)"),
        ('{"auths":{"r":{"auth":"aHVudGVyMg=="}}}', '{"auths":{"r":{"auth":"(secret)"}}}'),
        ('{"Env":["PASSWORD=hunter \\"2"]}\n\n200\n', '{"Env":["PASSWORD=(secret)"]}\n\n200\n'),
        ('line\n{"Env":["PASSWORD=hunter2 x"]}\nnone', 'line\n{"Env":["PASSWORD=(secret)"]}\nnone'),
    ],
)
def test_redact_cuts_the_secret_and_nothing_else(text: str, redacted: str) -> None:
    assert redact(text) == redacted
    assert redact(redacted) == redacted
    keyed = redact(text, b"key")
    assert "hunter" not in keyed
    assert redact(keyed, b"other key") == keyed


@pytest.mark.parametrize(
    "text",
    [
        "POSTGRES_PASSWORD_FILE=/run/secrets/db",
        "PWD=/root/hunter2",
        '{"Env":["PWD=/srv","OLDPWD=/"]}',
        "export OLDPWD=/srv",
        "docker service create --secret source=site-users,target=users nginx",
        "docker swarm join-token worker",
        '{"Secrets":[{"File":{"Name":"users"},"SecretID":"x","SecretName":"site-users"}]}',
        '{"Image":"example/secret:1.0","Constraints":["node.labels.secret==yes"]}',
        "image: example/token:2",
        'docker swarm join --token "$token"',
        "labgen-0123456789abcdef 200 1",
    ],
)
def test_redact_leaves_what_is_no_secret(text: str) -> None:
    assert redact(text, b"key") == text


def test_redact_leaves_the_commands_of_the_course() -> None:
    commands = [spec.create for exercise in exercises().values() for spec in exercise.services]
    assert [redact(command) for command in commands] == commands


def test_redact_of_a_cut_off_key_leaves_the_next_line() -> None:
    assert redact("-----BEGIN PRIVATE KEY-----\nMII\nlabgen-00 200 1") == "(secret)\nlabgen-00 200 1"


def test_redact_of_a_key_in_one_line_of_json_leaves_the_others() -> None:
    text = '{"a":"-----BEGIN PRIVATE KEY----- MII"}\nno JSON\n' + json.dumps({"b": PRIVATE_KEY})
    assert redact(text) == '{"a":"(secret)"}\nno JSON\n{"b": "(secret)"}'


NAMES = st.sampled_from(
    ["PASSWORD", "AWS_SECRET_ACCESS_KEY", "MYSQL_PWD", "PWD", "TOKEN", "MODE", "Image", "--requirepass"]
)
VALUES = st.text() | st.sampled_from(
    ['a"b', "a\\b", "\\", PRIVATE_KEY, "http://u:p\\@h", "Bearer abc\\", "$apr1$a\\$bcdefgh"]
)
WORDS = NAMES | VALUES | st.builds("{}={}".format, NAMES, VALUES) | st.builds('{{"{}": "{}"}}'.format, NAMES, VALUES)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)


def shape(value: Any) -> Any:
    """What of a value is never redacted: how many keys and items it has, and what these have."""
    if isinstance(value, dict):
        return [shape(item) for item in value.values()]
    return [shape(item) for item in value] if isinstance(value, list) else None


@given(JSON, st.sampled_from([None, 1]), st.booleans())
@example({"Env": ['PASSWORD=a"b']}, None, True)
def test_redact_keeps_json_readable(value: Any, indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    again = json.loads(redact(text, b"key"))
    assert shape(again) == shape(json.loads(text))


@given(st.dictionaries(st.sampled_from(["Image", "Args", "Name"]), st.text(max_size=8)), VALUES, VALUES)
def test_redact_with_a_key_keeps_specs_equal_and_unequal(spec: dict[str, str], first: str, second: str) -> None:
    texts = [json.dumps({**spec, "Env": [f"PASSWORD={value}"]}) for value in (first, second)]
    redacted = [redact(text, b"key") for text in texts]
    assert (redacted[0] == redacted[1]) == (first == second)
    assert all(json.loads(text)["Env"][0].partition("=")[0] == "PASSWORD" for text in redacted)


@pytest.mark.parametrize(
    "text",
    [
        "password" * 40_000,
        "password=" * 40_000,
        'password="' * 40_000,
        'password=\\"' * 40_000,
        "a.a." * 80_000 + "password",
        "://" * 100_000,
        "://a:" * 80_000,
        "-----BEGIN PRIVATE KEY-----" * 12_000,
        "redis-cli " * 30_000,
        "curl -u " * 30_000,
        "--password " * 30_000,
        '{"password":' * 30_000,
        '["--password",' * 30_000,
        '"' + "\\" * 300_000,
        "secret" + " " * 300_000,
        "$a$" * 100_000,
    ],
)
def test_redact_of_a_hostile_text_takes_no_time(text: str) -> None:
    start = time.process_time()
    redact(text, b"key")
    assert time.process_time() - start < 3
