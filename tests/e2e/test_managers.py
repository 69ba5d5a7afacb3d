"""A lab of three managers: what one manager alone cannot show."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.conftest import LabUnderTest, every_point, made_in


@pytest.fixture(scope="module")
def managers(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[LabUnderTest]:
    """Three managers and a worker, taken down at the end whatever happened."""
    if pytestconfig.getoption("--provider") != "docker":
        pytest.skip("on containers only: four emulated machines more would say nothing else")
    with made_in(tmp_path_factory.mktemp("managers"), "managers: 3\nworkers: 1\n") as lab:
        yield lab


def test_managers_loss_of_a_leader_and_of_the_quorum(managers: LabUnderTest) -> None:
    assert every_point(managers.run("labgen", "run", "quorum", "--grade").stdout) > 5
