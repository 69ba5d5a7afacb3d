"""`labgen snapshot`: what it refuses before it touches a machine."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from labgen.cli import snapshot
from labgen.core.errors import MachineError
from labgen.core.progress import Progress
from labgen.model.lab_folder import State


class Kept:
    """A door to Vagrant behind which some machines have snapshots; whatever would change one fails the test."""

    def __init__(self, snapshots: Mapping[str, tuple[str, ...]]) -> None:
        self._there = snapshots

    def snapshots(self) -> Mapping[str, tuple[str, ...]]:
        return self._there


def change(action: str, name: str, snapshots: Mapping[str, tuple[str, ...]]) -> str:
    machines: Any = SimpleNamespace(progress=Progress())
    with pytest.raises(MachineError) as refused:
        snapshot._change(action, name, Kept(snapshots), machines, State("virtualbox"))  # type: ignore[arg-type]
    return str(refused.value)


def test_snapshot_lab_does_not_go_back_in_part() -> None:
    message = change(
        "restore", "fresh", {"swarm-manager": ("fresh",), "swarm-worker1": ("fresh",), "swarm-worker2": ()}
    )
    assert "there is no snapshot fresh of swarm-worker2." in message
    assert "labgen snapshot save" in message


@pytest.mark.parametrize("action", ["restore", "delete"])
def test_snapshot_one_that_is_not_there_is_told_with_those_that_are(action: str) -> None:
    message = change(action, "fresh", {"swarm-manager": ("lunch",), "swarm-worker1": ("lunch",)})
    assert "there is no snapshot fresh." in message
    assert "There are: lunch" in message


def test_snapshot_one_that_is_there_is_not_written_over() -> None:
    assert "labgen snapshot delete fresh" in change("save", "fresh", {"swarm-manager": ("fresh",)})
