"""`labgen run`: exercises, carried out by provision/ in a process of its own."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from labgen.course import exercises, find
from labgen.errors import LabgenError
from labgen.folder import LabFolder
from labgen.proc import Runner, python


def fab(folder: LabFolder, task: str, *options: str) -> int:
    """Run one of fab's tasks in a lab folder, its output shown as it comes; gives its exit status.

    A process of its own, because labgen must not import what changes machines.
    """
    done = Runner(env=environment()).run(
        [python(), "-m", "provision", task, *options],
        cwd=folder.path,
        timeout=24 * 3600,
        on_line=lambda line: print(line, flush=True),
    )
    return done.status


def environment() -> dict[str, str]:
    """What a Python of labgen's own needs: to find labgen where this one did, and to print line by line."""
    path = os.pathsep.join(filter(None, [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]))
    return {"PYTHONUNBUFFERED": "1", "PYTHONPATH": path}


def run(arguments: argparse.Namespace) -> int:
    """Carry out one exercise or all; one that fails does not stop the rest."""
    known = exercises()
    if arguments.list:
        for exercise in known.values():
            print(f"{exercise.name:14} {exercise.title.en} · {exercise.title.ko}  (course {exercise.section})")
        return 0
    if not arguments.all and not arguments.exercise:
        raise LabgenError("which exercise?", f"One of: {', '.join(known)}; or --all.")
    names = list(known) if arguments.all else [find(arguments.exercise).name]
    folder = LabFolder.at(arguments.folder)
    options = ["--dry-run"] if arguments.dry_run else []
    outcome = {name: fab(folder, f"exercise.{name}", *options) for name in names}
    failed = [name for name, status in outcome.items() if status]
    if len(names) > 1:
        print(f"\n{len(names) - len(failed)} of {len(names)} exercises done." + _named(failed))
    return next((status for status in outcome.values() if status), 0)


def _named(failed: list[str]) -> str:
    return f" Failed: {', '.join(failed)}." if failed else ""
