"""From a cloud image on a web server to a graded exercise: as on anyone's computer, and with nothing from a registry of
boxes.

The image is not a distribution's, but one like it that is made here (:mod:`tests.e2e.cloud_image.maker`).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from labgen.machines import inventory as inventories
from tests.e2e.cloud_image import maker, servers
from tests.e2e.conftest import BIN, LabUnderTest

CURL = """\
#!/bin/sh
for word; do case $word in file://* | http://* | https://*) echo "$word" >> {log};; esac; done
exec {curl} "$@"
"""
"""Vagrant fetches boxes and catalogues with curl, and this notes from where."""

REGISTRIES = ("vagrantcloud", "vagrantup", "hashicorp")


@pytest.fixture(scope="module")
def image_server() -> Iterator[servers.ImageServer]:
    with servers.image_server(maker.image().parent) as server:
        yield server


@pytest.fixture(scope="module")
def vagrant_requests(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file in which each address is noted that Vagrant asks, beside the curl that notes it."""
    place = tmp_path_factory.mktemp("curl")
    curl = place / "curl"
    curl.write_text(CURL.format(log=place / "requests", curl=shutil.which("curl")), encoding="utf-8")
    curl.chmod(0o755)
    return place / "requests"


@pytest.fixture(scope="module")
def cloud(
    image_server: servers.ImageServer, vagrant_requests: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LabUnderTest]:
    """A lab of two nodes that have booted, with a cache of its own; taken down at the end whatever happened."""
    path, cache = tmp_path_factory.mktemp("lab"), tmp_path_factory.mktemp("cache")
    proxy = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), image_server.url)
    local = "127.0.0.1,localhost,10.0.2.0/24"
    search_path = f"{vagrant_requests.parent}:{LabUnderTest(path, 'libvirt').environment()['PATH']}"
    env = {"XDG_CACHE_HOME": str(cache), **proxy, "no_proxy": local, "NO_PROXY": local, "PATH": search_path}
    lab = LabUnderTest(path, "libvirt", env=env)
    lab.run("labgen", "init", str(path))
    image = maker.image()
    text = servers.lab_file(image, image_server.url, "name: cloud", "workers: 1")
    (path / "lab.yml").write_text(text, encoding="utf-8")
    try:
        lab.run("labgen", "up", "--provider", "libvirt", "--no-bootstrap", within=2400)
        yield lab
    finally:
        lab.run("labgen", "down", check=False)


@pytest.fixture
def packages(cloud: LabUnderTest) -> Iterator[list[str]]:
    """The names of the packages that nodes fetch, while they are served packages and images."""
    namespace = cloud.state.namespace
    assert namespace is not None, "libvirtd is not the lab's own: its network has a way out"
    with servers.on_lab_network(namespace, servers.registry_storage()) as downloads:
        yield downloads


def names(lab: LabUnderTest) -> list[str]:
    return [node.name for node in inventories.load(lab.path).lab.nodes]


def ready_nodes(lab: LabUnderTest) -> list[str]:
    return sorted(lab.on("swarm-manager", "docker node ls --format '{{.Hostname}} {{.Status}}'").splitlines())


BOTH_READY = ["swarm-manager Ready", "swarm-worker1 Ready"]


def test_up_makes_the_box_of_the_image(cloud: LabUnderTest) -> None:
    boxes = list(Path(cloud.environment()["XDG_CACHE_HOME"]).rglob("*.box"))
    assert [box.name.startswith("debian-13-") for box in boxes] == [True]
    assert cloud.run("labgen", "box", "list").stdout.count("Debian 13 (own image)") == 1


def test_cloud_init_came_to_its_end_on_each_node(cloud: LabUnderTest) -> None:
    for node in names(cloud):
        status = json.loads(cloud.on(node, "cloud-init status --format json"))
        assert (status["status"], status["errors"]) == ("done", []), node
        assert status["datasource"] == "nocloud"


def test_first_bootstrap_installs_the_engine_and_makes_a_swarm(cloud: LabUnderTest, packages: list[str]) -> None:
    for node in names(cloud):
        assert not cloud.on(node, "sh -c 'command -v dockerd || true'").strip()
    cloud.run("labgen", "up", within=2400)
    assert sorted({name.partition("_")[0] for name in packages} & {"docker.io", "docker-cli"}) == [
        "docker-cli",
        "docker.io",
    ]
    assert ready_nodes(cloud) == BOTH_READY


def test_second_bootstrap_changes_nothing(cloud: LabUnderTest, packages: list[str]) -> None:
    assert "nothing changed: every node is set up already." in cloud.run("fab", "bootstrap").stdout
    assert packages == []


def test_node_is_as_the_seed_says(cloud: LabUnderTest) -> None:
    for node in names(cloud):
        assert cloud.on(node, "hostname").strip() == node
        # The root file system has grown to the whole disk.
        assert int(cloud.on(node, "df --output=size -BM /").split()[1].rstrip("M")) > 9000
        for timer in ("apt-daily.timer", "apt-daily-upgrade.timer"):
            assert cloud.on(node, f"systemctl show --property=LoadState --value {timer}").strip() == "masked"
        # Vagrant has replaced its well-known key.
        keys = cloud.on(node, "cat /home/vagrant/.ssh/authorized_keys")
        assert keys.strip()
        assert "vagrant insecure public key" not in keys


def test_loadbalance_is_carried_out_and_graded(cloud: LabUnderTest, packages: list[str]) -> None:
    cloud.run("labgen", "run", "loadbalance", "--grade", within=2400)
    assert cloud.run("labgen", "grade", "loadbalance").returncode == 0


def test_doctor_and_second_up_find_all_well(cloud: LabUnderTest) -> None:
    findings = json.loads(cloud.run("labgen", "doctor", "--json", "--provider", "libvirt", check=False).stdout)
    assert "is here" in json.dumps(findings)
    cloud.run("labgen", "up")


def test_nodes_come_back_after_a_halt(cloud: LabUnderTest) -> None:
    cloud.run("labgen", "halt", within=600)
    cloud.run("labgen", "up", within=2400)
    assert ready_nodes(cloud) == BOTH_READY
    for node in names(cloud):
        assert cloud.on(node, "hostname").strip() == node
        status = json.loads(cloud.on(node, "cloud-init status --format json"))
        assert (status["status"], status["errors"]) == ("done", [])


def test_cloud_image_no_registry_of_boxes_was_asked(
    cloud: LabUnderTest, image_server: servers.ImageServer, vagrant_requests: Path
) -> None:
    vagrant = vagrant_requests.read_text(encoding="utf-8").splitlines()
    assert any(address.endswith(".box") for address in vagrant), "the watch sees nothing of Vagrant"
    assert [address for address in vagrant if not address.startswith("file:///")] == []
    assert image_server.requests.count(f"GET /{maker.image().name}") == 1
    assert [request for request in image_server.requests if any(name in request for name in REGISTRIES)] == []


def test_box_is_made_quickly_and_in_little_memory(cloud: LabUnderTest, tmp_path: Path) -> None:
    environment = {**cloud.environment(), "XDG_CACHE_HOME": str(tmp_path)}
    start = time.monotonic()
    argv = [str(BIN / "labgen"), "box", "make", "--provider", "virtualbox"]
    child = subprocess.Popen(argv, cwd=cloud.path, env=environment, stdin=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    print(f"box make: {time.monotonic() - start:.0f} s, {usage.ru_maxrss >> 10} MiB")
    assert child.returncode == 0
    assert len(list(tmp_path.rglob("debian-13-*-virtualbox.box"))) == 1
    assert time.monotonic() - start < 300
    assert usage.ru_maxrss >> 10 < 800
