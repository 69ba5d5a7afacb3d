"""The whole course on each engine that nodes can have: lab.yml chooses it by the release of Debian it is part of."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from labgen.images import recipe
from labgen.machines import inventory as inventories
from tests.e2e.conftest import LabUnderTest, every_point, made_in
from tests.e2e.engines import newest

NEWEST = "newest"
LEAST: Mapping[str, tuple[int, int]] = {recipe.SUITE: (20, 10), "trixie": (26, 1), NEWEST: (28, 0), "sid": (28, 0)}
"""The release of Debian, or Debian 13 with the newest engine -> the oldest version of its engine."""


@pytest.fixture(scope="module", params=[pytest.param(name, id=name) for name in LEAST])
def engine(request: pytest.FixtureRequest) -> Iterator[str]:
    """An engine, by its name in :data:`LEAST`; ``-k trixie`` chooses one."""
    if request.param == "sid" and not Path("/sys/fs/cgroup/cgroup.controllers").exists():
        pytest.skip("systemd of Debian sid needs control groups of version 2, and this kernel's are of version 1")
    with pytest.MonkeyPatch.context() as environment:
        if request.param == NEWEST:
            environment.setenv("XDG_CACHE_HOME", str(newest.image()))
        yield request.param


@pytest.fixture(scope="module")
def suite(engine: str) -> str:
    """The release of Debian that lab.yml names."""
    return newest.SUITE if engine == NEWEST else engine


@pytest.fixture(scope="module")
def lab(engine: str, suite: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabUnderTest]:
    """The course's lab."""
    start = time.monotonic()
    with made_in(tmp_path_factory.mktemp(engine), f"engine: {{suite: {suite}}}\n") as lab:
        print(f"{engine}: up after {time.monotonic() - start:.0f} s")
        yield lab


@pytest.fixture
def three_managers(suite: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabUnderTest]:
    """A lab of three managers, beside the course's."""
    text = f"engine: {{suite: {suite}}}\nname: three\nmanagers: 3\nworkers: 1\n"
    with made_in(tmp_path_factory.mktemp("three"), text) as lab:
        yield lab


def test_engine_every_node_has_the_engine(lab: LabUnderTest, engine: str) -> None:
    for node in inventories.discover(lab.path).lab.nodes:
        version = lab.on(node.name, "docker version --format '{{.Server.Version}}'").strip()
        print(f"{engine}: {node.name} has {version}")
        major, minor = version.split(".")[:2]
        assert (int(major), int(minor)) >= LEAST[engine], f"{node.name}: {version}"


def test_course_earns_every_point(lab: LabUnderTest, engine: str) -> None:
    start = time.monotonic()
    points = every_point(lab.run("labgen", "run", "--all", "--grade").stdout)
    print(f"{engine}: {points} points in {time.monotonic() - start:.0f} s")
    assert points > 100


def test_three_managers_lose_their_quorum_and_find_it_again(three_managers: LabUnderTest) -> None:
    assert every_point(three_managers.run("labgen", "run", "quorum", "--grade").stdout) > 5


def test_engine_every_release_that_a_node_image_can_be_made_of_is_tried() -> None:
    assert LEAST.keys() - {NEWEST} == recipe.SUITES.keys()
