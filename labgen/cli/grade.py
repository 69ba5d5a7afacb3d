"""`labgen grade`: the checks of verify/, run by pytest in a process of its own."""

from __future__ import annotations

import dataclasses
import json
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from labgen.apps.grading import Grading, check
from labgen.apps.remote_lab import remote_lab
from labgen.cli import grade_handins
from labgen.cli.folders import in_lab_folder
from labgen.cli.parameters import (
    ExerciseName,
    FilePath,
    FolderPath,
    Nonce,
    language_option,
    repeat_option,
)
from labgen.core.atomic_files import is_link, read
from labgen.core.errors import GRADED, EvidenceError, HostError, LabgenError
from labgen.core.words import Language
from labgen.core.workspace import LabFolder
from labgen.exercise.catalogue import find
from labgen.machines import inventory


@dataclasses.dataclass(frozen=True)
class Options:
    """What is asked of `labgen grade`: each is the option of its name.

    :param handins: the files of ``--from``.
    :param opens: whether the report's page is opened in a browser.
    """

    exercises: tuple[str, ...]
    every: bool
    as_json: bool
    lang: Language | None
    report: Path | None
    evidence: Path | None
    handins: tuple[Path, ...]
    nonce: str | None
    nonces: Path | None
    ssh_config: Path | None
    lab_file: Path | None
    emulated: bool
    opens: bool


class _Grade(click.Command):
    """A command whose ``--from`` takes every file up to the next option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, repeat_option(args, "--from"))


@click.command(cls=_Grade)
@click.argument(
    "exercises",
    nargs=-1,
    type=ExerciseName(),
    metavar="[EXERCISE]...",
    help="exercises to grade (default: those found in the lab)",
)
@click.option("--all", "every", is_flag=True, help="grade every exercise, even those not started")
@click.option("--json", "as_json", is_flag=True, help="print the report as JSON")
@language_option
@click.option("--report", type=FolderPath(), metavar="DIR", help="write the report to DIR")
@click.option(
    "--evidence", type=FilePath(), metavar="FILE", help="write the evidence to FILE instead of the report's folder"
)
@click.option(
    "--from",
    "handins",
    type=FilePath(),
    multiple=True,
    metavar="FILE...",
    help="grade the evidence in each FILE, without the lab; several are compared with one another",
)
@click.option("--nonce", type=Nonce(), metavar="TEXT", help="put TEXT into the evidence; with --from, it must be there")
@click.option(
    "--nonces", type=FilePath(), metavar="TABLE", help="with --from: the nonce that each name's file must have"
)
@click.option(
    "--ssh-config", type=FilePath(), metavar="FILE", help="grade somebody else's lab: how its nodes are reached"
)
@click.option(
    "--lab-file",
    type=FilePath(),
    metavar="FILE",
    help="the lab.yml that the lab is judged by; with --from, that it is compared with",
)
@click.option("--emulated", is_flag=True, help="with --ssh-config: its nodes are emulated, and take longer")
@click.option("--open", "opens", is_flag=True, help="open the report's page in a browser")
@in_lab_folder
def command(
    folder: LabFolder,
    *,
    exercises: tuple[str, ...],
    every: bool,
    as_json: bool,
    lang: Language | None,
    report: Path | None,
    evidence: Path | None,
    handins: tuple[Path, ...],
    nonce: str | None,
    nonces: Path | None,
    ssh_config: Path | None,
    lab_file: Path | None,
    emulated: bool,
    opens: bool,
) -> int:
    """Check, print the table, leave the report; gives the exit status of the grading (see labgen.core.errors)."""
    if evidence and handins:
        raise click.UsageError("--evidence and --from cannot be used together.", click.get_current_context())
    options = Options(
        exercises, every, as_json, lang, report, evidence, handins, nonce, nonces, ssh_config, lab_file, emulated, opens
    )
    _refuse_combinations(options)
    if ssh_config and lab_file:
        with remote_lab(ssh_config, lab_file, emulated=emulated) as remote:
            return _grade(options, remote)
    # From evidence there need not be a lab.
    if handins:
        return _grade_evidence(options, folder)
    return _grade(options, inventory.load(folder.path).folder)


def _refuse_combinations(options: Options) -> None:
    """Refuse options that do not go together.

    :raises LabgenError: two of them do not, or one lacks another.
    """
    if options.handins and options.ssh_config:
        raise LabgenError("--from and --ssh-config are two ways to grade.", "Leave one of them out.")
    if options.ssh_config and not options.lab_file:
        raise LabgenError(
            "--ssh-config and --lab-file go together: how the nodes are reached, and what lab they are to be.",
            "labgen grade --ssh-config FILE --lab-file FILE",
        )
    if options.lab_file and not (options.ssh_config or options.handins):
        raise LabgenError(
            "--lab-file goes with --ssh-config or with --from.", "labgen grade --ssh-config FILE --lab-file FILE"
        )
    if options.nonces and not options.handins:
        raise LabgenError("--nonces goes with --from.", "labgen grade --from FILE ... --nonces TABLE")


def _grade_evidence(options: Options, folder: LabFolder) -> int:
    files, exercises = grade_handins.files(options.handins)
    options = dataclasses.replace(options, exercises=(*options.exercises, *exercises))
    for file in files:
        need_evidence(file)
    nonces = grade_handins.nonces(files, options.nonce, options.nonces)
    if len(files) == 1 and not options.lab_file:
        status = _grade(options, folder, files[0], nonces[files[0]])
        if status in GRADED and not options.as_json:
            print(f"The evidence: {grade_handins.noted(files[0])}.")
        return status
    if options.report or options.as_json:
        raise LabgenError(
            "--report and --json are for one file: the report of each of several lies beside it.",
            "Leave them out, or grade one file at a time.",
        )

    def grade(file: Path, nonce: str | None) -> tuple[int, Mapping[str, Any] | None]:
        status = _grade(options, folder, file, nonce, quiet=True)
        if status not in GRADED:
            return status, None
        return status, json.loads(read(_report_folder(options, file, folder) / "report.json") or "{}")

    return grade_handins.grade_all(files, nonces, options.lab_file, grade)


def _grade(
    options: Options,
    folder: LabFolder,
    handin: Path | None = None,
    nonce: str | None = None,
    *,
    quiet: bool = False,
) -> int:
    # Where the report is wanted as JSON, standard output holds nothing else.
    out = sys.stderr if options.as_json else sys.stdout
    grading = Grading(
        _report_folder(options, handin, folder),
        ["all"] if options.every else [find(name).name for name in options.exercises],
        options.lang,
        options.evidence,
        handin,
        options.nonce if nonce is None else nonce,
        colored=out.isatty(),
    )
    status = check(folder, grading, lambda line: None if quiet else print(line, flush=True, file=out))
    if status not in GRADED:
        return status  # which has been said why
    if options.as_json:
        sys.stdout.write(read(grading.report_file) or "")
    elif not quiet:
        print(f"The report: {grading.report / 'report.html'}")
    if options.opens and not quiet:
        _open(grading.report / "report.html")
    return status


def _open(page: Path) -> None:
    """Open a page in the user's browser, or say that it cannot be opened: the grade stands either way."""
    if click.launch(str(page)):
        click.echo(f"No browser could be started: open {page} yourself.", err=True)


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


def _report_folder(options: Options, handin: Path | None, folder: LabFolder) -> Path:
    """Choose where the report is left: where it is asked for, beside the evidence, or in the lab folder.

    That of a lab of someone else's is left in the working folder.

    :raises HostError: a link stands there, which leads out of the folder.
    """
    if options.report:
        return options.report.absolute()
    if handin:
        report = handin.absolute().with_name(f"{handin.stem}-report")
    else:
        report = Path("labgen-report").absolute() if options.ssh_config else folder.report
    if is_link(report):
        raise HostError(
            f"{report} is a link, and a report is not written where it leads.",
            "Remove it, or name a folder: --report DIR",
        )
    return report
