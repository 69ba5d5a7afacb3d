"""A port that the lab asks for is in use on this computer: another one is forwarded, and labgen says which."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from labgen.core.process import Runner
from labgen.model.lab_folder import LabFolder
from labgen.providers.docker.dockerd import Dockerd
from tests.e2e.conftest import LabUnderTest, listening

TAKEN = 8001


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[LabUnderTest]:
    """A lab of one node, in whose network namespace something already listens on the port."""
    if pytestconfig.getoption("--provider") != "docker":
        pytest.skip("its nodes are reached by their own addresses: nothing is forwarded")
    path = tmp_path_factory.mktemp("small")
    under_test = LabUnderTest(path, "docker")
    under_test.run("labgen", "init", str(path))
    (path / "lab.yml").write_text("workers: 0\n", encoding="utf-8")
    # Where an engine runs on this computer the lab would use that one, and the port would be taken elsewhere.
    folder = LabFolder.at(path)
    folder.draw_mark()
    daemon = Dockerd(folder, Runner())
    daemon.start()
    try:
        inside = Runner(("nsenter", f"--net=/run/netns/{daemon.namespace}", "--"))
        with listening(inside, TAKEN, path / "taken.log"):
            yield under_test
    finally:
        under_test.run("labgen", "down", check=False)
        daemon.remove()


def test_up_and_status_tell_the_port_that_was_chosen(small: LabUnderTest) -> None:
    up = small.run("labgen", "up", "--provider", "docker", "--no-bootstrap")
    assert "Asking how" not in up.stdout + up.stderr
    (port,) = status(small)["ports"]
    assert (port["node"], port["guest"], port["wanted"]) == ("swarm-manager", TAKEN, TAKEN)
    assert port["host"] == bound(small) != TAKEN
    told = f"port {TAKEN} of swarm-manager is at 127.0.0.1:{port['host']} of this computer: {TAKEN} was taken."
    assert told in up.stdout + up.stderr
    assert told in small.run("labgen", "status", check=False).stdout


def status(lab: LabUnderTest) -> Any:
    return json.loads(lab.run("labgen", "status", "--json", check=False).stdout)


def bound(lab: LabUnderTest) -> int:
    """The port of this computer, as the engine has it."""
    inside = Dockerd(LabFolder.at(lab.path), Runner()).inside()
    said = inside.run(["docker", "port", "labgen-swarm-manager", f"{TAKEN}/tcp"]).or_raise().out
    return int(said.strip().rpartition(":")[2])


def test_ports_what_is_written_of_a_machine_goes_with_it(small: LabUnderTest) -> None:
    kept = small.path / ".vagrant" / "machines" / "swarm-manager" / "docker"
    assert (kept / "labgen.json").exists()
    small.run("labgen", "down")
    assert not (kept / "labgen.json").exists()
