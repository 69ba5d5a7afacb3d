"""`labgen explain`: show the commands that a check ran on nodes, and what the nodes answered."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from labgen.apps.requests import ExplainRequest, explain
from labgen.cli.declare import argument, option
from labgen.cli.folders import in_lab_folder
from labgen.cli.grade import need_evidence
from labgen.cli.parameters import FilePath, hints_option
from labgen.core.hint import Stage
from labgen.core.i18n import _, ui_language
from labgen.model.lab_folder import LabFolder


@click.command
@argument("check", metavar="CHECK", help=_("the check, as the report names it: update.history"))
@hints_option
@option("--full", is_flag=True, help=_("do not shorten the nodes' answers"))
@option("--from", "evidence", type=FilePath(), metavar="FILE", help=_("look in this evidence"))
@in_lab_folder
def command(folder: LabFolder, check: str, hints: Stage, *, full: bool, evidence: Path | None) -> int:
    """Print it; gives 0, or the exit status of what is wrong (see labgen.core.errors)."""
    if evidence:
        need_evidence(evidence)
    request = ExplainRequest(folder.path, check, ui_language(), evidence and evidence.absolute(), full, hints)
    lines: list[str] = []
    status = explain(request, lines.append)
    print("\n".join(lines), file=sys.stderr if status else sys.stdout)
    return status
