"""What an engine does in its containers for a check: it runs programs, replaces a file, shows what a task printed.

Each is a question, recorded under the command with which a person on the node does the same. The engine does it through
its API: no program called ``docker`` on the node takes part.
"""

from __future__ import annotations

import io
import json
import re
import shlex
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote, urlencode

from labgen.core.errors import NodeError
from labgen.docker.api import Answer, EngineBusy, load_json, text_of
from labgen.docker.question import NodeAccess, Question, Reply

_STDOUT = 1
_NO_SUCH_IMAGE = 404

_SECONDS = 120
"""How long a container that was started for one command lives, if nobody removes it."""


def post(node: NodeAccess, path: str, fields: Mapping[str, Any] | None = None) -> Any:
    """Post JSON to the engine, and return the JSON that it replies.

    :raises SwarmError: it is not a manager of a swarm.
    :raises NodeError: it gives no reply, or refuses.
    """
    return _value(node.request("POST", path, b"" if fields is None else json.dumps(fields).encode()), path)


def execute(node: NodeAccess, container: str, command: Sequence[str]) -> bytes:
    """Run a program in a container, and return what it printed on its standard output.

    :return: nothing where the container does not run.
    :raises NodeError: the engine gives no reply.
    """
    fields = {"AttachStdout": True, "AttachStderr": True, "Cmd": list(command)}
    created = node.request("POST", f"/containers/{quote(container, safe='')}/exec", json.dumps(fields).encode())
    if not _succeeded(created):
        return b""
    path = f"/exec/{quote(text_of(_json(created), 'Id'), safe='')}/start"
    started = node.request("POST", path, json.dumps({"Detach": False, "Tty": False}).encode())
    return stdout(started.body) if _succeeded(started) else b""


def stdout(raw: bytes) -> bytes:
    """Take the standard output from the engine's stream of two outputs.

    Eight bytes stand before each piece: which output, three zeros, and its length (moby ``pkg/stdcopy``). A container
    with a terminal has one output, and its stream no such heads.
    """
    if not re.match(rb"[\0-\2]\0\0\0", raw):
        return raw
    return b"".join(piece for output, piece in _pieces(raw) if output == _STDOUT)


def _pieces(raw: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 8 <= len(raw):
        end = at + 8 + int.from_bytes(raw[at + 4 : at + 8], "big")
        yield raw[at], raw[at + 8 : end]
        at = end


def text_from(raw: bytes, most: int) -> str:
    """Decode the first bytes of what a program printed."""
    return raw[:most].decode("utf-8", "replace")


def execution(script: str, container: str, command: Sequence[str], read: Callable[[bytes], str]) -> Question:
    """Make the question for what a program in a container prints.

    :param script: with which a person asks the same.
    :param read: makes of the program's output what the script prints.
    """
    return Question(script, lambda node: read(execute(node, container, command)))


def replacement(script: str, container: str, path: str, content: bytes) -> Question:
    """Make the question that gives a container a file, in place of the one that it has there.

    :param script: with which a person does the same.
    :raises NodeError: when it is asked, and the engine refuses.
    """
    archive, file = io.BytesIO(), PurePosixPath(path)
    with tarfile.open(fileobj=archive, mode="w") as tar:
        entry = tarfile.TarInfo(file.name)
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))

    def answer(node: NodeAccess) -> str:
        url = f"/containers/{quote(container, safe='')}/archive?{urlencode({'path': str(file.parent)})}"
        _value(node.request("PUT", url, archive.getvalue()), url)
        return ""

    return Question(script, answer)


def removal(container: str) -> Question:
    """Make the question that kills and removes a container."""

    def answer(node: NodeAccess) -> str:
        path = f"/containers/{quote(container, safe='')}?force=1"
        _value(node.request("DELETE", path), path)
        return ""

    return Question(f"docker rm -f {shlex.quote(container)}", answer)


def throwaway(script: str, image: str, network: str, alias: str, command: Sequence[str]) -> Question:
    """Make the question for what a program prints in a container that is made for it, on a network, and removed.

    :param script: with which a person asks the same.
    :param alias: a name that the container has there; none where empty.
    """
    endpoint = {"Aliases": [alias]} if alias else {}
    fields = {
        "Image": image,
        "Cmd": ["sleep", str(_SECONDS)],
        "HostConfig": {"NetworkMode": network, "AutoRemove": True},
        "NetworkingConfig": {"EndpointsConfig": {network: endpoint}},
    }

    def answer(node: NodeAccess) -> str:
        container = quote(text_of(_made(node, image, fields), "Id"), safe="")
        try:
            post(node, f"/containers/{container}/start")
            return execute(node, container, command).decode("utf-8", "replace")
        finally:
            node.request("DELETE", f"/containers/{container}?force=1")

    return Question(script, answer)


def _made(node: NodeAccess, image: str, fields: Mapping[str, Any]) -> Any:
    """Make a container, with an image that the engine fetches first where it has none."""
    create = "/containers/create"
    reply = node.request("POST", create, json.dumps(fields).encode())
    if reply.status == _NO_SUCH_IMAGE:
        # Without a tag the engine would fetch every one. A colon further to the left is a registry's port.
        tagged = image if re.search(r"[:@][^/]*$", image) else f"{image}:latest"
        node.request("POST", f"/images/create?{urlencode({'fromImage': tagged})}")
        return post(node, create, fields)
    return _value(reply, create)


def task_log(script: str, task: str, lines: int, within: float) -> Question:
    """Make the question for the last lines that a task printed on its standard output.

    :param script: with which a person asks the same.
    :param task: its id.
    :param within: seconds that the engine has; where it does not answer, the log is empty.
    """
    path = f"/tasks/{quote(task, safe='')}/logs?stdout=1&stderr=1&tail={lines}"

    def answer(node: NodeAccess) -> str:
        try:
            reply = node.request("GET", path, within=within)
        except NodeError:
            return ""
        return stdout(reply.body).decode("utf-8", "replace") if _succeeded(reply) else ""

    return Question(script, answer)


def _succeeded(reply: Reply) -> bool:
    # 201 Created, 204 No Content.
    return 200 <= reply.status < 300


def _json(reply: Reply) -> Any:
    text = reply.body.decode("utf-8", "replace")
    try:
        return load_json(text)
    except ValueError:
        return text


def _value(reply: Reply, path: str) -> Any:
    try:
        return Answer(200 if _succeeded(reply) else reply.status, _json(reply)).value(path)
    except EngineBusy as busy:
        # To a poll it would be a reason to do it again.
        raise NodeError(busy.message, busy.hint) from None
