"""`labgen run`: exercises, carried out by provision/ in a process of its own, and graded where that is asked for."""

from __future__ import annotations

import json
import random
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from labgen.cli.folders import in_lab_folder
from labgen.cli.parameters import ExerciseName
from labgen.core.atomic_files import read, remove
from labgen.core.environment import of_python
from labgen.core.errors import LabgenError
from labgen.core.i18n import spoken
from labgen.core.lock import folder_lock
from labgen.core.process import Runner, python
from labgen.core.workspace import LabFolder
from labgen.exercise.catalogue import exercises, find, prerequisite, problems
from labgen.machines.inventory import lab_of


def fab(folder: LabFolder, task: str, *options: str) -> int:
    """Run one of fab's tasks in a lab folder, its output shown as it comes; gives its exit status.

    A process of its own, because labgen must not import what changes machines.
    """
    done = Runner(env=of_python()).run(
        [python(), "-m", "provision", task, *options],
        cwd=folder.path,
        timeout=24 * 3600,
        on_line=lambda line: print(line, flush=True),
    )
    return done.status


@click.command
@click.argument("exercise", nargs=-1, type=ExerciseName(), metavar="[EXERCISE]...", help="these, in this order")
@click.option("--all", "every", is_flag=True, help="every exercise of the course, in order")
@click.option("--list", "listed", is_flag=True, help="list the exercises")
@click.option("--dry-run", is_flag=True, help="print the commands, and run none")
@click.option("--grade", "graded", is_flag=True, help="grade each exercise right after it")
@click.option("--shuffle", type=int, metavar="SEED", help="with --all: in random order, which the number SEED repeats")
@in_lab_folder
def command(
    folder: LabFolder,
    exercise: tuple[str, ...],
    *,
    every: bool,
    listed: bool,
    dry_run: bool,
    graded: bool,
    shuffle: int | None,
) -> int:
    """Carry out exercises, or all; one that fails does not stop the rest."""
    if listed:
        for entry in exercises().values():
            print(f"{entry.name:14} {entry.title.en} · {entry.title.ko}  (course {entry.section})")
        for name, error in problems():
            click.echo(f"{name}: left out: {error}", err=True)
        return 0
    if not every and not exercise:
        raise LabgenError("which exercise?", f"One of: {', '.join(exercises())}; or --all.")
    names = list(exercises()) if every else [find(name).name for name in exercise]
    if dry_run:
        return max(fab(folder, f"exercise.{name}", "--dry-run") for name in names)
    if shuffle is not None:
        print(f"In random order. To repeat it: --shuffle {shuffle}")
        random.Random(shuffle).shuffle(names)  # noqa: S311 - an order, not a secret
    with folder_lock(folder, f"labgen run {' '.join(exercise) or '--all'}"):
        outcomes = _course(folder, names, graded=graded)
    if len(names) > 1 or graded:
        print("\n" + table(outcomes))
    return next((outcome.status for outcome in outcomes if outcome.status), 0)


@dataclass(frozen=True)
class Outcome:
    """What came of one exercise.

    :param status: exit status of carrying it out, or of grading it where that went well; 0 where all is well.
    :param left_out: why it was left out, empty where it was not.
    :param seconds: how long it took, and ``of_swarm`` of that Swarm's own timers.
    :param points: earned and at stake, ``None`` where it was not graded, and for the swarm itself, which earns none.
    """

    name: str
    status: int
    left_out: str = ""
    seconds: float = 0.0
    of_swarm: float = 0.0
    points: tuple[int, int] | None = None


def _course(folder: LabFolder, names: Sequence[str], *, graded: bool) -> list[Outcome]:
    lab = lab_of(folder.path)
    outcomes: list[Outcome] = []
    for name in names:
        lacking = find(name).lacking(lab) if len(names) > 1 else ""
        if lacking:
            print(f"\n== {name}: left out: {lacking}")
            outcomes.append(Outcome(name, 0, left_out=lacking))
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
            Outcome(name, status, seconds=seconds, of_swarm=_json(spent).get("of_swarm", 0.0), points=points)
        )
    return outcomes


def _grade(folder: LabFolder, name: str) -> tuple[int, tuple[int, int] | None]:
    """Grade one exercise; its report is kept beside those of the others.

    What the grading says is printed where something is missing.
    """
    done = Runner(env=of_python()).run(
        [python(), "-m", "labgen.cli", "-C", folder.path, "grade", name, f"--lang={spoken()}"], timeout=3 * 3600
    )
    if not done.ok:
        print(f"{done.out}\n{done.err}".strip(), flush=True)
    report = folder.report / "report.json"
    grade = _json(report)
    points = _points(grade, name)
    if points:
        print(f"{name}: graded, {points[0]} of {points[1]} points", flush=True)
    elif name == prerequisite() and (cluster := grade.get("cluster")):
        print(f"{name}: graded, {cluster['passed']} of {cluster['checks']} checks", flush=True)
    kept = folder.report / name
    kept.mkdir(parents=True, exist_ok=True)
    for file in folder.report.iterdir():
        if file.is_file() and not file.is_symlink():
            # Not to where a link in its place leads.
            (kept / file.name).unlink(missing_ok=True)
            shutil.copy(file, kept / file.name)
    return done.status, points


def _points(grade: dict[str, Any], name: str) -> tuple[int, int] | None:
    """Points earned and at stake in an exercise, by a report of any version; ``None`` where it was not graded."""
    if name == prerequisite():
        return None
    points = [exercise["points"] for exercise in grade.get("exercises", ()) if exercise["name"] == name]
    return (int(points[0]["got"]), int(points[0]["of"])) if points else None


def _json(file: Path) -> dict[str, Any]:
    text = read(file)
    told = json.loads(text) if text else {}
    return told if isinstance(told, dict) else {}


def table(outcomes: Sequence[Outcome]) -> str:
    """What came of each exercise, a line each, and of all together."""
    lines = [f"{'EXERCISE':14} {'CAME OUT':10} {'SECONDS':>8} {'SWARM':>8} {'POINTS':>9}"]
    for one in outcomes:
        word = "left out" if one.left_out else f"failed {one.status}" if one.status else "done"
        points = f"{one.points[0]}/{one.points[1]}" if one.points else "-"
        lines.append(f"{one.name:14} {word:10} {one.seconds:8.0f} {one.of_swarm:8.0f} {points:>9}")
    graded = [one.points for one in outcomes if one.points]
    points = f"{sum(got for got, _ in graded)}/{sum(of for _, of in graded)}" if graded else "-"
    carried = [one for one in outcomes if not one.left_out]
    well = sum(not one.status for one in carried)
    seconds, of_swarm = sum(one.seconds for one in carried), sum(one.of_swarm for one in carried)
    lines.append(f"{'together':14} {f'{well} of {len(carried)}':10} {seconds:8.0f} {of_swarm:8.0f} {points:>9}")
    lines.append("SWARM: seconds of these that Swarm itself waits by its own timers.")
    return "\n".join(lines)
