"""What a command asks of a Python of its own, which grades: one JSON document on that Python's standard input.

The commands of labgen stay quick because they import neither pytest nor the checks; what does runs with a chosen
environment, and imports nothing from the working folder (:func:`labgen.core.environment.of_python`).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TypeVar

from labgen.core.environment import of_python
from labgen.core.errors import HostError, UsageError
from labgen.core.hint import FIRST_STAGE, Stage
from labgen.core.i18n import Language, _
from labgen.core.process import Runner, python

Request = TypeVar("Request")

_LONGEST = 3 * 3600.0
"""Seconds that the grading of one lab, or of one hand-in, may take."""

LARGEST_REPORT = 64 * 2**20
"""Bytes that a report.json may have: as many as the evidence it was made of."""


@dataclass(frozen=True)
class HandIn:
    """Evidence that somebody hands in.

    :param report: folder of its report.
    :param nonce: what it must have been made with; ``None`` where that does not matter.
    """

    file: Path
    report: Path
    nonce: str | None = None


@dataclass(frozen=True)
class GradingRequest:
    """What `labgen grade` asks for: the grade of a lab, or of hand-ins in its place.

    :param folder: the lab folder.
    :param report: folder of the report; of several hand-ins, of the first one's.
    :param exercises: names, or ``all``; those that the lab shows if there are none.
    :param evidence: file for what is observed of the lab; in the report's folder where ``None``.
    :param nonce: put into that evidence.
    :param compared: whether the hand-ins are compared, and told in a table.
    :param lab_file: the lab.yml that the labs of the hand-ins are compared with.
    :param parameters: values that exercises have instead of the course's, by exercise and parameter.
    :param width: columns of the terminal; 0 where the text goes to none, and is not coloured.
    :param hints: how much of them is shown.
    """

    folder: Path
    report: Path
    language: Language
    exercises: tuple[str, ...] = ()
    evidence: Path | None = None
    nonce: str | None = None
    handins: tuple[HandIn, ...] = field(default=())
    compared: bool = False
    lab_file: Path | None = None
    parameters: dict[str, dict[str, int | float | str]] = field(default_factory=dict)
    width: int = 0
    hints: Stage = FIRST_STAGE


@dataclass(frozen=True)
class ExplainRequest:
    """What `labgen explain` asks for.

    :param check: as somebody typed it.
    :param evidence: where to look; the lab folder's own where ``None``.
    :param full: without shortening what nodes answered.
    :param hints: how much of them is shown.
    """

    folder: Path
    check: str
    language: Language
    evidence: Path | None = None
    full: bool = False
    hints: Stage = FIRST_STAGE


def grade(request: GradingRequest, on_line: Callable[[str], None]) -> int:
    """Grade, leave the reports, and return the exit status (see :mod:`labgen.core.errors`).

    :param on_line: gets each line that is printed: the table of verdicts, or why nothing was graded.
    :raises HostError: an earlier report cannot be replaced.
    """
    for folder in [handin.report for handin in request.handins] or [request.report]:
        _remove(folder / "report.json")
    timeout = _LONGEST * max(1, len(request.handins))
    verify = Runner(env=of_python())
    return verify.run(_command("grading"), stdin=_text(request), timeout=timeout, on_line=on_line).status


def explain(request: ExplainRequest, on_line: Callable[[str], None]) -> int:
    """Explain a check and return the exit status.

    :param on_line: gets each line of the explanation.
    """
    verify = Runner(env=of_python())
    return verify.run(_command("explaining"), stdin=_text(request), timeout=_LONGEST, on_line=on_line).status


def _command(module: str) -> list[str]:
    return [python(), "-P", "-m", f"{__package__}.{module}"]


def _text(request: GradingRequest | ExplainRequest) -> str:
    return json.dumps(asdict(request), default=str)


def received(kind: type[Request]) -> Request:
    """Read the request that this process was started for.

    :raises UsageError: standard input holds none.
    """
    from pydantic import TypeAdapter  # slow to import, and not needed by who asks

    try:
        return TypeAdapter(kind).validate_python(json.load(sys.stdin))
    except (ValueError, RecursionError):
        raise UsageError(
            _("labgen starts this program itself."), _("Type: labgen grade, or labgen explain CHECK")
        ) from None


def _remove(report: Path) -> None:
    """Remove the report of an earlier run: one that breaks down must not be taken for the one before it.

    :raises HostError: it cannot be removed.
    """
    try:
        report.unlink(missing_ok=True)
    except OSError as error:
        raise HostError(
            _("%(report)s cannot be written: %(value)s.", report=report, value=error.strerror or error),
            _("Name another folder: --report DIR"),
        ) from None
