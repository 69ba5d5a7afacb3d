"""One careless input given to one command, and what is wrong with what came of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

DOCUMENTED = frozenset({0, 1, 2, *range(3, 15), 130})
"""Exit statuses of the README."""

MISTAKE_IN_LAB_FILE = frozenset({3})
Prepare = Callable[[Path], None]


def nothing(folder: Path) -> None:
    """Leave an empty lab folder as it is."""


@dataclass(frozen=True)
class Trial:
    """A careless input, and the command that gets it.

    :param kind: what sort of carelessness it is.
    :param case: which one of that sort.
    :param words: of the command, without the program.
    :param prepare: makes the mistake in an empty lab folder, which the command is typed in.
    :param statuses: exit statuses that are right.
    :param environment: variables that the command gets, ``None`` for one that it must not have.
    :param shell: how a shell starts it: the program and its words stand for ``{}``.
    """

    kind: str
    case: str
    words: tuple[str, ...]
    prepare: Prepare = nothing
    statuses: frozenset[int] = DOCUMENTED
    environment: Mapping[str, str | None] = field(default_factory=dict)
    shell: str = "{}"

    def __str__(self) -> str:
        command = " ".join(self.words)
        return f"{self.kind}: {self.case}: {command if len(command) < 60 else command[:57] + '...'}"


@dataclass(frozen=True)
class Outcome:
    """What came of a trial; an exit status of ``None`` means that it did not end."""

    status: int | None
    out: str
    err: str


_STACK = re.compile(
    r"Traceback|^\s*File \".*\", line \d+|Exception ignored|ResourceWarning|INTERNALERROR", re.MULTILINE
)
_RAW = re.compile(r"\[Errno|\[WinError|Error\(|<class|\bNone\b|object at 0x")
_ERROR = re.compile(r"^(?:labgen(?: \w+)*: |python -m \S+: |\S+: )?(?:error|ERROR): (?P<text>.*)", re.MULTILINE)


def complaints(trial: Trial, outcome: Outcome, folder: Path) -> list[str]:
    """Say what is wrong with an outcome; nothing where it is as it should be.

    :param folder: the lab folder it was tried in.
    """
    if outcome.status is None:
        return ["it does not end"]
    both = f"{outcome.out}\n{outcome.err}"
    wrong = []
    if outcome.status not in trial.statuses:
        wrong.append(f"status {outcome.status} instead of {sorted(trial.statuses)}")
    if _STACK.search(both):
        wrong.append("a stack trace")
    errors = [match["text"] for match in _ERROR.finditer(both)]
    # What invoke says of a task that it does not know.
    errors += [line for line in both.splitlines() if line.startswith("No idea what")]
    if outcome.status not in (0, 5, 7, 11, 12, 13, 130) and not errors:
        wrong.append("no sentence that begins with error:")
    wrong += [f"not for people: {text}" for text in errors if _RAW.search(text) or not text.strip()]
    wrong += [f"left running: {path.name}" for path in left_running(folder)]
    wrong += [f"half-written: {path.name}" for path in half_written(folder)]
    return wrong


def left_running(folder: Path) -> list[Path]:
    """Find the files of process ids whose daemons a command has left."""
    if folder.is_symlink() or not folder.is_dir():
        return []
    return [path for path in folder.rglob("*.pid") if Path("/proc", path.read_text().strip() or "none").exists()]


def half_written(folder: Path) -> list[Path]:
    """Find what a command has left that did not come to its end of writing."""
    if folder.is_symlink() or not folder.is_dir():
        return []
    return [path for path in folder.rglob(".*.*") if re.fullmatch(r"\..+\.[a-z0-9_]{8}", path.name) and path.is_file()]
