"""A node that answers questions: its shell by patterns, its engine by paths."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from labgen.docker.question import Page


@dataclass
class ScriptedNode:
    """Stands in for what a question asks; being asked anything else is a failure.

    :param shell: by a pattern that a script contains, what it prints.
    :param api: by path, unquoted, the body of the engine's answer; a number is its status, without a body.
    """

    shell: Mapping[str, str]
    api: Mapping[str, Any] = field(default_factory=dict)

    def run(self, script: str) -> str:
        return next(answer for pattern, answer in self.shell.items() if re.search(pattern, script))

    def engine(self, paths: Sequence[str], within: float = 0) -> str:
        del within
        lines = []
        for path in paths:
            answer = self.api[unquote(path)]
            if isinstance(answer, Exception):
                raise answer
            body = answer if isinstance(answer, str) else json.dumps(answer)
            lines += ["{}", str(answer)] if isinstance(answer, int) else [body, "200"]
        return "\n".join([*lines, ""])

    def page(self, address: str, port: int, within: float, most: int) -> Page:
        raise AssertionError(f"{address}:{port} was asked for within {within} s, of {most} bytes")
