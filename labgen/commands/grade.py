"""`labgen grade`: the checks of verify/, run by pytest in a process of its own."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from labgen import inventory
from labgen.course import find
from labgen.environment import of_python
from labgen.errors import GRADED, HostError
from labgen.files import read
from labgen.folder import LabFolder
from labgen.language import spoken
from labgen.proc import Runner, python


def run(arguments: argparse.Namespace) -> int:
    """Check, print the table, leave the report; gives the exit status of the grading (see labgen.errors)."""
    kept: Path | None = arguments.evidence_from
    # Without the lab there need not be one.
    folder = LabFolder.at(arguments.folder) if kept else inventory.load(arguments.folder).folder
    wanted = ["all"] if arguments.all else [find(name).name for name in arguments.exercise]
    report = _report_folder(arguments, kept, folder)
    written = report / "report.json"
    evidence = [f"--evidence={(arguments.evidence or report / folder.evidence.name).absolute()}"]
    if kept:
        evidence = [f"--from={kept.absolute()}"]
    if arguments.nonce is not None:
        evidence.append(f"--nonce={arguments.nonce}")
    _remove(written)
    # Where the report is wanted as JSON, standard output holds nothing else.
    out = sys.stderr if arguments.json else sys.stdout
    done = Runner(env=of_python()).run(
        [
            python(),
            "-m",
            "verify",
            "--quiet",
            "--no-header",
            # The grade's own table says it all, and in words.
            "--tb=no",
            "-rN",
            f"--color={'yes' if out.isatty() else 'no'}",
            f"--lab={folder.path}",
            f"--report={report}",
            f"--lang={arguments.lang or spoken()}",
            *evidence,
            *(f"--exercise={name}" for name in wanted),
        ],
        timeout=3 * 3600,
        on_line=lambda line: print(line, flush=True, file=out),
    )
    if done.status not in GRADED:
        return done.status  # which has been said why
    if arguments.json:
        sys.stdout.write(read(written) or "")
    else:
        print(f"The report: {report / 'report.html'}")
    return done.status


def _report_folder(arguments: argparse.Namespace, kept: Path | None, folder: LabFolder) -> Path:
    """Choose where the report is left: where it is asked for, else beside the evidence, else in the lab folder.

    :raises HostError: a link stands there, which leads out of the folder.
    """
    if arguments.report:
        named: Path = arguments.report.absolute()
        return named
    report = kept.absolute().with_name(f"{kept.stem}-report") if kept else folder.report
    if report.is_symlink():
        raise HostError(
            f"{report} is a link, and a report is not written where it leads.",
            "Remove it, or name a folder: --report DIR",
        )
    return report


def _remove(report: Path) -> None:
    """Remove the report of an earlier run: one that breaks down must not be taken for the one before it.

    :raises HostError: it cannot be removed.
    """
    try:
        report.unlink(missing_ok=True)
    except OSError as why:
        raise HostError(
            f"{report} cannot be written: {why.strerror or why}.", "Name another folder: --report DIR"
        ) from None
