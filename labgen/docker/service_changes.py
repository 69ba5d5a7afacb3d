"""Changes of a service that a check makes to try it, each of them a question to a manager's engine.

It is recorded under the command with which a person does the same; the engine is asked through its API, so that no
program called ``docker`` on the node takes part.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

from labgen.docker.api import answers, as_object, reading, text_of
from labgen.docker.containers import post
from labgen.docker.question import NodeAccess, Question


def scaled(name: str, replicas: int, *, quiet: bool = False) -> Question:
    """Make the question that scales a service.

    :param quiet: its command prints nothing.
    """

    def change(spec: dict[str, Any]) -> None:
        spec["Mode"]["Replicated"]["Replicas"] = replicas

    script = f"docker service scale --detach {shlex.quote(name)}={replicas}" + (" >/dev/null" if quiet else "")
    return _change(name, script, change)


def forced(name: str, label: str = "", value: str = "") -> Question:
    """Make the question that replaces every task of a service by one like it.

    :param label: a label that the service is given; none where empty.
    """

    def change(spec: dict[str, Any]) -> None:
        template = spec["TaskTemplate"]
        template["ForceUpdate"] = int(template.get("ForceUpdate") or 0) + 1
        if label:
            spec["Labels"] = {**(spec.get("Labels") or {}), label: value}

    option = f"--label-add {label}={value} " if label else ""
    return _change(name, f"docker service update --detach --force {option}{shlex.quote(name)} >/dev/null", change)


def rolled_back(name: str) -> Question:
    """Make the question that rolls a service back to how it was before its last update."""
    script = f"docker service rollback --detach {shlex.quote(name)} >/dev/null"
    return _change(name, script, _nothing, rollback="previous")


def _nothing(spec: dict[str, Any]) -> None:
    del spec


def _change(name: str, script: str, change: Callable[[dict[str, Any]], None], **parameters: str) -> Question:
    def answer(node: NodeAccess) -> str:
        path = f"/services/{quote(name, safe='')}"
        service = as_object(answers(node.engine([path]), [path])[path].value(path), path)
        with reading(path):
            spec, version = dict(service["Spec"]), int(service["Version"]["Index"])
            change(spec)
        query = urlencode({"version": version, **parameters})
        post(node, f"/services/{quote(text_of(service, 'ID'), safe='')}/update?{query}", spec)
        return ""

    return Question(script, answer)
