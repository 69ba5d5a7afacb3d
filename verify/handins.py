"""``python -m verify.handins FILE ...``: what bundles of evidence say of themselves, and what they share, as JSON.

Two labs never have a node's, task's or container's id in common: the swarm and the engine draw them by lot.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

from labgen import config
from labgen.core.atomic_files import read
from labgen.core.errors import LabFileError, LabgenError
from labgen.model.lab import Lab
from verify import bundle
from verify.identities import Ids, ids

_KINDS = ("nodes", "tasks", "containers")


def describe(file: Path, lab: Lab | None) -> tuple[dict[str, Any], Ids]:
    """Describe a bundle as it does itself, and give the ids in it; where it is refused, say why.

    :param lab: the lab that the teacher has given out, ``None`` where that does not matter.
    """
    try:
        evidence = bundle.load(file)
    except (OSError, ValueError, LabFileError) as why:
        reason = (why.strerror or str(why)) if isinstance(why, OSError) else str(why)
        return {"refused": reason}, {}
    return {
        "started": evidence.started.isoformat(),
        "nonce": evidence.nonce,
        "provider": evidence.state.provider,
        "named": list(evidence.exercises),
        "lacks": sorted(evidence.state.lacks),
        "emulated": not evidence.state.accelerated,
        "other_lab": lab is not None and evidence.lab != lab,
    }, ids(evidence)


def shared(of: Sequence[Ids]) -> Iterator[dict[str, Any]]:
    """Find bundles of one lab: places of two in the list, and how many ids of each kind they share."""
    for (first, mine), (second, theirs) in combinations(enumerate(of), 2):
        counts = {kind: len(mine.get(kind, set()) & theirs.get(kind, set())) for kind in _KINDS}
        if any(counts.values()):
            yield {"files": [first, second], **counts}


def main(argv: Sequence[str] | None = None) -> int:
    """Print the descriptions."""
    parser = argparse.ArgumentParser(prog="verify.handins")
    parser.add_argument("--lab-file", type=Path)
    parser.add_argument("file", type=Path, nargs="+")
    arguments = parser.parse_args(argv)
    try:
        lab = config.parse(read(arguments.lab_file) or "") if arguments.lab_file else None
    except LabgenError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_status
    described = [describe(file, lab) for file in arguments.file]
    print(
        json.dumps(
            {
                "files": [description for description, _ in described],
                "shared": list(shared([description for _, description in described])),
            }
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
