"""`labgen grade`: the checks of verify/, run by pytest in a process of its own."""

from __future__ import annotations

import argparse
import json
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labgen.apps.remote_lab import remote_lab
from labgen.cli import grade_handins
from labgen.core.atomic_files import is_link, read
from labgen.core.environment import of_python
from labgen.core.errors import GRADED, EvidenceError, HostError, LabgenError
from labgen.core.i18n import spoken
from labgen.core.process import Runner, python
from labgen.core.workspace import LabFolder
from labgen.exercise.catalogue import find
from labgen.machines import inventory


def run(arguments: argparse.Namespace) -> int:
    """Check, print the table, leave the report; gives the exit status of the grading (see labgen.core.errors)."""
    if arguments.evidence_from and arguments.ssh_config:
        raise LabgenError("--from and --ssh-config are two ways to grade.", "Leave one of them out.")
    if arguments.ssh_config and not arguments.lab_file:
        raise LabgenError(
            "--ssh-config and --lab-file go together: how the nodes are reached, and what lab they are to be.",
            "labgen grade --ssh-config FILE --lab-file FILE",
        )
    if arguments.lab_file and not (arguments.ssh_config or arguments.evidence_from):
        raise LabgenError(
            "--lab-file goes with --ssh-config or with --from.", "labgen grade --ssh-config FILE --lab-file FILE"
        )
    if arguments.nonces and not arguments.evidence_from:
        raise LabgenError("--nonces goes with --from.", "labgen grade --from FILE ... --nonces TABLE")
    if arguments.ssh_config:
        with remote_lab(arguments.ssh_config, arguments.lab_file, emulated=arguments.emulated) as folder:
            return _grade(arguments, folder)
    # From evidence there need not be a lab.
    if arguments.evidence_from:
        return _grade_evidence(arguments)
    return _grade(arguments, inventory.load(arguments.folder).folder)


def _grade_evidence(arguments: argparse.Namespace) -> int:
    folder = LabFolder.at(arguments.folder)
    files = grade_handins.files(arguments)
    for file in files:
        need_evidence(file)
    nonces = grade_handins.nonces(arguments, files)
    if len(files) == 1 and not arguments.lab_file:
        status = _grade(arguments, folder, files[0], nonces[files[0]])
        if status in GRADED and not arguments.json:
            print(f"The evidence: {grade_handins.noted(files[0])}.")
        return status
    if arguments.report or arguments.json:
        raise LabgenError(
            "--report and --json are for one file: the report of each of several lies beside it.",
            "Leave them out, or grade one file at a time.",
        )

    def grade(file: Path, nonce: str | None) -> tuple[int, Mapping[str, Any] | None]:
        status = _grade(arguments, folder, file, nonce, quiet=True)
        if status not in GRADED:
            return status, None
        return status, json.loads(read(_report_folder(arguments, file, folder) / "report.json") or "{}")

    return grade_handins.grade_all(files, nonces, arguments.lab_file, grade)


def _grade(
    arguments: argparse.Namespace,
    folder: LabFolder,
    kept: Path | None = None,
    nonce: str | None = None,
    *,
    quiet: bool = False,
) -> int:
    nonce = arguments.nonce if nonce is None else nonce
    wanted = ["all"] if arguments.all else [find(name).name for name in arguments.exercise]
    report = _report_folder(arguments, kept, folder)
    written = report / "report.json"
    evidence = [f"--evidence={(arguments.evidence or report / folder.evidence.name).absolute()}"]
    if kept:
        evidence = [f"--from={kept.absolute()}"]
    if nonce is not None:
        evidence.append(f"--nonce={nonce}")
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
        on_line=lambda line: None if quiet else print(line, flush=True, file=out),
    )
    if done.status not in GRADED:
        return done.status  # which has been said why
    if arguments.json:
        sys.stdout.write(read(written) or "")
    elif not quiet:
        print(f"The report: {report / 'report.html'}")
    return done.status


def need_evidence(path: Path) -> None:
    """Refuse what is no file before anything is made of its name.

    :raises EvidenceError: it is not.
    """
    try:
        is_file = stat.S_ISREG(path.stat().st_mode)
    except (OSError, ValueError) as why:
        reason = getattr(why, "strerror", None) or why
        raise EvidenceError(f"{path} cannot be read: {reason}.", "Check the path and its permissions.") from None
    if not is_file:
        raise EvidenceError(f"{path} is not a file.", "Name the file that `labgen grade` left: evidence.jsonl.")


def _report_folder(arguments: argparse.Namespace, kept: Path | None, folder: LabFolder) -> Path:
    """Choose where the report is left: where it is asked for, beside the evidence, or in the lab folder.

    That of a lab of someone else's is left in the working folder.

    :raises HostError: a link stands there, which leads out of the folder.
    """
    if arguments.report:
        named: Path = arguments.report.absolute()
        return named
    if kept:
        report = kept.absolute().with_name(f"{kept.stem}-report")
    else:
        report = Path("labgen-report").absolute() if arguments.ssh_config else folder.report
    if is_link(report):
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
