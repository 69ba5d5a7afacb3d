"""Exercises that are killed in the middle, and run again from what they have left."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from tests.e2e.conftest import LabUnderTest, made_in


@pytest.fixture(scope="module")
def unfinished(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[LabUnderTest]:
    """A lab of its own, taken down at the end whatever happened."""
    if pytestconfig.getoption("--provider") != "docker":
        pytest.skip("on containers only: emulated machines would take long, and say nothing else")
    with made_in(tmp_path_factory.mktemp("unfinished")) as lab:
        yield lab


def kill_at(lab: LabUnderTest, exercise: str, words: str) -> None:
    """Start an exercise, and kill it when it says something, so that nothing is put in order."""
    # What it has shown already it would not do again.
    lab.run("fab", "exercise.reset", exercise)
    child = lab.start("fab", f"exercise.{exercise}")
    assert child.stdout is not None
    try:
        for line in child.stdout:
            print(line, end="")
            if words in line:
                break
        else:
            raise AssertionError(f"{exercise} never said {words}")
    finally:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        child.stdout.close()


@pytest.mark.parametrize(
    ("exercise", "words", "says"),
    [
        # The engine of a worker is stopped; one has left the swarm.
        ("failover", "the managers have given", "# The engine of swarm-worker"),
        ("globalmode", "docker node rm --force", "It joins again"),
        # No task runs; an update goes on.
        ("rollback", "none of 3 tasks runs", "Its services are removed first"),
        ("health", "docker service update --image", "Its services are removed first"),
    ],
)
def test_unfinished_exercise_that_was_killed_is_run_again(
    unfinished: LabUnderTest, exercise: str, words: str, says: str
) -> None:
    kill_at(unfinished, exercise, words)
    said = unfinished.run("labgen", "run", exercise).stdout
    assert says in said
    assert f"{exercise}: done in" in said


def test_unfinished_service_of_the_learners_own_is_not_removed(unfinished: LabUnderTest) -> None:
    unfinished.on("swarm-manager", "docker service create --detach --name my-cache --replicas 1 redis:6.0-alpine")
    refused = unfinished.run("labgen", "run", "updateoptions", check=False)
    assert "service my-cache exists already, with other settings" in refused.stdout + refused.stderr
    # Nor by another try: it was there before the one that failed.
    refused = unfinished.run("labgen", "run", "updateoptions", check=False)
    assert refused.returncode != 0
    assert "my-cache" in unfinished.on("swarm-manager", "docker service ls --format '{{.Name}}'")
