"""`labgen grade`: the checks of verify/, run by pytest in a process of its own."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from pathlib import Path

from labgen import inventory
from labgen.course import find
from labgen.environment import of_python
from labgen.errors import EvidenceError, LabgenError
from labgen.folder import LabFolder
from labgen.language import spoken
from labgen.proc import Runner, python

_WRONG_USE = 4
"""pytest's exit status where what it was given cannot be used; it has said why."""


def run(arguments: argparse.Namespace) -> int:
    """Check, print the table, leave the report; gives the exit status of the grading (see labgen.errors)."""
    kept: Path | None = arguments.evidence_from
    # Without the lab there need not be one.
    folder = LabFolder.at(arguments.folder) if kept else inventory.load(arguments.folder).folder
    checks = checks_folder()
    wanted = ["all"] if arguments.all else [find(name).name for name in arguments.exercise]
    report = arguments.report or (kept.with_name(f"{kept.stem}-report") if kept else folder.report)
    report = report.absolute()
    written = report / "report.json"
    evidence = [f"--evidence={(arguments.evidence or report / folder.evidence.name).absolute()}"]
    if kept:
        evidence = [f"--from={kept.absolute()}"]
    if arguments.nonce is not None:
        evidence.append(f"--nonce={arguments.nonce}")
    # A run that breaks down must not be taken for the one before it.
    written.unlink(missing_ok=True)
    # Where the report is wanted as JSON, standard output holds nothing else.
    out = sys.stderr if arguments.json else sys.stdout
    done = Runner(env=of_python()).run(
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
            # In the order of the course, also where a plugin shuffles tests: what acts, acts in the same order.
            "-p",
            "no:randomly",
            f"--color={'yes' if out.isatty() else 'no'}",
            f"--rootdir={checks.parent}",
            f"--lab={folder.path}",
            f"--report={report}",
            f"--lang={arguments.lang or spoken()}",
            *evidence,
            *(f"--exercise={name}" for name in wanted),
            checks,
        ],
        timeout=3 * 3600,
        on_line=lambda line: print(line, flush=True, file=out),
    )
    if not written.exists():
        if kept and done.status == _WRONG_USE:
            return EvidenceError.exit_status
        raise LabgenError("the checks could not be run.", "What pytest said is above.")
    if arguments.json:
        sys.stdout.write(written.read_text(encoding="utf-8"))
    else:
        print(f"The report: {report / 'report.html'}")
    return done.status


def checks_folder() -> Path:
    """Where the checks are, found without importing them: labgen must not import what grades it."""
    found = importlib.util.find_spec("verify")
    places = list(found.submodule_search_locations or ()) if found else []
    if not places:
        raise LabgenError("the checks (verify/) are not installed.", "Install labgen again: pip install labgen.")
    return Path(places[0])
