"""The whole course on a current engine: nodes of Debian's next release, chosen in lab.yml."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from labgen.machines import inventory as inventories
from tests.e2e.conftest import LabUnderTest, every_point, made_in

LEAST = 26
"""Major version of the engine of Debian 13."""


ENGINE = "engine: {suite: trixie}\n"
"""lab.yml's choice of nodes of Debian 13."""


@pytest.fixture(scope="module")
def current(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabUnderTest]:
    """The course's lab."""
    with made_in(tmp_path_factory.mktemp("current"), ENGINE) as lab:
        yield lab


@pytest.fixture
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabUnderTest]:
    """One of three managers, beside the course's."""
    with made_in(tmp_path_factory.mktemp("three"), f"{ENGINE}name: three\nmanagers: 3\nworkers: 1\n") as lab:
        yield lab


def test_every_node_has_it(current: LabUnderTest) -> None:
    for node in inventories.discover(current.path).lab.nodes:
        version = current.on(node.name, "docker version --format '{{.Server.Version}}'").strip()
        assert int(version.partition(".")[0]) >= LEAST, f"{node.name}: {version}"


def test_the_course_earns_every_point(current: LabUnderTest) -> None:
    assert every_point(current.run("labgen", "run", "--all", "--grade").stdout) > 100


def test_three_managers_lose_their_quorum_and_find_it_again(three: LabUnderTest) -> None:
    assert every_point(three.run("labgen", "run", "quorum", "--grade").stdout) > 5
