"""The node image, built from Debian packages (once per recipe: it stays in the user's cache), run for real."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from labgen import config, images
from labgen.core.polling import NotYet, wait_until
from labgen.core.process import Result, Runner
from labgen.core.progress import Lines
from labgen.docker.stand_in import StandIn
from labgen.images import recipe
from labgen.images.container_images import IMAGES
from labgen.providers.docker.container import create_options, name_of
from labgen.providers.docker.lab_networks import adapter1

NAME = "swarm-manager"


@pytest.fixture(scope="module")
def image(engine: Runner, require_tool: Callable[[str], str]) -> str:
    for program in recipe.TREE_PROGRAMS:
        require_tool(program)
    return images.ensure_node_image(engine, progress=Lines())


class Container:
    """A container of the tests' engine."""

    def __init__(self, engine: Runner, name: str) -> None:
        self._engine, self._name = engine, name

    def docker(self, *words: str, timeout: float = 60) -> Result:
        return self._engine.run(["docker", *words], timeout=timeout)

    def sh(self, script: str, timeout: float = 60) -> str:
        """What a script prints in it."""
        return self.docker("exec", self._name, "sh", "-euc", script, timeout=timeout).or_raise().out.strip()

    def inspect(self, what: str) -> str:
        return self.docker("inspect", "--format", what, self._name).or_raise().out.strip()

    def booted(self) -> None:
        def state() -> None:
            said = self.docker("exec", self._name, "systemctl", "is-system-running").out.strip()
            if said not in {"running", "degraded"}:
                raise NotYet(f"{said}; {self.docker('logs', self._name).err}")

        wait_until(f"{self._name} to boot", state, within=60, every=0.2, error=AssertionError)

    def restart(self) -> float:
        """Stop and start it; gives the seconds that the stop took."""
        start = time.monotonic()
        self.docker("stop", "--time", "30", self._name).or_raise()
        spent = time.monotonic() - start
        self.docker("start", self._name).or_raise()
        self.booted()
        return spent


@pytest.fixture(scope="module")
def node(engine: Runner, image: str) -> Iterator[Container]:
    lab = config.parse("")
    options = create_options(lab, lab.node(NAME), labels={}, public_key="")  # the well-known key stays
    made = Container(engine, name_of(lab, lab.node(NAME)))
    made.docker("network", "create", "--subnet", "192.168.221.0/24", adapter1(lab)).or_raise()
    made.docker("run", "--detach", *options, image).or_raise()
    made.booted()
    yield made
    made.docker("rm", "--force", "--volumes", name_of(lab, lab.node(NAME)))


@pytest.fixture(scope="module")
def stocked(node: Container) -> Container:
    """The node, its engine having pulled the images from the registry inside."""
    # A name server that refuses: for one that is silent, as Docker's is here, each pull would wait 10 s.
    node.sh("cp /etc/resolv.conf /root; echo nameserver 127.0.0.1 > /etc/resolv.conf")
    for image in IMAGES:
        node.sh(f"docker pull --quiet {image.reference}", timeout=120)
    node.sh("mv /root/resolv.conf /etc")
    return node


def test_systemd_runs_and_nothing_failed(node: Container) -> None:
    assert node.sh("systemctl --failed --no-legend") == ""
    assert node.sh("systemctl is-system-running") == "running"
    assert node.sh("systemd-detect-virt") == "docker"


def test_node_image_second_look_by_the_image_finds_it(engine: Runner, image: str, tmp_path: Path) -> None:
    assert images.ensure_node_image(engine, progress=Lines(), cache=tmp_path) == image
    assert list(tmp_path.iterdir()) == []


def test_sshd_answers_with_a_host_key_of_its_own(
    node: Container, network: Runner, require_tool: Callable[[str], str]
) -> None:
    address = node.inspect("{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}")
    told = network.run([require_tool("ssh-keyscan"), "-T", "10", address]).or_raise().out
    assert "ssh-ed25519" in told
    assert node.sh("cut -d' ' -f2 /etc/ssh/ssh_host_ed25519_key.pub") in told


def test_vagrant_gets_in_and_may_do_everything(node: Container) -> None:
    assert node.sh("su vagrant -c 'sudo -n id --user'") == "0"
    assert node.sh("id --groups --name vagrant") == "vagrant sudo docker"
    assert node.sh("stat -c '%a %U' /home/vagrant/.ssh/authorized_keys") == "600 vagrant"


def test_node_image_every_image_of_the_course_is_in_it_and_runs(stocked: Container) -> None:
    runs: dict[str, Sequence[str]] = {
        "nginx:latest": ("nginx", "-v"),
        "alpine:3": ("true",),
        "redis:6.0-alpine": ("redis-server", "--version"),
        "redis:6.2.5-alpine": ("redis-server", "--version"),
    }
    for image in IMAGES:
        stocked.sh(f"docker run --rm {image.reference} {' '.join(runs[image.reference])}", timeout=120)


@pytest.mark.parametrize("reference", ["redis:6.0-alpine", "redis:6.2.5-alpine"])
def test_redis_answers_the_version_of_its_name(stocked: Container, reference: str) -> None:
    stand_in = StandIn.of(
        json.loads(stocked.sh(f"docker image inspect --format '{{{{json .Config.Labels}}}}' {reference}"))
    )
    assert stand_in is not None
    assert stand_in.image == reference
    stocked.sh(f"docker run --detach --name versioned {reference} --appendonly yes", timeout=120)
    asking = "docker exec versioned redis-cli INFO server | grep -aoE '^redis_version:[0-9.]+'"
    try:
        answer = stocked.sh(f"for try in $(seq 50); do {asking} && break; sleep 0.2; done")
    finally:
        stocked.sh("docker rm --force versioned")
    # Of the wheel, where pip can get it; the label tells the truth anyhow.
    assert answer == f"redis_version:{stand_in.content.removeprefix('redis ')}"
    assert stand_in.is_named_for_its_version


def test_node_image_published_port_answers(stocked: Container) -> None:
    stocked.sh("docker run --detach --name web --publish 8001:80 nginx")
    assert "nginx" in stocked.sh("curl --silent --retry 20 --retry-all-errors --retry-delay 1 http://127.0.0.1:8001/")


def test_names_are_files_that_outlive_a_stop(stocked: Container) -> None:
    node = stocked
    assert node.sh("hostname; cat /etc/hostname") == f"{NAME}\n{NAME}"
    assert node.sh("grep -c ' /etc/' /proc/self/mountinfo || true") == "0"
    assert node.sh("cat /etc/hosts").startswith("127.0.0.1 localhost")
    node.sh("hostnamectl set-hostname renamed; echo 172.31.10.101 renamed >> /etc/hosts; sed -i s/ip6-//g /etc/hosts")
    written = node.sh("cat /etc/hosts")
    # One that ends when it is told to: for others the engine inside waits 10 s, as on any machine.
    node.sh("docker run --detach --name forever nginx")
    spent = node.restart()
    assert spent < 10
    assert node.inspect("{{.State.ExitCode}}") == "0"
    assert node.sh("hostname; cat /etc/hostname") == "renamed\nrenamed"
    assert node.sh("cat /etc/hosts") == written
    assert node.sh("systemctl --failed --no-legend") == ""
    # What the engine inside had is there again, too.
    assert "forever" in node.sh("docker ps --all --format '{{.Names}}'")


def test_node_image_name_server_is_dockers_unless_the_bootstrap_decides(node: Container) -> None:
    dockers = node.sh("cat /etc/resolv.conf")
    assert "nameserver 127.0.0.11" in dockers
    node.sh("echo nameserver 172.31.10.9 > /etc/resolv.conf")
    node.restart()
    assert node.sh("cat /etc/resolv.conf") == dockers
    node.sh("sed -i '1i # Written by labgen: for the test.' /etc/resolv.conf")
    node.restart()
    assert node.sh("head -n 1 /etc/resolv.conf") == "# Written by labgen: for the test."


def test_node_image_without_the_right_to_mount_it_says_what_is_missing(engine: Runner, image: str) -> None:
    said = engine.run(["docker", "run", "--rm", "--network", "none", image])
    assert said.status == 1
    assert "labgen-node: the control groups in /sys/fs/cgroup" in said.err
    assert "cannot be made writable: mount: " in said.err
    assert "--cap-add SYS_ADMIN" in said.err
    assert "dmesg" not in said.err
