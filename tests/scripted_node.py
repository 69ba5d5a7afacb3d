"""A node that answers questions: its shell by patterns, its engine by paths."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from labgen.docker.question import Page
from labgen.observation.commands import CommandAnswer, Commands


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


SILENT = CommandAnswer(124, "")
"""What a command comes to that does not end in time."""


def answered(script: str, answers: Mapping[str, CommandAnswer]) -> str:
    """Print what a node prints for the script of :class:`labgen.observation.commands.Commands`."""
    commands = Commands.read(script)
    assert commands is not None
    text = ""
    for number, command in enumerate(commands.commands):
        answer = answers.get(command)
        if answer is None:
            raise AssertionError(f"no recording for: {command}")
        if answer is SILENT:
            return text + f"\n{commands.mark} {number}\n\n{commands.mark} late\n"
        text += f"\n{commands.mark} {number}\n{answer.out}\n{commands.mark} {answer.status}\n{answer.error}\n"
    return text
