"""Grade labs and hand-ins in this process; as a program, grade what a request on standard input asks for.

``labgen grade`` starts the program (:mod:`labgen.apps.requests`). Other programs call :func:`grade` and
:func:`grade_evidence` themselves.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from labgen import report as reports
from labgen.apps import handin_table
from labgen.apps.requests import GradingRequest, HandIn, received
from labgen.core.console import guarded
from labgen.core.errors import HostError
from labgen.core.hint import FIRST_STAGE, Stage
from labgen.core.i18n import Language, _, ui_language
from labgen.core.printable import in_line, printable
from labgen.exercise.catalogue import Values, mounted
from labgen.machines import inventory
from labgen.machines.inventory import Inventory
from labgen.report import Report
from labgen.report.files import files
from labgen.transport.protocol import Transport
from labgen.transport.ssh import SshTransport
from verify import bundle
from verify.evidence import Evidence
from verify.grading import grade
from verify.session import lab_in, load_evidence, lock_folder
from verify.verdicts import exit_status, leave

__all__ = ["grade", "grade_evidence", "main"]


def grade_evidence(
    file: Path,
    exercises: Sequence[str] = (),
    *,
    nonce: str | None = None,
    language: Language | None = None,
    hints: Stage = FIRST_STAGE,
    parameters: Values | None = None,
) -> Report:
    """Grade what `labgen grade` has kept of a lab, without the lab; see :func:`grade`.

    :param nonce: what it must have been made with; ``None`` where that does not matter; likewise ``parameters``.
    :raises EvidenceError: the file cannot be read, was changed, or was made with another nonce or other parameters.
    """
    evidence = load_evidence(file, nonce)
    return grade(
        lab_in(evidence),
        exercises,
        evidence.replay(),
        evidence=evidence,
        language=language,
        hints=hints,
        parameters=parameters,
    )


def main() -> int:
    """Grade what the request asks for; gives the exit status (see :mod:`labgen.core.errors`)."""
    with guarded() as command:
        request = received(GradingRequest)
        if request.compared:
            command.status = handin_table.print_table(request, partial(_grade_handin, request))
        else:
            command.status = _grade_lab(request)
    return command.status


@dataclass(frozen=True)
class _Subject:
    """What is graded, and where the report is left.

    :param evidence: what is seen of the lab, or was.
    :param evidence_file: where that is left; ``None`` where it is graded again.
    """

    lab: Inventory
    transport: Transport
    report: Path
    evidence: Evidence
    evidence_file: Path | None = None


def _grade_lab(request: GradingRequest) -> int:
    """Grade one lab or hand-in, print the table and leave the report; gives the exit status."""
    with ExitStack() as opened:
        subject = _handed_in(request.handins[0]) if request.handins else _recorded(request, opened)
        report = grade(
            subject.lab,
            request.exercises,
            subject.transport,
            evidence=subject.evidence,
            language=request.language,
            hints=request.hints,
            parameters=request.parameters,
            warn=print,
        )
        width = request.width or reports.WIDTH
        print(reports.to_text(report, width=width, colour=bool(request.width), hints=request.hints), end="")
        unwritten = leave(_files(subject, report, request.hints))
    if unwritten is not None:
        print(f"error: {printable(str(unwritten))}")
        return unwritten.exit_status
    page = _("The report: %(page)s", page=in_line(subject.report / "report.html"))
    print(page.in_(request.language or ui_language()))
    if request.handins:
        evidence = _("The evidence: %(note)s.", note=handin_table.note_of(subject.evidence))
        print(evidence.in_(request.language or ui_language()))
    return exit_status(report)


def _handed_in(handin: HandIn) -> _Subject:
    evidence = load_evidence(handin.file, handin.nonce)
    return _Subject(lab_in(evidence), evidence.replay(), handin.report, evidence)


def _recorded(request: GradingRequest, opened: ExitStack) -> _Subject:
    """Lock a lab, find its folder's own exercises, and have what its nodes answer recorded."""
    opened.enter_context(mounted(request.folder))
    lab = inventory.load(request.folder)
    lock_folder(opened, lab.folder, request.exercises, partial(print, flush=True))
    evidence = Evidence.of(lab, request.nonce or "")
    evidence.exercises = tuple(sorted(request.exercises))
    nodes = SshTransport(lab)
    opened.callback(nodes.close)
    evidence_file = request.evidence or request.report / lab.folder.evidence.name
    return _Subject(lab, evidence.recording(nodes), request.report, evidence, evidence_file)


def _grade_handin(request: GradingRequest, handin: HandIn, evidence: Evidence) -> tuple[Report, HostError | None]:
    subject = _Subject(lab_in(evidence), evidence.replay(), handin.report, evidence)
    report = grade(
        subject.lab,
        request.exercises,
        subject.transport,
        evidence=evidence,
        language=request.language,
        hints=request.hints,
        parameters=request.parameters,
    )
    return report, leave(_files(subject, report, request.hints))


def _files(subject: _Subject, report: Report, hints: Stage) -> Iterator[tuple[Path, str]]:
    if subject.evidence_file is not None:
        yield subject.evidence_file, bundle.write(subject.evidence)
    for name, text in files(report, hints):
        yield subject.report / name, text


if __name__ == "__main__":
    sys.exit(main())
