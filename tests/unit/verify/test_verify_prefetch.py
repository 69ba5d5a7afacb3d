"""The exercises' checks ask with testinfra's modules for nothing that was not asked ahead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fake_lab import FakeLab

from labgen.observation.node_facts import PREFETCHED
from verify.testinfra_host import NodeBackend

pytest_plugins = ["pytester"]

STATES: dict[str, Callable[[FakeLab], object]] = {
    "right": lambda fake: None,
    "worker that left": lambda fake: fake.leave("swarm-worker1"),
    "containers": lambda fake: fake.contain(),
    "no swarm": lambda fake: fake.untouch(),
    "no engine": lambda fake: fake.nodes["swarm-worker1"].update(engine=""),
    "no adapter": lambda fake: fake.nodes["swarm-worker1"].update(links="[]"),
}


@pytest.mark.parametrize("state", STATES)
def test_prefetched_commands_are_those_that_checks_ask(
    grade: Callable[..., dict[str, Any]], fake: FakeLab, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    commands: set[str] = set()
    run = NodeBackend.run

    def noted(backend: NodeBackend, command: str, *args: str, **options: Any) -> Any:
        commands.add(backend.get_command(command, *args))
        return run(backend, command, *args, **options)

    monkeypatch.setattr(NodeBackend, "run", noted)
    STATES[state](fake)
    report = grade("--exercise=all")
    assert report["complete"]
    assert commands <= {*PREFETCHED}
    # One too many costs time on every node.
    assert state != "right" or commands == {*PREFETCHED}
