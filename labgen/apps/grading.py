"""Grading a lab, or evidence of one, by verify/ in a process of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from labgen.core.environment import of_python
from labgen.core.errors import HostError
from labgen.core.i18n import ui_language
from labgen.core.process import Runner, python
from labgen.core.words import Language
from labgen.core.workspace import LabFolder

_LONGEST = 3 * 3600
"""Seconds that a grading may take."""


@dataclass(frozen=True)
class Grading:
    """What is graded, and where what comes of it is left.

    :param report: folder of the report.
    :param exercises: their names, or ``all``; those that the lab shows where there are none.
    :param language: of the report; that of this computer where ``None``.
    :param evidence: file for what is observed; in the report's folder where ``None``.
    :param handin: evidence that is graded in place of the lab.
    :param nonce: put into the evidence; with a hand-in, it must be there.
    :param colored: whether what it prints goes to a terminal.
    """

    report: Path
    exercises: Sequence[str] = ()
    language: Language | None = None
    evidence: Path | None = None
    handin: Path | None = None
    nonce: str | None = None
    colored: bool = False

    @property
    def report_file(self) -> Path:
        """The report as JSON."""
        return self.report / "report.json"


def check(folder: LabFolder, grading: Grading, on_line: Callable[[str], None]) -> int:
    """Grade and return the exit status (see :mod:`labgen.core.errors`).

    :param on_line: gets each line that is printed: the table of verdicts, or why nothing was graded.
    :raises HostError: an earlier report cannot be replaced.
    """
    _remove(grading.report_file)
    if grading.handin:
        source = f"--from={grading.handin.absolute()}"
    else:
        source = f"--evidence={(grading.evidence or grading.report / folder.evidence.name).absolute()}"
    words = [
        "--quiet",
        "--no-header",
        # The grade's own table says it all, and in words.
        "--tb=no",
        "-rN",
        f"--color={'yes' if grading.colored else 'no'}",
        f"--lab={folder.path}",
        f"--report={grading.report}",
        f"--lang={grading.language or ui_language()}",
        source,
        *([] if grading.nonce is None else [f"--nonce={grading.nonce}"]),
        *(f"--exercise={name}" for name in grading.exercises),
    ]
    verify = Runner(env=of_python())
    return verify.run([python(), "-m", "verify", *words], timeout=_LONGEST, on_line=on_line).status


def _remove(report: Path) -> None:
    """Remove the report of an earlier run: one that breaks down must not be taken for the one before it.

    :raises HostError: it cannot be removed.
    """
    try:
        report.unlink(missing_ok=True)
    except OSError as error:
        raise HostError(
            f"{report} cannot be written: {error.strerror or error}.", "Name another folder: --report DIR"
        ) from None
