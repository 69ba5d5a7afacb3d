"""The driver of containers on a real engine, which lives in a network namespace of its own.

No node is started here: the end-to-end tests do that.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from labgen import config
from labgen.core.errors import MachineError
from labgen.core.process import Runner
from labgen.machines import render
from labgen.machines.leftovers import LabIdentity, look
from labgen.model.lab_folder import LabFolder
from labgen.providers.docker.dockerd import Dockerd
from labgen.providers.docker.driver import DockerDriver

IMAGE = "labgen/node:empty"
LAB = config.parse("{workers: 1, ports: [{guest: 80, host: 18080, node: swarm-worker1}]}")


class Bench:
    """A lab folder whose driver speaks with an engine of its own."""

    def __init__(self, path: Path, runner: Runner) -> None:
        self.path, self.runner = path, runner
        self.folder = LabFolder.at(path)
        self.driver = DockerDriver(self.folder, LAB, runner, lambda: IMAGE)

    def docker(self, *words: str) -> str:
        return self.runner.run(["docker", *words]).or_raise().out

    def refused(self) -> MachineError:
        """Give why the lab does not come up."""
        with pytest.raises(MachineError) as caught:
            self.driver.up("docker", within=20, on_line=lambda _line: None)
        return caught.value


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory, require_tool: Callable[[str], str]) -> Iterator[Bench]:
    for tool in ("docker", "dockerd", "dnsmasq", "ip", "nsenter", "unshare", "ssh-keygen"):
        require_tool(tool)
    if os.geteuid() != 0:
        pytest.skip("a network namespace needs root")
    path = tmp_path_factory.mktemp("lab")
    daemon = Dockerd(LabFolder.at(path), Runner())
    daemon.start()
    try:
        yield Bench(path, daemon.inside())
    finally:
        daemon.remove()


@pytest.fixture
def bench(engine: Bench) -> Iterator[Bench]:
    """Give the engine with an image of nothing, in which no program can be started, and no network of anyone's."""
    empty = engine.path / "empty.tar"
    empty.write_bytes(b"\0" * 1024)
    engine.docker("import", "--change", 'CMD ["/sbin/init"]', str(empty), IMAGE)
    yield engine
    for container in engine.docker("ps", "--all", "--quiet").split():
        engine.docker("rm", "--force", "--volumes", container)
    networks = engine.docker("network", "ls", "--quiet", "--filter", "type=custom").split()
    if networks:
        engine.docker("network", "rm", *networks)
    engine.docker("rmi", "--force", IMAGE)


def test_up_says_that_the_image_is_missing(engine: Bench) -> None:
    assert f"No such image: {IMAGE}" in engine.refused().message
    engine.driver.destroy(on_line=lambda _line: None)
    assert engine.docker("network", "ls", "--quiet", "--filter", "type=custom") == ""


def test_create_options_are_taken_by_the_engine_and_destroy_leaves_nothing(bench: Bench) -> None:
    # With nothing in the image it gets as far as starting a container.
    assert "/sbin/init" in bench.refused().message
    worker = bench.docker("ps", "--all", "--quiet", "--filter", "name=swarm-worker1").strip()
    settings = '{{json .HostConfig.PortBindings}} {{.HostConfig.CgroupnsMode}} {{index .Config.Labels "labgen.node"}}'
    assert bench.docker("inspect", "--format", settings, worker).split() == [
        '{"22/tcp":[{"HostIp":"127.0.0.1","HostPort":"2222-3221"}],"80/tcp":[{"HostIp":"127.0.0.1","HostPort":"18080"}]}',
        "private",
        "swarm-worker1",
    ]
    addresses = "{{range $name, $network := .NetworkSettings.Networks}}{{$name}} {{end}}"
    assert bench.docker("inspect", "--format", addresses, worker).split() == ["labgen-adapter1", "labgen-lab"]
    assert {machine.state for machine in bench.driver.status().values()} == {"stopped"}
    bench.driver.destroy(on_line=lambda _line: None)
    assert bench.docker("ps", "--all", "--quiet") == ""
    assert bench.docker("network", "ls", "--quiet", "--filter", "type=custom") == ""
    assert bench.folder.machine_ids() == {}


def test_up_refuses_a_subnet_that_another_network_uses(bench: Bench) -> None:
    bench.docker("network", "create", "--subnet", "10.0.0.0/16", "theirs")
    error = bench.refused()
    assert "network theirs already uses 10.0.0.0/16, which overlaps 10.0.2.0/24 of this lab." in error.message
    assert "docker network rm theirs" in error.hint


@pytest.mark.parametrize("labels", [[], ["--label", "labgen.lab=labgen", "--label", "labgen.folder=another"]])
def test_up_refuses_a_network_of_the_name_that_is_not_this_labs(bench: Bench, labels: list[str]) -> None:
    bench.docker("network", "create", "--subnet", "10.0.2.0/24", *labels, "labgen-lab")
    assert "a network named labgen-lab with the subnet 10.0.2.0/24, which is not this lab's" in bench.refused().message


def test_up_refuses_a_container_of_the_name_that_is_not_this_labs(bench: Bench) -> None:
    theirs = bench.docker("create", "--name", "labgen-swarm-worker1", IMAGE).strip()
    assert "a container named labgen-swarm-worker1, and it is not this lab's" in bench.refused().message
    assert theirs in bench.docker("ps", "--all", "--quiet", "--no-trunc")


def test_up_makes_containers_again_that_an_interrupted_run_has_left(bench: Bench) -> None:
    mark = bench.folder.draw_mark()
    labels = ["--label", f"labgen.folder={mark}", "--label", "labgen.lab=labgen"]  # as Vagrant made them
    unfinished = bench.docker("create", "--name", "labgen-swarm-worker1", *labels, IMAGE).strip()
    assert "/sbin/init" in bench.refused().message
    assert unfinished not in bench.docker("ps", "--all", "--quiet", "--no-trunc")


def test_leftovers_of_this_mark_are_found_and_removed_and_no_others(bench: Bench) -> None:
    mark = "0123456789ab"
    for name, label in (("ours", mark), ("theirs", "ffffffffffff")):
        labels = ("--label", f"labgen.folder={label}")
        bench.docker("network", "create", *labels, f"{name}-network")
        bench.docker("volume", "create", *labels, f"{name}-volume")
        bench.docker("create", "--name", name, *labels, IMAGE)
    by_id = bench.docker("create", "--name", "by-id", IMAGE).strip()
    remaining = look("docker", bench.runner, LabIdentity({"swarm-manager": by_id}, mark))
    names = ["machine by-id", "machine ours", "network ours-network", "volume ours-volume"]
    assert sorted(map(str, remaining)) == names
    for leftover in remaining:
        for command in leftover.commands:
            bench.runner.run(command).or_raise()
    assert look("docker", bench.runner, LabIdentity({"swarm-manager": by_id}, mark)) == []
    assert bench.docker("ps", "--all", "--format", "{{.Names}}").split() == ["theirs"]
    bench.docker("rm", "theirs")
    bench.docker("volume", "rm", "theirs-volume")


def test_vagrant_up_says_once_that_labgen_makes_containers(bench: Bench, require_tool: Callable[[str], str]) -> None:
    vagrant = require_tool("vagrant")
    render.write(render.render(LAB), bench.path / "Vagrantfile", force=True)
    result = bench.runner.run([vagrant, "up", "--provider=docker"], cwd=bench.path, timeout=120)
    assert result.status == 1
    assert result.err.strip() == "Containers as nodes are made by labgen, not by Vagrant:  labgen up --provider docker"
    assert bench.docker("ps", "--all", "--quiet") == ""
