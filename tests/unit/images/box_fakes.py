"""A runner that knows what it may be asked, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labgen.core.process import Result, Runner
from labgen.images.build_context import _ALONE


@dataclass(frozen=True)
class Told(Runner):
    """Answers with the first entry whose words begin the command, after what a workshop puts before it."""

    answers: dict[str, tuple[int, str]] = field(default_factory=dict)
    installed: Callable[[str], bool] = lambda _: True
    asked: list[str] = field(default_factory=list)

    def which(self, program: str) -> str | None:
        return f"/usr/bin/{program}" if self.installed(program) else None

    def run(self, argv: Sequence[str | Path], **options: Any) -> Result:
        line = " ".join(str(part) for part in argv).removeprefix(" ".join(_ALONE) + " ")
        self.asked.append(line)
        for start, (status, out) in self.answers.items():
            if line.startswith(start):
                for text in out.splitlines():
                    options.get("on_line", lambda _: None)(text)
                return Result(tuple(map(str, argv)), status, out, "" if status == 0 else out)
        raise AssertionError(f"nobody expected: {line}")

    def start(self, argv: Sequence[str | Path], **options: Any) -> int:
        raise AssertionError(f"nobody expected: {argv}")
