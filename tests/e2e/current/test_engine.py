"""The whole course on a current engine: nodes of Debian's next release, chosen in lab.yml."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from labgen import inventory as inventories
from tests.e2e.conftest import LabUnderTest

LEAST = 26
"""Major version of the engine of Debian 13."""


@pytest.fixture(scope="module")
def current(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabUnderTest]:
    """The course's lab with nodes of Debian 13, taken down at the end whatever happened."""
    path = tmp_path_factory.mktemp("current")
    under_test = LabUnderTest(path, "docker")
    under_test.run("labgen", "init", str(path))
    (path / "lab.yml").write_text("engine: {suite: trixie}\n")
    try:
        under_test.run("labgen", "up", "--provider", "docker")
        yield under_test
    finally:
        under_test.run("labgen", "down", check=False)


def test_every_node_has_it(current: LabUnderTest) -> None:
    for node in inventories.load(current.path).lab.nodes:
        version = current.on(node.name, "docker version --format '{{.Server.Version}}'").strip()
        assert int(version.partition(".")[0]) >= LEAST, f"{node.name}: {version}"


def test_the_course_earns_every_point(current: LabUnderTest) -> None:
    said = current.run("labgen", "run", "--all", "--grade").stdout
    together = next(line for line in said.splitlines() if line.startswith("together")).split()
    got, of = together[-1].split("/")
    assert got == of
    assert int(of) > 100
