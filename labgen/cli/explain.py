"""`labgen explain`: one check, what it asked of which node, and what that answered; by verify/, in its own process."""

from __future__ import annotations

import argparse

from labgen.cli.grade import need_evidence
from labgen.core.environment import of_python
from labgen.core.i18n import spoken
from labgen.core.process import Runner, python
from labgen.core.workspace import LabFolder


def run(arguments: argparse.Namespace) -> int:
    """Print it; gives 0, or the exit status of what is wrong (see labgen.core.errors)."""
    if arguments.evidence_from:
        need_evidence(arguments.evidence_from)
    options = [f"--from={arguments.evidence_from.absolute()}"] if arguments.evidence_from else []
    options += ["--full"] if arguments.full else []
    return Runner(env=of_python()).attend(
        [
            python(),
            "-m",
            "labgen.core.child",
            "verify.explain",
            f"--lab={LabFolder.at(arguments.folder).path}",
            f"--lang={arguments.lang or spoken()}",
            *options,
            "--",
            arguments.check,
        ],
        deaf=True,
    )
