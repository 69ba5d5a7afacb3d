"""Explain a check: the program that `labgen explain` starts (:mod:`labgen.apps.requests`)."""

from __future__ import annotations

import sys
from contextlib import nullcontext

from labgen.apps.requests import ExplainRequest, received
from labgen.core.console import guarded
from labgen.exercise.catalogue import mounted
from labgen.model.lab_folder import LabFolder
from verify.explain import explain


def main() -> int:
    """Print what the request asks for; gives the exit status (see :mod:`labgen.core.errors`)."""
    with guarded() as command:
        request = received(ExplainRequest)
        folder = LabFolder.at(request.folder)
        # Evidence that is named is somebody else's, which brings no code with it.
        with nullcontext() if request.evidence else mounted(folder.path):
            lines = explain(
                request.check, folder, request.evidence, request.language, full=request.full, hints=request.hints
            )
        print("\n".join(lines))
    return command.status


if __name__ == "__main__":
    sys.exit(main())
