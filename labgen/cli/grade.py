"""`labgen grade`: the checks of the exercises, judged in a Python of their own (:mod:`labgen.apps.grading`)."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import click

from labgen.apps.remote_lab import remote_lab
from labgen.apps.requests import LARGEST_REPORT, GradingRequest, HandIn
from labgen.apps.requests import grade as grade_in_child
from labgen.cli import grade_handins
from labgen.cli.declare import argument, option
from labgen.cli.folders import in_lab_folder
from labgen.cli.parameters import (
    ExerciseName,
    FilePath,
    FolderPath,
    Nonce,
    hints_option,
    repeat_option,
)
from labgen.core.atomic_files import is_link, read
from labgen.core.errors import GRADED, EvidenceError, HostError, UsageError
from labgen.core.hint import Stage
from labgen.core.i18n import _, ui_language
from labgen.exercise.catalogue import find, mounted
from labgen.machines import inventory
from labgen.model.lab_folder import LabFolder


@dataclasses.dataclass(frozen=True)
class GradeOptions:
    """What is asked of `labgen grade`: each is the option of its name.

    :param handins: the files of ``--from``.
    :param opens: whether the report's page is opened in a browser.
    """

    exercises: tuple[str, ...]
    every: bool
    as_json: bool
    report: Path | None
    evidence: Path | None
    handins: tuple[Path, ...]
    nonce: str | None
    nonces: Path | None
    ssh_config: Path | None
    lab_file: Path | None
    emulated: bool
    opens: bool
    hints: Stage


class _Grade(click.Command):
    """A command whose ``--from`` takes every file up to the next option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, repeat_option(args, "--from"))


@click.command(cls=_Grade)
@argument(
    "exercises",
    nargs=-1,
    type=ExerciseName(),
    metavar="[EXERCISE]...",
    help=_("exercises to grade (default: those found in the lab)"),
)
@option("--all", "every", is_flag=True, help=_("grade every exercise, even those not started"))
@option("--json", "as_json", is_flag=True, help=_("print the report as JSON"))
@hints_option
@option("--report", type=FolderPath(), metavar="DIR", help=_("write the report to DIR"))
@option(
    "--evidence", type=FilePath(), metavar="FILE", help=_("write the evidence to FILE instead of the report's folder")
)
@option(
    "--from",
    "handins",
    type=FilePath(),
    multiple=True,
    metavar="FILE...",
    help=_("grade the evidence in each FILE, without the lab; several files are compared"),
)
@option(
    "--nonce",
    type=Nonce(),
    metavar="TEXT",
    help=_("put TEXT into the evidence; with --from, the evidence must contain it"),
)
@option("--nonces", type=FilePath(), metavar="TABLE", help=_("with --from: the nonce that each name's file must have"))
@option(
    "--ssh-config", type=FilePath(), metavar="FILE", help=_("grade somebody else's lab: ssh configuration of its nodes")
)
@option(
    "--lab-file",
    type=FilePath(),
    metavar="FILE",
    help=_("judge the lab by this lab.yml; with --from, compare the evidence with it"),
)
@option("--emulated", is_flag=True, help=_("with --ssh-config: the nodes are emulated and slow"))
@option("--open", "opens", is_flag=True, help=_("open the report's page in a browser"))
@in_lab_folder
def command(
    folder: LabFolder,
    *,
    exercises: tuple[str, ...],
    every: bool,
    as_json: bool,
    report: Path | None,
    evidence: Path | None,
    handins: tuple[Path, ...],
    nonce: str | None,
    nonces: Path | None,
    ssh_config: Path | None,
    lab_file: Path | None,
    emulated: bool,
    opens: bool,
    hints: Stage,
) -> int:
    """Check, print the table, leave the report; gives the exit status of the grading (see labgen.core.errors)."""
    if evidence and handins:
        raise click.UsageError(
            _("--evidence and --from cannot be used together.").in_(ui_language()), click.get_current_context()
        )
    options = GradeOptions(
        exercises,
        every,
        as_json,
        report,
        evidence,
        handins,
        nonce,
        nonces,
        ssh_config,
        lab_file,
        emulated,
        opens,
        hints,
    )
    _refuse_combinations(options)
    with _lab(options, folder) as lab:
        request = _request(options, lab)
        status = grade_in_child(request, _Printer(_stream(options)))
    if status in GRADED and not request.compared:
        _show(options, request.report)
    return status


def _stream(options: GradeOptions) -> TextIO:
    # Where the report is wanted as JSON, standard output holds nothing else.
    return sys.stderr if options.as_json else sys.stdout


class _Printer:
    """Prints what the child does; an error, and what follows it, to standard error."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __call__(self, line: str) -> None:
        if line.startswith("error: "):
            self._stream = sys.stderr
        print(line, flush=True, file=self._stream)


@contextlib.contextmanager
def _lab(options: GradeOptions, folder: LabFolder) -> Iterator[LabFolder]:
    """Give the folder of the lab that is graded: this one's, or one made for somebody else's lab."""
    if options.ssh_config and options.lab_file:
        with remote_lab(options.ssh_config, options.lab_file, emulated=options.emulated) as remote:
            yield remote
    elif options.handins:
        # There need not be a lab.
        yield folder
    else:
        with mounted(folder.path):
            yield inventory.discover(folder.path).folder


def _refuse_combinations(options: GradeOptions) -> None:
    """Refuse options that do not go together.

    :raises UsageError: two of them do not, or one lacks another.
    """
    if options.handins and options.ssh_config:
        raise UsageError(_("--from and --ssh-config cannot be used together."), _("Leave one of them out."))
    if options.ssh_config and not options.lab_file:
        raise UsageError(
            _("--ssh-config needs --lab-file."),
            _("labgen grade --ssh-config FILE --lab-file FILE"),
        )
    if options.lab_file and not (options.ssh_config or options.handins):
        raise UsageError(
            _("--lab-file goes with --ssh-config or with --from."), _("labgen grade --ssh-config FILE --lab-file FILE")
        )
    if options.nonces and not options.handins:
        raise UsageError(_("--nonces goes with --from."), _("labgen grade --from FILE ... --nonces TABLE"))


def _request(options: GradeOptions, folder: LabFolder) -> GradingRequest:
    """Say what is to be graded, once it is clear that it can be.

    :raises EvidenceError: a file is none.
    :raises ExerciseError: an exercise is not there.
    :raises UsageError: options do not go together.
    """
    files, exercises = grade_handins.files(options.handins)
    for file in files:
        need_evidence(file)
    nonces = grade_handins.nonces(files, options.nonce, options.nonces)
    compared = len(files) > 1 or bool(files and options.lab_file)
    if compared and (options.report or options.as_json):
        raise UsageError(
            _("--report and --json work with one file only. With several files, each report is beside its file."),
            _("Leave them out, or grade one file at a time."),
        )
    handins = tuple(HandIn(file.absolute(), _report_folder(options, file, folder), nonces[file]) for file in files)
    return GradingRequest(
        folder=folder.path,
        report=handins[0].report if handins else _report_folder(options, None, folder),
        language=ui_language(),
        exercises=("all",) if options.every else tuple(find(name).name for name in (*options.exercises, *exercises)),
        evidence=options.evidence and options.evidence.absolute(),
        nonce=options.nonce,
        handins=handins,
        compared=compared,
        lab_file=options.lab_file and options.lab_file.absolute(),
        width=shutil.get_terminal_size().columns if _stream(options).isatty() else 0,
        hints=options.hints,
    )


def _show(options: GradeOptions, report: Path) -> None:
    """Show a report as the options ask for it: as JSON, and in a browser."""
    if options.as_json:
        sys.stdout.write(read(report / "report.json", LARGEST_REPORT) or "")
    if options.opens:
        _open(report / "report.html")


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
        raise EvidenceError(
            _("%(path)s cannot be read: %(reason)s.", path=path, reason=reason),
            _("Check the path and its permissions."),
        ) from None
    if not is_file:
        raise EvidenceError(
            _("%(path)s is not a file.", path=path), _("Name the file that `labgen grade` left: evidence.jsonl.")
        )


def _report_folder(options: GradeOptions, handin: Path | None, folder: LabFolder) -> Path:
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
            _("%(report)s is a link. labgen does not write a report through a link.", report=report),
            _("Remove it, or name a folder: --report DIR"),
        )
    return report
