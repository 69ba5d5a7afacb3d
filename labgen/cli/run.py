"""`labgen run`: exercises, carried out by provision/ in a process of its own, and graded where that is asked for."""

from __future__ import annotations

import contextlib
import json
import random
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from labgen.apps.requests import LARGEST_REPORT, GradingRequest, grade
from labgen.cli.declare import argument, option
from labgen.cli.folders import exercise_named, with_own_exercises
from labgen.cli.parameters import ExerciseName
from labgen.core.atomic_files import read, remove
from labgen.core.console import say
from labgen.core.environment import of_python
from labgen.core.errors import UsageError
from labgen.core.i18n import LANGUAGES, NOTHING, Text, _, shown, ui_language
from labgen.core.lock import folder_lock
from labgen.core.process import Runner, python
from labgen.exercise.catalogue import exercises, find, prerequisite, problems
from labgen.machines.inventory import lab_of
from labgen.model.lab_folder import LabFolder


def fab(folder: LabFolder, task: str, *options: str) -> int:
    """Run one of fab's tasks in a lab folder, its output shown as it comes; gives its exit status.

    A process of its own, because labgen must not import what changes machines.
    """
    provision = Runner(env=of_python()).run(
        [python(), "-m", "provision", task, *options],
        cwd=folder.path,
        timeout=24 * 3600,
        on_line=lambda line: print(line, flush=True),
    )
    return provision.status


@click.command
@argument("exercise", nargs=-1, type=ExerciseName(), metavar="[EXERCISE]...", help=_("the exercises, in this order"))
@option("--all", "every", is_flag=True, help=_("every exercise of the course, in order"))
@option("--list", "listed", is_flag=True, help=_("list the exercises"))
@option("--dry-run", is_flag=True, help=_("print the commands, and run none"))
@option("--json", "as_json", is_flag=True, help=_("print the outcome as JSON, and the rest on standard error"))
@option("--grade", "graded", is_flag=True, help=_("grade each exercise right after it"))
@option(
    "--shuffle",
    type=int,
    metavar="SEED",
    help=_("with --all: run in random order; the same number SEED gives the same order"),
)
@with_own_exercises
def command(
    folder: LabFolder,
    exercise: tuple[str, ...],
    *,
    every: bool,
    listed: bool,
    dry_run: bool,
    as_json: bool,
    graded: bool,
    shuffle: int | None,
) -> int:
    """Carry out exercises, or all; one that fails does not stop the rest."""
    if listed:
        print(json.dumps(_list_as_data(), indent=2, ensure_ascii=False) if as_json else _list())
        for name, error in problems():
            say(_("%(name)s: left out: %(why)s", name=name, why=error), sys.stderr)
        return 0
    if not every and not exercise:
        raise UsageError(
            _("no exercise is named."),
            _("Name one or more, or use --all: %(exercises)s", exercises=", ".join(exercises())),
        )
    names = list(exercises()) if every else [exercise_named(name).name for name in exercise]
    if dry_run and as_json:
        raise click.UsageError(
            _("--dry-run and --json cannot be used together.").in_(ui_language()), click.get_current_context()
        )
    if dry_run:
        return max(fab(folder, f"exercise.{name}", "--dry-run") for name in names)
    with contextlib.redirect_stdout(sys.stderr) if as_json else contextlib.nullcontext():
        if shuffle is not None:
            say(_("In random order. To repeat it: --shuffle %(shuffle)s", shuffle=shuffle))
            random.Random(shuffle).shuffle(names)  # noqa: S311 - an order, not a secret
        with folder_lock(folder, f"labgen run {' '.join(exercise) or '--all'}"):
            outcomes = _course(folder, names, graded=graded)
        if len(names) > 1 or graded:
            print("\n" + table(outcomes))
    status = next((outcome.status for outcome in outcomes if outcome.status), 0)
    if as_json:
        print(json.dumps(as_data(outcomes, status), indent=2, ensure_ascii=False))
    return status


def _list() -> str:
    return "\n".join(
        f"{exercise.name:14} {exercise.title} · {exercise.title.in_('ko')}  (course {exercise.section})"
        for exercise in exercises().values()
    )


def _list_as_data() -> dict[str, object]:
    listed = [
        {
            "name": exercise.name,
            "title": {language: exercise.title.in_(language) for language in LANGUAGES},
            "section": exercise.section,
        }
        for exercise in exercises().values()
    ]
    return {"version": JSON_VERSION, "exercises": listed}


JSON_VERSION = 1
"""Of what ``--json`` prints (docs/json.md): another one where a field is removed or means something else."""


@dataclass(frozen=True)
class ExerciseOutcome:
    """What came of one exercise.

    :param status: exit status of carrying it out, or of grading it where that went well; 0 where all is well.
    :param left_out: why it was left out, empty where it was not.
    :param seconds: how long it took, and ``of_swarm`` of that Swarm's own timers.
    :param points: earned and at stake, ``None`` where it was not graded, and for the swarm itself, which earns none.
    """

    name: str
    status: int
    left_out: Text = NOTHING
    seconds: float = 0.0
    of_swarm: float = 0.0
    points: tuple[int, int] | None = None

    @property
    def word(self) -> str:
        """How the exercise ended: ``left out``, ``failed`` or ``done``."""
        return "left out" if self.left_out else "failed" if self.status else "done"


def as_data(outcomes: Sequence[ExerciseOutcome], status: int) -> dict[str, object]:
    """Give the outcomes as plain data, in the form of docs/json.md."""
    return {
        "version": JSON_VERSION,
        "status": status,
        "exercises": [
            {
                "name": outcome.name,
                "outcome": outcome.word,
                "status": outcome.status,
                "reason": str(outcome.left_out) or None,
                "seconds": round(outcome.seconds, 1),
                "swarm_seconds": round(outcome.of_swarm, 1),
                "points": {"got": outcome.points[0], "of": outcome.points[1]} if outcome.points else None,
            }
            for outcome in outcomes
        ],
    }


def _course(folder: LabFolder, names: Sequence[str], *, graded: bool) -> list[ExerciseOutcome]:
    lab = lab_of(folder.path)
    outcomes: list[ExerciseOutcome] = []
    for name in names:
        lacking = find(name).lacking(lab) if len(names) > 1 else NOTHING
        if lacking:
            say(_("\n== %(name)s: left out: %(lacking)s", name=name, lacking=lacking))
            outcomes.append(ExerciseOutcome(name, 0, left_out=lacking))
            continue
        spent = folder.spent(name)
        remove(spent)
        start = time.monotonic()
        status = fab(folder, f"exercise.{name}")
        seconds = time.monotonic() - start
        points = None
        if graded and not status:
            status, points = _grade(folder, name)
        outcomes.append(
            ExerciseOutcome(name, status, seconds=seconds, of_swarm=_json(spent).get("of_swarm", 0.0), points=points)
        )
    return outcomes


def _grade(folder: LabFolder, name: str) -> tuple[int, tuple[int, int] | None]:
    """Grade one exercise; its report is kept beside those of the others.

    What the grading says is printed where something is missing.
    """
    lines: list[str] = []
    status = grade(GradingRequest(folder.path, folder.report, ui_language(), (name,)), lines.append)
    if status:
        print("\n".join(lines).strip(), flush=True)
    report = folder.report / "report.json"
    graded = _json(report)
    points = _points(graded, name)
    if points:
        got, of = points
        say(_("%(name)s: graded, %(got)s of %(of)s points", name=name, got=got, of=of))
    elif name == prerequisite() and (cluster := graded.get("cluster")):
        got, of = cluster["passed"], cluster["checks"]
        say(_("%(name)s: graded, %(got)s of %(of)s checks", name=name, got=got, of=of))
    copies = folder.report / name
    copies.mkdir(parents=True, exist_ok=True)
    for file in folder.report.iterdir():
        if file.is_file() and not file.is_symlink():
            # Not to where a link in its place leads.
            (copies / file.name).unlink(missing_ok=True)
            shutil.copy(file, copies / file.name)
    return status, points


def _points(grade: dict[str, Any], name: str) -> tuple[int, int] | None:
    """Points earned and at stake in an exercise, by a report of any version; ``None`` where it was not graded."""
    if name == prerequisite():
        return None
    points = [exercise["points"] for exercise in grade.get("exercises", ()) if exercise["name"] == name]
    return (int(points[0]["got"]), int(points[0]["of"])) if points else None


def _json(file: Path) -> dict[str, Any]:
    text = read(file, LARGEST_REPORT)
    data = json.loads(text) if text else {}
    return data if isinstance(data, dict) else {}


def table(outcomes: Sequence[ExerciseOutcome]) -> str:
    """Compose a table with a line for each exercise, and one for all together."""
    lines = [_line(_("EXERCISE"), _("RESULT"), _("SECONDS"), _("SWARM"), _("POINTS"))]
    for outcome in outcomes:
        points = f"{outcome.points[0]}/{outcome.points[1]}" if outcome.points else "-"
        lines.append(_line(outcome.name, _result(outcome), f"{outcome.seconds:.0f}", f"{outcome.of_swarm:.0f}", points))
    graded = [outcome.points for outcome in outcomes if outcome.points]
    points = f"{sum(got for got, _of in graded)}/{sum(of for _got, of in graded)}" if graded else "-"
    carried_out = [outcome for outcome in outcomes if not outcome.left_out]
    well = _("%(count)s of %(all)s", count=sum(not outcome.status for outcome in carried_out), all=len(carried_out))
    seconds = sum(outcome.seconds for outcome in carried_out)
    of_swarm = sum(outcome.of_swarm for outcome in carried_out)
    lines.append(_line(_("total"), well, f"{seconds:.0f}", f"{of_swarm:.0f}", points))
    lines.append(shown(_("SWARM: the part of SECONDS that Swarm's own timers took.")))
    return "\n".join(lines)


_WIDTHS = (14, 10, 8, 8, 9)
"""Of the table's columns, in letters of a terminal; those after the second hold numbers."""


def _line(*cells: str | Text) -> str:
    from rich.cells import cell_len  # Korean letters are two columns wide.

    line = []
    for number, (cell, width) in enumerate(zip(map(shown, cells), _WIDTHS, strict=True)):
        space = " " * (width - cell_len(cell))
        line.append(f"{cell}{space}" if number < 2 else f"{space}{cell}")
    return " ".join(line)


def _result(outcome: ExerciseOutcome) -> Text:
    if outcome.left_out:
        return _("left out")
    return _("failed %(status)s", status=outcome.status) if outcome.status else _("done")
