"""A lab is kept, changed and brought back: the same on every provider that has snapshots."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tests.e2e.conftest import LabUnderTest

NAME = "as-it-was"
LATER = "made-later"


@contextmanager
def brought_back(lab: LabUnderTest, nodes: Sequence[str]) -> Iterator[None]:
    """Keep the lab's state, change it and go back; what is looked at within is the lab as it was."""
    containers = running(lab, nodes)
    lab.run("labgen", "snapshot", "save", NAME)
    lab.on("swarm-manager", f"docker service create --detach --name {LATER} alpine:3 sleep 600")
    assert NAME in lab.run("labgen", "snapshot", "list").stdout.split()
    assert "3 nodes are Ready" in lab.run("labgen", "snapshot", "restore", NAME).stdout
    assert LATER not in lab.on("swarm-manager", "docker service ls --format '{{.Name}}'").split()
    # The machines go on from where they were kept; the time is not that of then.
    for node in nodes:
        assert abs(float(lab.on(node, "date +%s.%N")) - time.time()) < 4
    print(f"containers before: {containers}, after: {running(lab, nodes)}")
    yield
    lab.run("labgen", "snapshot", "delete", NAME)
    assert NAME not in lab.run("labgen", "snapshot", "list").stdout.split()


def running(lab: LabUnderTest, nodes: Sequence[str]) -> dict[str, list[str]]:
    """Ids of the containers that run on each node."""
    return {node: sorted(lab.on(node, "docker ps --quiet").split()) for node in nodes}
