"""The whole course on a current engine: nodes of Debian's next release, chosen in lab.yml."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from labgen.machines import inventory as inventories
from tests.e2e.conftest import LabUnderTest, every_point

LEAST = 26
"""Major version of the engine of Debian 13."""


@contextmanager
def up(path: Path, more: str) -> Iterator[LabUnderTest]:
    """A lab with nodes of Debian 13, taken down at the end whatever happened."""
    under_test = LabUnderTest(path, "docker")
    under_test.run("labgen", "init", str(path))
    (path / "lab.yml").write_text(f"engine: {{suite: trixie}}\n{more}")
    try:
        under_test.run("labgen", "up", "--provider", "docker")
        yield under_test
    finally:
        under_test.run("labgen", "down", check=False)


@pytest.fixture(scope="module")
def current(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabUnderTest]:
    """The course's lab."""
    with up(tmp_path_factory.mktemp("current"), "") as lab:
        yield lab


@pytest.fixture
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabUnderTest]:
    """One of three managers, beside the course's."""
    with up(tmp_path_factory.mktemp("three"), "name: three\nmanagers: 3\nworkers: 1\n") as lab:
        yield lab


def test_every_node_has_it(current: LabUnderTest) -> None:
    for node in inventories.discover(current.path).lab.nodes:
        version = current.on(node.name, "docker version --format '{{.Server.Version}}'").strip()
        assert int(version.partition(".")[0]) >= LEAST, f"{node.name}: {version}"


def test_the_course_earns_every_point(current: LabUnderTest) -> None:
    assert every_point(current.run("labgen", "run", "--all", "--grade").stdout) > 100


def test_three_managers_lose_their_quorum_and_find_it_again(three: LabUnderTest) -> None:
    assert every_point(three.run("labgen", "run", "quorum", "--grade").stdout) > 5
