"""`labgen grade`: the checks of verify/, run by pytest in a process of its own."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from pathlib import Path

from labgen import inventory
from labgen.commands.run import environment
from labgen.course import find
from labgen.errors import LabgenError
from labgen.proc import Runner, python


def run(arguments: argparse.Namespace) -> int:
    """Check, print the table, leave the report; gives the exit status of the grading (see labgen.errors)."""
    lab = inventory.load(arguments.folder)
    checks = _checks()
    wanted = ["all"] if arguments.all else [find(name).name for name in arguments.exercise]
    report = lab.folder.report
    written = report / "report.json"
    # A run that breaks down must not be taken for the one before it.
    written.unlink(missing_ok=True)
    done = Runner(env=environment()).run(
        [
            python(),
            "-m",
            "pytest",
            "--quiet",
            "--no-header",
            # The grade's own table says it all, and in words.
            "--tb=no",
            "-rN",
            "-p",
            "no:cacheprovider",
            f"--rootdir={checks.parent}",
            f"--lab={lab.folder.path}",
            f"--report={report}",
            *(f"--exercise={name}" for name in wanted),
            checks,
        ],
        timeout=3 * 3600,
        # Where the report is wanted as JSON, standard output holds nothing else.
        on_line=lambda line: print(line, flush=True, file=sys.stderr if arguments.json else sys.stdout),
    )
    if not written.exists():
        raise LabgenError("the checks could not be run.", "What pytest said is above.")
    if arguments.json:
        sys.stdout.write(written.read_text(encoding="utf-8"))
    else:
        print(f"The report: {report / 'report.md'}")
    return done.status


def _checks() -> Path:
    """Where the checks are, found without importing them: labgen must not import what grades it."""
    found = importlib.util.find_spec("verify")
    places = list(found.submodule_search_locations or ()) if found else []
    if not places:
        raise LabgenError("the checks (verify/) are not installed.", "Install labgen again: pip install labgen.")
    return Path(places[0])
