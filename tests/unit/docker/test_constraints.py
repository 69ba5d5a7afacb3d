"""Which nodes a service's constraints leave out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from labgen.docker.constraints import excluded, meets
from labgen.docker.swarm import SwarmNode

NODE = replace(
    SwarmNode("id1", "Worker1", "worker", "active", "ready", False, "10.0.2.102", "27.3.1"),
    labels={"disk": "ssd", "zone": ""},
    engine_labels={"disk": "hdd"},
    os="linux",
    architecture="x86_64",
)


@pytest.mark.parametrize(
    ("constraint", "met"),
    [
        ("node.id==id1", True),
        ("node.id==id2", False),
        ("node.hostname==worker1", True),
        ("node.hostname != Worker1", False),
        ("node.role==worker", True),
        ("node.role!=manager", True),
        ("node.role!=worker", False),
        ("node.platform.os==linux", True),
        ("node.platform.os!=linux", False),
        ("node.platform.arch==x86_64", True),
        ("node.platform.arch==aarch64", False),
        ("node.labels.disk==ssd", True),
        ("node.labels.disk==SSD", True),
        ("node.labels.disk==hdd", False),
        ("node.labels.nothing==ssd", False),
        ("node.labels.nothing!=ssd", True),
        ("engine.labels.disk==hdd", True),
        ("engine.labels.disk==ssd", False),
        ("node.nothing!=x", True),
        ("node.nothing==x", False),
        ("no constraint", False),
        ("", False),
    ],
)
def test_meets(constraint: str, met: bool) -> None:
    assert meets(NODE, constraint) is met


def test_excluded_are_the_nodes_that_one_constraint_keeps_off() -> None:
    manager = replace(NODE, id="id2", name="manager", role="manager", labels={})
    assert excluded((), [NODE, manager]) == []
    assert excluded(("node.role==worker",), [NODE, manager]) == [manager]
    assert excluded(("node.role==worker", "node.labels.disk==hdd"), [NODE, manager]) == [NODE, manager]
    assert excluded(iter(("node.role==worker",)), [manager, manager]) == [manager, manager]
