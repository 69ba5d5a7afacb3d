"""From a cloud image on a web server to a swarm: the box is made, booted, found and changed as on anyone's computer.

The image is not a distribution's, but one like it that is made here (:mod:`tests.e2e.cloud_image.maker`).
"""

from __future__ import annotations

import functools
import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from labgen.machines import inventory as inventories
from tests.e2e.cloud_image import maker
from tests.e2e.conftest import LabUnderTest

LAB = """\
name: cloud
workers: 1
box:
  image: debian-13
  url: {url}
  checksum: {checksum}
"""


@pytest.fixture(scope="module")
def image_url() -> Iterator[str]:
    """Serve the image on 127.0.0.1."""
    image = maker.image()
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(image.parent))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/{image.name}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def cloud(image_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabUnderTest]:
    """A lab of two nodes that is up, with a cache of its own; taken down at the end whatever happened."""
    path, cache = tmp_path_factory.mktemp("lab"), tmp_path_factory.mktemp("cache")
    lab = LabUnderTest(path, "libvirt", env={"XDG_CACHE_HOME": str(cache)})
    lab.run("labgen", "init", str(path))
    with maker.image().open("rb") as file:
        checksum = hashlib.file_digest(file, "sha256").hexdigest()
    (path / "lab.yml").write_text(LAB.format(url=image_url, checksum=checksum), encoding="utf-8")
    try:
        lab.run("labgen", "up", "--provider", "libvirt", within=2400)
        yield lab
    finally:
        lab.run("labgen", "down", check=False)


def names(lab: LabUnderTest) -> list[str]:
    return [node.name for node in inventories.load(lab.path).lab.nodes]


def test_up_makes_the_box_and_a_swarm(cloud: LabUnderTest) -> None:
    boxes = list(Path(cloud.environment()["XDG_CACHE_HOME"]).rglob("*.box"))
    assert [box.name.startswith("debian-13-") for box in boxes] == [True]
    assert cloud.run("labgen", "box", "list").stdout.count("Debian 13 (own image)") == 1
    nodes = cloud.on("swarm-manager", "docker node ls --format '{{.Hostname}} {{.Status}}'").splitlines()
    assert sorted(nodes) == ["swarm-manager Ready", "swarm-worker1 Ready"]


def test_cloud_init_came_to_its_end_on_each_node(cloud: LabUnderTest) -> None:
    for node in names(cloud):
        status = json.loads(cloud.on(node, "cloud-init status --format json"))
        assert (status["status"], status["errors"]) == ("done", []), node
        assert status["datasource"] == "nocloud"


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


def test_doctor_and_second_up_find_all_well(cloud: LabUnderTest) -> None:
    findings = json.loads(cloud.run("labgen", "doctor", "--json", "--provider", "libvirt", check=False).stdout)
    assert "is here" in json.dumps(findings)
    cloud.run("labgen", "up")


def test_nodes_come_back_after_a_halt(cloud: LabUnderTest) -> None:
    cloud.run("labgen", "halt")
    cloud.run("labgen", "up", within=2400)
    for node in names(cloud):
        assert cloud.on(node, "hostname").strip() == node
        status = json.loads(cloud.on(node, "cloud-init status --format json"))
        assert (status["status"], status["errors"]) == ("done", [])
