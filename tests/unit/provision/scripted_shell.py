"""A node that answers the scripts it was told of, in order, and fails on any other."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from labgen.core.errors import NodeError
from labgen.docker.question import Question
from labgen.model.lab import Node
from labgen.transport.output import Output


@dataclass
class ScriptedShell:
    """Stands in for provision.shell.Shell.

    :param script: pairs of a pattern the next command must contain, and its answer.
    """

    node: Node
    script: list[tuple[str, Output | NodeError]]
    log: list[str] = field(default_factory=list)
    secrets: list[str | None] = field(default_factory=list)

    def attempt(self, script: str, *, within: float = 60, secret: str | None = None) -> Output:
        assert self.script, f"not expected any more: {script}"
        pattern, answer = self.script.pop(0)
        assert re.search(pattern, script), f"expected {pattern!r}, got {script!r}"
        self.log.append(script)
        self.secrets.append(secret)
        if isinstance(answer, NodeError):
            raise answer
        return answer

    def run(self, script: str, *, within: float = 60, secret: str | None = None, what: str = "") -> str:
        output = self.attempt(script, within=within, secret=secret)
        if not output.ok:
            raise NodeError(f"{self.node.name}: {what} failed")
        return output.out

    def ask(self, question: Question, *, within: float = 30) -> str:
        return self.run(question.script, within=within)


def ok(out: str = "") -> Output:
    return Output(0, out, "")


def refused(err: str) -> Output:
    return Output(1, "", err)


def api(*bodies: str) -> Output:
    """What curl prints of the engine's answers."""
    return ok("".join(f"{body}\n200\n" for body in bodies))


def all_used(shells: Sequence[ScriptedShell]) -> bool:
    return not any(shell.script for shell in shells)
