"""Several hand-ins: each graded by itself, compared with one another, and told in a table."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from labgen import config
from labgen.apps.handins import name_of
from labgen.apps.requests import GradingRequest, HandIn
from labgen.core.errors import (
    GRADED_INCONCLUSIVE,
    GRADED_NOTHING,
    GRADED_WITH_FAILURES,
    EvidenceError,
    HostError,
    LabgenError,
)
from labgen.core.i18n import Text, _, listed, ngettext, recorded
from labgen.core.printable import in_line
from labgen.model.lab import Lab
from labgen.report import Report
from verify import bundle, handins, identities
from verify.evidence import Damaged, Evidence
from verify.handins import Description, Shared
from verify.identities import Ids
from verify.session import load_evidence
from verify.verdicts import exit_status

Grade = Callable[[HandIn, Evidence], tuple[Report, HostError | None]]
"""Grades a hand-in and leaves its report; gives why that could not be left."""

_WORST = (EvidenceError.exit_status, LabgenError.exit_status, GRADED_WITH_FAILURES, GRADED_INCONCLUSIVE, GRADED_NOTHING)
"""Exit statuses, the gravest first."""


@dataclass(frozen=True)
class _Row:
    """What came of one hand-in.

    :param note: what a teacher should know of it, or why it was refused.
    :param ids: those that were seen in it.
    """

    status: int
    note: str
    verdict: str = "refused"
    points: str = "-"
    ids: Ids = field(default_factory=dict)


def print_table(request: GradingRequest, grade: Grade) -> int:
    """Grade each hand-in, print a table, and say what they share; gives the gravest exit status."""
    lab = config.load(request.lab_file) if request.lab_file else None
    names = _distinct(request.handins)
    rows = [_row(handin, lab, grade) for handin in request.handins]
    cells = [("name", "verdict", "points")]
    cells += [(name, row.verdict, row.points) for name, row in zip(names, rows, strict=True)]
    widths = [max(len(line[column]) for line in cells) for column in range(3)]
    for line in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    print("", *(f"{name}: {in_line(row.note)}" for name, row in zip(names, rows, strict=True)), sep="\n")
    if copies := [_copy(pair, names) for pair in handins.shared([row.ids for row in rows])]:
        print("", *copies, sep="\n")
    sys.stdout.flush()
    statuses = [row.status for row in rows]
    return next((status for status in _WORST if status in statuses), max(statuses, default=0))


def _row(handin: HandIn, lab: Lab | None, grade: Grade) -> _Row:
    """Grade one hand-in; whatever becomes of it, the others are graded."""
    try:
        evidence = load_evidence(handin.file)
    except EvidenceError as error:
        return _Row(error.exit_status, f"refused: {_reason(error, handin)}")
    except Exception as error:
        return _Row(LabgenError.exit_status, f"not graded: {type(error).__name__}: {error}")
    ids = identities.ids(evidence)
    try:
        bundle.need_nonce(evidence, handin.nonce)
    except Damaged as why:
        return _Row(EvidenceError.exit_status, f"refused: {why}", ids=ids)
    try:
        report, unwritten = grade(handin, evidence)
    except LabgenError as error:
        return _Row(error.exit_status, f"not graded: {error}".replace("\n  ", " "), "-", ids=ids)
    except Exception as error:
        return _Row(LabgenError.exit_status, f"not graded: {type(error).__name__}: {error}", "-", ids=ids)
    points = f"{report.points.got}/{report.points.of}"
    note = str(note_of(evidence, lab))
    if unwritten is not None:
        return _Row(unwritten.exit_status, f"{note}; {unwritten.message}", report.verdict, points, ids)
    return _Row(exit_status(report), note, report.verdict, points, ids)


def _reason(error: EvidenceError, handin: HandIn) -> str:
    return error.message.removeprefix(f"{handin.file} cannot be graded: ").rstrip(".")


def note_of(evidence: Evidence, lab: Lab | None = None) -> Text:
    """Say what a teacher should know of a hand-in that no check says, in one line.

    :param lab: the lab that the teacher has given out, ``None`` where that does not matter.
    """
    return note(handins.describe(evidence, lab), datetime.now(UTC))


def note(description: Description, now: datetime) -> Text:
    """Say in one line what a bundle says of itself."""
    days = (now - description.started).days
    age = ngettext("%(count)s day ago", "%(count)s days ago", days) if days >= 1 else _("today")
    started = f"{description.started.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    on = (
        _("on %(provider)s, emulated", provider=description.provider)
        if description.emulated
        else (_("on %(provider)s", provider=description.provider))
    )
    parts = [
        _("made %(started)s (%(age)s)", started=started, age=age),
        on,
        _("exercises named: %(names)s", names=", ".join(description.exercises) or _("none")),
        _("nonce: %(nonce)s", nonce=description.nonce or _("none")),
    ]
    if description.lacks:
        lacks = listed(map(recorded, description.lacks))
        parts.append(_("its nodes lacked: %(lacks)s", lacks=lacks))
    parts += [_("parameters: %(parameters)s", parameters=description.parameters)] if description.parameters else []
    parts += [_("its lab.yml describes another lab than --lab-file")] if description.other_lab else []
    return listed(parts, separator="; ")


def _copy(pair: Shared, names: Sequence[str]) -> str:
    """Say that two hand-ins are of one lab."""
    counts = ", ".join(f"{count} {kind}" for kind, count in pair.counts.items() if count)
    return f"{names[pair.first]} and {names[pair.second]} were made on one lab: {counts} are the same."


def _distinct(files: Sequence[HandIn]) -> list[str]:
    """Give a name for each hand-in: its own, or where two have the same, its path."""
    short = [name_of(handin.file) for handin in files]
    names = [name if short.count(name) == 1 else str(handin.file) for name, handin in zip(short, files, strict=True)]
    return [in_line(name) for name in names]
