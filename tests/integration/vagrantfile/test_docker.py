"""What the Vagrantfile asks of Docker, and what it says where Docker has something in the way.

With real Vagrant and a real engine, which lives in a network namespace of its own. No node is started
here: the end-to-end tests do that.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from labgen import config
from labgen.core.errors import MachineError
from labgen.core.process import Runner
from labgen.images import node_image
from labgen.machines import render
from labgen.machines.leftovers import Traces, look
from labgen.machines.vagrant import Vagrant
from labgen.model.lab_folder import LabFolder
from labgen.providers.docker.dockerd import Dockerd


def test_a_nodes_settings(stage: Callable[..., Any], tmp_path: Path) -> None:
    lab = config.parse("{name: 랩 하나, memory: 768, cpus: 2, network: 10.9.8.0/24}")
    node = stage(lab, "docker")["swarm-worker1"]
    arguments = node["settings"].pop("create_args")
    assert node["settings"] == {
        "image": node_image(),
        "name": "lab-49ffd9-swarm-worker1",
        "has_ssh": True,
        "stop_timeout": 30,
    }
    pairs = list(zip(arguments[::2], arguments[1::2], strict=True))
    assert ("--hostname", "swarm-worker1") in pairs
    assert ("--memory", "768m") in pairs
    assert ("--cpus", "2") in pairs
    assert [value for option, value in pairs if option == "--cap-add"] == ["SYS_ADMIN", "NET_ADMIN"]
    assert "--privileged" not in arguments
    ssh = {"guest": 22, "host": 2223, "host_ip": "127.0.0.1", "auto_correct": True, "id": "ssh"}
    assert node["vm_calls"] == [
        ["network", "private_network", {"ip": "10.9.8.102", "name": "lab-49ffd9-lab"}],
        ["network", "forwarded_port", ssh],
    ]
    key = str(tmp_path / ".vagrant" / "labgen-key")
    assert node["ssh"] == {"insert_key": False, "private_key_path": key}
    assert ("--env-file", f"{key}.env") in pairs
    assert node["moments"] == ["before up", "before reload", "before destroy", "after destroy"]


def test_ssh_of_no_two_nodes_is_asked_for_at_the_same_port(stage: Callable[..., Any]) -> None:
    machines = stage(config.parse("managers: 3\nworkers: 2"), "docker")
    calls = [options for node in machines.values() for _, kind, options in node["vm_calls"] if kind == "forwarded_port"]
    assert sorted(options["host"] for options in calls if options["id"] == "ssh") == [2222, 2223, 2224, 2225, 2226]


def test_ports_are_published_on_this_computer_only(stage: Callable[..., Any]) -> None:
    machines = stage(config.parse("ports: [{guest: 80, host: 18080, node: swarm-worker2}]"), "docker")
    forwarded = {"guest": 80, "host": 18080, "host_ip": "127.0.0.1", "auto_correct": True, "id": "port-18080"}
    assert ["network", "forwarded_port", forwarded] in machines["swarm-worker2"]["vm_calls"]


def test_two_ports_of_this_computer_may_lead_to_one_of_a_node(stage: Callable[..., Any]) -> None:
    lab = config.parse("ports: [{guest: 80, host: 8080}, {guest: 80, host: 8081}]")
    for provider in ("docker", "virtualbox"):
        calls = stage(lab, provider)["swarm-manager"]["vm_calls"]
        forwarded = [call[2] for call in calls if call[:2] == ["network", "forwarded_port"] and call[2]["id"] != "ssh"]
        assert [port["host"] for port in forwarded] == [8080, 8081]
        # Of two with the same id, Vagrant takes the later one only.
        assert len({port["id"] for port in forwarded}) == 2


def mark_of(stage: Callable[..., Any]) -> str:
    """The mark that the nodes' containers would bear."""
    arguments = stage(config.parse(""), "docker")["swarm-manager"]["settings"]["create_args"]
    return next(word.partition("=")[2] for word in arguments if word.startswith("labgen.folder="))


def test_mark_is_read_where_it_is_written_down(stage: Callable[..., Any], tmp_path: Path) -> None:
    drawn = LabFolder.at(tmp_path).draw_mark()
    assert mark_of(stage) == drawn == LabFolder.at(tmp_path).mark()
    # In the same place, but another folder: the first one's machines are not its own.
    (tmp_path / ".vagrant").rename(tmp_path / "moved")
    assert mark_of(stage) not in (drawn, mark_of(stage))


def test_mark_of_machines_that_an_earlier_version_made_is_the_path(stage: Callable[..., Any], tmp_path: Path) -> None:
    machine = tmp_path / ".vagrant" / "machines" / "swarm-manager" / "docker"
    machine.mkdir(parents=True)
    (machine / "id").write_text("0123abcd")
    digest = hashlib.sha256(str(tmp_path).encode()).hexdigest()[:12]
    assert LabFolder.at(tmp_path).mark() == digest
    assert mark_of(stage) == digest


@pytest.mark.parametrize("capabilities", [["set_ssh_key_permissions"], []])
def test_key_is_closed_to_others_as_vagrant_does_it_on_this_system(
    stage: Callable[..., Any], tmp_path: Path, capabilities: list[str]
) -> None:
    """On Windows and its disks a file's mode says nothing, and OpenSSH refuses a key that others can read."""
    key = tmp_path / ".vagrant" / "labgen-key"
    key.parent.mkdir()
    labels = ["--label", "labgen.lab=labgen", "--label", f"labgen.folder={LabFolder.at(tmp_path).draw_mark()}"]
    lab = config.parse("")
    adapter1, network, gateway = map(str, (lab.plan.adapter1, lab.plan.lab, lab.plan.gateway))
    dialogue = [
        [["docker", "images", "--quiet", node_image()], "0123abcd"],
        [["list_network_names"], ""],
        [["create_network", "labgen-adapter1", "--subnet", adapter1, *labels], ""],
        [["create_network", "labgen-lab", "--subnet", network, *labels, "--gateway", gateway], ""],
    ]
    play = {"machine": "swarm-manager", "moment": "before up", "active": [], "dialogue": dialogue}
    played = stage(lab, "docker", capabilities=capabilities, **play)
    assert played["error"] is None
    assert played["host"] == [[name, str(key)] for name in capabilities]
    assert key.stat().st_mode & 0o077 == 0


class Bench:
    """A lab folder whose Vagrant speaks with an engine of its own."""

    def __init__(self, path: Path, runner: Runner) -> None:
        self.path, self.runner = path, runner
        render.write(render.render(config.parse("")), path / "Vagrantfile", force=True)
        self.vagrant = Vagrant(path, runner, path / "vagrant.log")

    def docker(self, *words: str) -> str:
        return self.runner.run(["docker", *words]).or_raise().out

    def refused(self) -> str:
        """Why `vagrant up` stops."""
        with pytest.raises(MachineError) as caught:
            self.vagrant.up("docker", within=120, on_line=lambda _line: None)
        return caught.value.message


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory, require_tool: Callable[[str], str]) -> Iterator[Bench]:
    for tool in ("vagrant", "docker", "dockerd", "dnsmasq", "ip", "nsenter", "unshare"):
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
    """The engine with an image of the right name, and no network of anyone's."""
    empty = engine.path / "empty.tar"
    empty.write_bytes(b"\0" * 1024)
    engine.docker("import", str(empty), node_image())
    yield engine
    for container in engine.docker("ps", "--all", "--quiet").split():
        engine.docker("rm", "--force", "--volumes", container)
    left = engine.docker("network", "ls", "--quiet", "--filter", "type=custom").split()
    if left:
        engine.docker("network", "rm", *left)
    engine.docker("rmi", "--force", node_image())


def test_the_image_is_missing(engine: Bench) -> None:
    said = engine.refused()
    assert f"{node_image()}, is not in this Docker engine yet" in said
    assert said.count("labgen box build --provider docker") == 1  # once, not for each node
    assert engine.docker("network", "ls", "--quiet", "--filter", "type=custom") == ""


def test_a_subnet_that_another_network_uses(bench: Bench) -> None:
    bench.docker("network", "create", "--subnet", "10.0.0.0/16", "theirs")
    said = bench.refused()
    assert "Docker's network 'theirs' already uses 10.0.0.0/16, which overlaps 10.0.2.0/24 of this lab." in said
    assert "docker network rm theirs" in said
    assert "addresses" in said


def test_a_network_of_the_same_name_with_other_addresses(bench: Bench) -> None:
    bench.docker("network", "create", "--subnet", "10.77.0.0/24", "labgen-lab")
    said = bench.refused()
    assert "already has a network named 'labgen-lab' with the subnet 10.77.0.0/24" in said
    assert "docker network rm labgen-lab" in said


@pytest.mark.parametrize("folder", [[], ["--label", "labgen.lab=labgen", "--label", "labgen.folder=another"]])
def test_a_network_of_the_same_name_that_is_not_this_labs(bench: Bench, folder: list[str]) -> None:
    bench.docker("network", "create", "--subnet", "10.0.2.0/24", *folder, "labgen-lab")
    assert "which is not this lab's" in bench.refused()


def test_a_container_of_the_same_name_that_is_not_this_labs(bench: Bench) -> None:
    theirs = bench.docker("create", "--name", "labgen-swarm-worker1", node_image(), "sh").strip()
    said = bench.refused()
    assert "already has a container named 'labgen-swarm-worker1', and it is not this lab's" in said
    assert "docker rm --force --volumes labgen-swarm-worker1" in said
    assert theirs in bench.docker("ps", "--all", "--quiet", "--no-trunc")


def test_a_container_that_an_interrupted_run_has_left_is_made_anew(bench: Bench) -> None:
    mark = LabFolder.at(bench.path).draw_mark()
    left = bench.docker(
        "create", "--name", "labgen-swarm-worker1", "--label", f"labgen.folder={mark}", node_image(), "sh"
    ).strip()
    # The image of these tests is empty: it gets as far as starting a container.
    assert "already" not in bench.refused()
    assert left not in bench.docker("ps", "--all", "--quiet", "--no-trunc")


def test_leftovers_of_this_mark_are_found_and_removed_and_no_others(bench: Bench) -> None:
    mark = "0123456789ab"
    for name, label in (("ours", mark), ("theirs", "ffffffffffff")):
        labels = ("--label", f"labgen.folder={label}")
        bench.docker("network", "create", *labels, f"{name}-network")
        bench.docker("volume", "create", *labels, f"{name}-volume")
        bench.docker("create", "--name", name, *labels, node_image(), "sh")
    by_id = bench.docker("create", "--name", "by-id", node_image(), "sh").strip()
    left = look("docker", bench.runner, Traces({"swarm-manager": by_id}, mark))
    assert sorted(map(str, left)) == ["machine by-id", "machine ours", "network ours-network", "volume ours-volume"]
    for leftover in left:
        for command in leftover.commands:
            bench.runner.run(command).or_raise()
    assert look("docker", bench.runner, Traces({"swarm-manager": by_id}, mark)) == []
    assert bench.docker("ps", "--all", "--format", "{{.Names}}").split() == ["theirs"]
    bench.docker("rm", "theirs")
    bench.docker("volume", "rm", "theirs-volume")
