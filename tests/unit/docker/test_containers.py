"""What an engine does in its containers: what it is asked for, and what is read of its replies."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from labgen.core.errors import NodeError
from labgen.docker import containers
from labgen.docker.question import Question, Reply
from labgen.exercises.update import checks as update


def piece(output: int, text: bytes) -> bytes:
    return bytes([output, 0, 0, 0]) + len(text).to_bytes(4, "big") + text


class Engine:
    """A node whose engine replies by the beginning of the path, and else that it has made something."""

    def __init__(self, **replies: Reply | NodeError) -> None:
        self.replies = {f"/{name}": reply for name, reply in replies.items()}
        self.requests: list[str] = []

    def request(self, method: str, path: str, content: bytes = b"", within: float = 0) -> Reply:
        self.requests.append(f"{method} {path}")
        reply = next((self.replies[name] for name in self.replies if path.startswith(name)), None)
        if isinstance(reply, NodeError):
            raise reply
        return reply or Reply(201, json.dumps({"Id": "made"}).encode())

    def answer(self, question: Question) -> str:
        node: Any = self
        return question.answer(node)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"", b""),
        (piece(1, b"a") + piece(2, b"no") + piece(1, b"b"), b"ab"),
        (piece(0, b"typed"), b""),
        # The last piece was cut off.
        (piece(1, b"a") + piece(1, b"bcd")[:-2], b"ab"),
        (piece(1, b"a") + piece(1, b"b")[:6], b"a"),
        # A length of four bytes.
        (piece(1, bytes(2**24)) + piece(2, b"no"), bytes(2**24)),
        # Of a container with a terminal.
        (b"plain\r\n", b"plain\r\n"),
        (b"\1 no head", b"\1 no head"),
    ],
)
def test_stdout_is_one_of_two_outputs(raw: bytes, expected: bytes) -> None:
    assert containers.stdout(raw) == expected


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply(200, piece(1, b"line\n") + piece(2, b"warning\n")), "line\n"),
        (Reply(404, b'{"message":"no such task"}'), ""),
        (NodeError("node did not answer within 20 s."), ""),
    ],
)
def test_task_log_is_empty_where_the_engine_has_none(reply: Reply | NodeError, expected: str) -> None:
    engine = Engine(tasks=reply)
    assert engine.answer(containers.task_log("", "t1", lines=5, within=20)) == expected
    assert engine.requests == ["GET /tasks/t1/logs?stdout=1&stderr=1&tail=5"]


@pytest.mark.parametrize(
    ("image", "fetched"),
    [
        ("alpine:3", "alpine%3A3"),
        ("alpine", "alpine%3Alatest"),
        ("mirror:5000/alpine", "mirror%3A5000%2Falpine%3Alatest"),
        ("mirror:5000/alpine:3", "mirror%3A5000%2Falpine%3A3"),
        ("alpine@sha256:ab", "alpine%40sha256%3Aab"),
    ],
)
def test_throwaway_fetches_the_image_that_the_engine_has_not(image: str, fetched: str) -> None:
    engine = Engine(**{"containers/create": Reply(404, b'{"message":"No such image: alpine:3"}')})
    with pytest.raises(NodeError, match="No such image"):
        engine.answer(containers.throwaway("", image, "net", "", ["true"]))
    create = "POST /containers/create"
    assert engine.requests == [create, f"POST /images/create?fromImage={fetched}", create]


def test_throwaway_that_does_not_start_is_removed() -> None:
    engine = Engine(**{"containers/made/start": Reply(500, b'{"message":"context deadline exceeded"}')})
    with pytest.raises(NodeError, match="context deadline exceeded"):
        engine.answer(containers.throwaway("", "alpine:3", "net", "", ["true"]))
    assert engine.requests[-1] == "DELETE /containers/made?force=1"


@pytest.mark.parametrize("act", [containers.removal, lambda name: containers.replacement("", name, "/a/b", b"")])
def test_acts_quote_the_name_of_a_container(act: Callable[[str], Question]) -> None:
    engine = Engine()
    engine.answer(act("../x?y"))
    (request,) = engine.requests
    assert "/containers/..%2Fx%3Fy" in request


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        (b"# Server\r\nredis_version:6.2.5\r\nos:Linux\r\n", "redis_version:6.2.5\r\n"),
        (b"redis_version:" + b"6" * 200, "redis_version:" + "6" * 86),
        (b"my redis_version:6\n", ""),
    ],
)
def test_version_of_a_server_is_the_line_that_its_command_prints(printed: bytes, expected: str) -> None:
    engine = Engine(exec=Reply(200, piece(1, printed)))
    question = update._ask("c1")
    assert engine.answer(question) == expected
    assert question.script == "docker exec c1 redis-cli INFO server | grep -a ^redis_version: | head -c 100 || true"


@pytest.mark.parametrize(
    ("fields", "content"), [(None, b""), ({}, b"{}"), ({"Force": True}, b'{"Force": true}')], ids=["none", "no", "one"]
)
def test_post_sends_its_fields_as_json(fields: dict[str, Any] | None, content: bytes) -> None:
    engine = Engine()
    contents: list[bytes] = []

    class Node:
        def request(self, method: str, path: str, content: bytes = b"", within: float = 0) -> Reply:
            contents.append(content)
            return engine.request(method, path, content, within)

    node: Any = Node()
    assert containers.post(node, "/swarm/leave", fields) == {"Id": "made"}
    assert contents == [content]
    assert engine.requests == ["POST /swarm/leave"]
