"""The course's first exercises on three nodes of arm64: from a cloud image to graded exercises.

The computer says that it is arm64 (:mod:`tests.e2e.arm64.computer`); its nodes are emulated, and nothing in them runs
on another processor.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from labgen.images.recipe import ARM64
from labgen.machines import inventory as inventories
from labgen.model.lab_folder import LabFolder
from tests.e2e.arm64 import computer
from tests.e2e.cloud_image import maker, servers
from tests.e2e.conftest import LabUnderTest

IMAGES = frozenset({"nginx", "redis"})
NODES = ("swarm-manager", "swarm-worker1", "swarm-worker2")
WITHIN = 3600
"""Seconds that a command may take: three nodes share what processors there are, each emulated."""


@pytest.fixture(scope="module")
def foreign_programs() -> Iterator[None]:
    with computer.foreign_programs():
        yield


@pytest.fixture(scope="module")
def image(foreign_programs: None) -> Path:
    return maker.image(ARM64)


@pytest.fixture(scope="module")
def registry_storage(foreign_programs: None) -> Path:
    return servers.registry_storage(ARM64, IMAGES)


@pytest.fixture(scope="module")
def lab(image: Path, registry_storage: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabUnderTest]:
    """A lab whose nodes have booted; taken down at the end whatever happened."""
    path, cache = tmp_path_factory.mktemp("lab"), tmp_path_factory.mktemp("cache")
    search_path = LabUnderTest(path, "libvirt").environment()["PATH"]
    told = computer.environment(tmp_path_factory.mktemp("arm64"), search_path)
    env = {"XDG_CACHE_HOME": str(cache), **told}
    lab = LabUnderTest(path, "libvirt", env=env)
    lab.run("labgen", "init", str(path))
    with servers.image_server(image.parent) as server:
        text = servers.lab_file(image, server.url, "name: arm64")
        (path / "lab.yml").write_text(text, encoding="utf-8")
        try:
            _timed(lab, "labgen", "up", "--provider", "libvirt", "--no-bootstrap")
            yield lab
        finally:
            lab.run("labgen", "down", check=False)


@pytest.fixture
def packages(lab: LabUnderTest, registry_storage: Path) -> Iterator[list[str]]:
    """The names of the packages that nodes fetch, while they are served packages and images."""
    namespace = lab.state.namespace
    assert namespace is not None, "libvirtd is not the lab's own: its network has a way out"
    with servers.on_lab_network(namespace, registry_storage) as downloads:
        yield downloads


def _timed(lab: LabUnderTest, *argv: str) -> str:
    """Run a command of the lab, and print how long it took; gives its output."""
    start = time.monotonic()
    output = lab.run(*argv, within=WITHIN).stdout
    print(f"{' '.join(argv)}: {time.monotonic() - start:.0f} s")
    return output


def test_box_and_nodes_are_of_arm64(lab: LabUnderTest) -> None:
    boxes = Path(lab.environment()["XDG_CACHE_HOME"]) / "labgen" / "boxes"
    assert [box.name.endswith("-arm64-libvirt.box") for box in boxes.glob("*.box")] == [True]
    for node in NODES:
        assert lab.on(node, "uname -m").strip() == computer.MACHINE
        assert lab.on(node, "dpkg --print-architecture").strip() == ARM64.name


def test_doctor_finds_that_this_computer_carries_it(lab: LabUnderTest) -> None:
    findings = json.loads(lab.run("labgen", "doctor", "--json", "--provider", "libvirt", check=False).stdout)
    text = json.dumps(findings)
    assert "arm64, as the box" in text
    assert "machines of arm64 boot by" in text


def test_bootstrap_makes_a_swarm_of_the_engines(lab: LabUnderTest, packages: list[str]) -> None:
    _timed(lab, "labgen", "up")
    assert {name.rpartition("_")[2] for name in packages} <= {"arm64.deb", "all.deb"}
    listed = lab.on(NODES[0], "docker node ls --format '{{.Hostname}} {{.Status}}'").splitlines()
    assert sorted(listed) == [f"{node} Ready" for node in NODES]
    for node in NODES:
        assert lab.on(node, "docker version --format '{{.Server.Arch}}'").strip() == ARM64.name


def test_second_bootstrap_changes_nothing(lab: LabUnderTest, packages: list[str]) -> None:
    assert "nothing changed" in lab.run("fab", "bootstrap", within=WITHIN).stdout
    assert packages == []


def test_loadbalance_is_graded_and_every_node_answers(lab: LabUnderTest, packages: list[str]) -> None:
    _carried_out(lab, "loadbalance")
    published = lab.on(NODES[0], "docker service ls --format '{{.Ports}}'")
    port = published.partition("*:")[2].partition("-")[0]
    for node in inventories.load(lab.path).lab.nodes:
        assert lab.on(NODES[0], f"curl -sf --max-time 60 http://{node.address}:{port}/").strip()


def test_recovery_is_graded(lab: LabUnderTest, packages: list[str]) -> None:
    _carried_out(lab, "recovery")


def test_update_is_graded(lab: LabUnderTest, packages: list[str]) -> None:
    _carried_out(lab, "update")


def _carried_out(lab: LabUnderTest, exercise: str) -> None:
    _timed(lab, "labgen", "run", exercise)
    _timed(lab, "labgen", "grade", exercise)


def test_snapshot_is_taken_and_gone_back_to(lab: LabUnderTest) -> None:
    """A machine's firmware is a ROM: libvirt keeps no snapshot of one with variables in a file."""
    lab.on(NODES[1], "touch /root/before")
    _timed(lab, "labgen", "snapshot", "save", "kept")
    lab.on(NODES[1], "rm /root/before")
    _timed(lab, "labgen", "snapshot", "restore", "kept")
    assert lab.on(NODES[1], "ls /root/before").strip() == "/root/before"


def test_down_leaves_nothing(lab: LabUnderTest) -> None:
    _timed(lab, "labgen", "down")
    assert LabFolder.at(lab.path).state() is None
