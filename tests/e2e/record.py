"""Carry out every exercise on a lab of its own, grade it, and keep what the grading saw as a recording for the tests.

``python -m tests.e2e.record`` writes a ``recording.jsonl`` into the folder of each exercise; with names, only of those.
After a change of a script that nodes are asked with, record again: a recording answers the scripts that were run.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from labgen.core.errors import LabgenError
from labgen.exercise import recordings
from labgen.exercise.catalogue import exercise_names, find, prerequisite
from tests.e2e.sabotage.__main__ import SIZES, own_lab
from tests.e2e.sabotage.stage import Stage
from verify import bundle, identities

FOLDER = Path(__file__).parents[2] / "labgen" / "exercises"


def main(argv: Sequence[str] | None = None) -> int:
    """Gives 0 where every exercise was right and is recorded."""
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.record", description=__doc__)
    parser.add_argument("names", nargs="*", default=list(exercise_names()), metavar="EXERCISE")
    parser.add_argument("--provider", default="docker")
    parser.add_argument("--lab", type=Path, help="a lab that is up, and stays up (default: labs of its own)")
    parser.add_argument("--into", type=Path, default=FOLDER, metavar="FOLDER")
    arguments = parser.parse_args(argv)
    exercises = [find(name) for name in arguments.names]
    remaining = [exercise.name for exercise in exercises]
    if arguments.lab is not None:
        with closing(Stage(arguments.lab)) as stage:
            remaining = _record(stage, remaining, arguments.into)
    else:
        for size in SIZES:
            if remaining:
                with own_lab(arguments.provider, size) as stage:
                    remaining = _record(stage, remaining, arguments.into)
    if arguments.into == FOLDER:
        recordings.write(hashed_ids())
    print(f"not recorded: {', '.join(remaining)}" if remaining else "all recorded")
    return 1 if remaining else 0


def _record(stage: Stage, names: Sequence[str], folder: Path) -> list[str]:
    """Record the exercises for which a lab is large enough; gives the names of the others."""
    too_large = []
    for name in names:
        if find(name).lacking(stage.lab):
            too_large.append(name)
            continue
        start = time.monotonic()
        record(stage, name, folder / name / "recording.jsonl")
        print(f"{name}: recorded in {time.monotonic() - start:.0f} s", flush=True)
    return too_large


def record(stage: Stage, name: str, file: Path) -> None:
    """Record one exercise, on an empty swarm.

    :raises LabgenError: it is not carried out as it should be, or gets less than every point.
    """
    stage.must("labgen", "reset")
    if name != prerequisite():
        stage.must("labgen", "run", name)
    with TemporaryDirectory() as scratch:
        # Copied only where all is right: a recording is what a right lab answers.
        evidence = Path(scratch) / file.name
        grading = stage.run("labgen", "grade", name, "--evidence", str(evidence))
        if grading.returncode:
            raise LabgenError(f"{name} is not right:\n{grading.stdout[-3000:]}{grading.stderr[-1000:]}")
        shutil.copyfile(evidence, file)


def hashed_ids() -> set[str]:
    """Hashes of every id in the recordings of the exercises of the course."""
    texts = (file.read_text(encoding="utf-8") for file in FOLDER.glob("*/recording.jsonl"))
    return {line for text in texts for line in identities.hashed_ids(bundle.read(text))}


if __name__ == "__main__":
    sys.exit(main())
