"""The driver of containers, on an engine of a few lines."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from labgen import config
from labgen.core.errors import MachineError
from labgen.core.process import Runner
from labgen.machines import connection_info, ssh_config
from labgen.model.lab import Lab
from labgen.model.lab_folder import LabFolder
from labgen.providers import PROVIDERS
from labgen.providers.docker import endpoint
from labgen.providers.docker.client import taken_port, way_out
from labgen.providers.docker.driver import DockerDriver
from labgen.providers.docker.lab_key import LabKey
from tests.unit.providers.docker_engine import FakeEngine

LAB = config.parse("ports: [{guest: 8001, host: 8001}]")
NODES = ["swarm-manager", "swarm-worker1", "swarm-worker2"]


class World:
    """A lab folder, and the engine that its nodes are on."""

    def __init__(self, path: Path) -> None:
        self.folder = LabFolder.at(path)
        self.engine = FakeEngine()
        self.lines: list[str] = []

    def driver(self, lab: Lab = LAB) -> DockerDriver:
        return DockerDriver(self.folder, lab, self.engine, lambda: "labgen/node:0123")  # type: ignore[arg-type]

    def up(self, lab: Lab = LAB, within: float = 1) -> None:
        self.driver(lab).up("docker", within=within, on_line=self.lines.append)

    def refused(self) -> MachineError:
        with pytest.raises(MachineError) as caught:
            self.up()
        return caught.value


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    def public(key: LabKey) -> str:
        key.path.write_text("private")
        return "ssh-ed25519 AAAA labgen"

    monkeypatch.setattr(LabKey, "public", public)
    return World(tmp_path)


def test_up_creates_networks_and_a_container_for_each_node(world: World) -> None:
    world.up()
    names = {network["Name"]: network for network in world.engine.networks.values()}
    assert names["labgen-lab"]["IPAM"] == {"Config": [{"Subnet": "10.0.2.0/24"}]}
    assert "labgen-adapter1" in names
    worker = world.engine.by_name("labgen-swarm-worker1")
    assert worker.state == "running"
    assert worker.networks == {"labgen-adapter1": "", "labgen-lab": "10.0.2.102"}
    mark = world.folder.mark()
    assert worker.labels == {"labgen.lab": "labgen", "labgen.folder": mark, "labgen.node": "swarm-worker1"}
    assert world.folder.machine_ids()["docker"]["swarm-worker1"] == worker.id
    assert list(world.folder.machine_ids()["docker"]) == NODES


def test_create_options_are_those_that_a_node_needs(world: World) -> None:
    world.up(config.parse("{memory: 768, cpus: 2}"))
    worker = world.engine.by_name("labgen-swarm-worker1")
    options = [option for option in worker.options if option[0] != "--label"]
    assert options == [
        ("--pull", "never"),
        ("--name", "labgen-swarm-worker1"),
        ("--hostname", "swarm-worker1"),
        ("--env", "LABGEN_AUTHORIZED_KEY=ssh-ed25519 AAAA labgen"),
        ("--network", "labgen-adapter1"),
        ("--publish", "127.0.0.1:2222-3221:22"),
        ("--memory", "768m"),
        ("--cpus", "2"),
        ("--stop-signal", "SIGRTMIN+3"),
        ("--stop-timeout", "30"),
        ("--tmpfs", "/run"),
        ("--cap-add", "SYS_ADMIN"),
        ("--cap-add", "NET_ADMIN"),
        ("--cgroupns", "private"),
        ("--security-opt", "systempaths=unconfined"),
        ("--security-opt", "seccomp=unconfined"),
        ("--security-opt", "apparmor=unconfined"),
        ("--security-opt", "label=disable"),
    ]


def test_up_writes_down_how_each_node_is_reached(world: World) -> None:
    world.up()
    accesses = connection_info.of_all(world.folder.path, "docker", NODES)
    assert accesses is not None
    assert accesses["swarm-manager"].ports == {22: (2222,), 8001: (8001,)}
    manager = ssh_config.parse(connection_info.ssh_config(accesses))[0]
    assert [manager.value(option) for option in ("HostName", "User", "Port")] == ["127.0.0.1", "vagrant", "2222"]
    assert manager.value("IdentityFile") == f'"{world.folder.vagrant_data / "labgen-key"}"'
    assert ssh_config.parse(world.driver().ssh_config())[0] == manager


def test_copy_of_the_folder_is_told_from_the_folder(world: World) -> None:
    world.up()
    copy = world.folder.path / "copy"
    shutil.copytree(world.folder.vagrant_data, copy / ".vagrant")
    assert LabFolder.at(copy).copied_from() == world.folder.path
    assert world.folder.copied_from() is None


def test_up_again_changes_nothing(world: World) -> None:
    world.up()
    world.engine.commands.clear()
    world.up()
    assert world.engine.commands == []


def test_up_starts_what_was_halted_and_creates_what_is_missing(world: World) -> None:
    world.up(config.parse("workers: 1"))
    world.driver().halt(["swarm-worker1"], on_line=world.lines.append)
    world.engine.commands.clear()
    world.up()
    assert sorted(world.engine.commands) == [
        "create labgen-swarm-worker2",
        "start labgen-swarm-worker1",
        "start labgen-swarm-worker2",
    ]


def test_up_starts_workers_that_were_halted_once_the_engine_of_the_manager_answers(world: World) -> None:
    world.up()
    world.driver().halt(on_line=world.lines.append)
    world.engine.units["labgen-swarm-manager"] = "active\nactivating\n"
    world.engine.commands.clear()
    with pytest.raises(MachineError, match="swarm-manager: ssh and docker are active and activating"):
        world.up()
    assert world.engine.commands == ["start labgen-swarm-manager"]
    world.engine.units.clear()
    world.lines.clear()
    world.up()
    assert sorted(world.engine.commands[1:]) == ["start labgen-swarm-worker1", "start labgen-swarm-worker2"]
    assert sorted(line for line in world.lines if line.endswith(": up")) == [f"{name}: up" for name in NODES]


@pytest.mark.parametrize("force", [False, True])
def test_halt_ends_only_what_runs(world: World, force: bool) -> None:
    world.up()
    driver = world.driver()
    driver.halt(["swarm-worker1"], on_line=world.lines.append)
    world.engine.commands.clear()
    driver.halt(on_line=world.lines.append, force=force)
    how = "kill" if force else "stop --time 30"
    assert sorted(world.engine.commands) == [f"{how} labgen-swarm-manager", f"{how} labgen-swarm-worker2"]
    world.engine.commands.clear()
    driver.halt(on_line=world.lines.append)
    assert world.engine.commands == []


def test_status_has_a_word_for_each_node(world: World) -> None:
    assert {machine.state for machine in world.driver().status().values()} == {"not_created"}
    world.up()
    world.driver().halt(["swarm-worker1"], on_line=world.lines.append)
    states = {name: machine.state for name, machine in world.driver(config.parse("workers: 1")).status().items()}
    assert states == {"swarm-manager": "running", "swarm-worker1": "stopped", "swarm-worker2": "running"}


def test_reload_restarts_one(world: World) -> None:
    world.up()
    world.engine.commands.clear()
    world.driver().reload("swarm-worker1", within=1, on_line=world.lines.append)
    assert world.engine.commands == ["stop --time 30 labgen-swarm-worker1", "start labgen-swarm-worker1"]


def test_destroy_takes_networks_and_key_with_the_last_node(world: World) -> None:
    world.up()
    theirs = world.engine.add_container("theirs", labgen_folder="f" * 12)
    world.engine.add_network("their-network", "10.9.0.0/16", labgen_folder="f" * 12)
    key = world.folder.vagrant_data / "labgen-key"
    world.driver().destroy(["swarm-worker2"], on_line=world.lines.append)
    assert list(world.folder.machine_ids()["docker"]) == NODES[:2]
    assert key.exists()
    world.driver().destroy(on_line=world.lines.append)
    assert list(world.engine.containers.values()) == [theirs]
    assert [network["Name"] for network in world.engine.networks.values()] == ["bridge", "their-network"]
    assert world.folder.machine_ids() == {}
    assert not key.exists()


def test_destroy_of_a_lab_that_never_was_is_well(world: World) -> None:
    world.driver().destroy(on_line=world.lines.append)
    assert world.engine.commands == []


def test_containers_that_vagrant_made_are_halted_started_and_removed(world: World) -> None:
    mark = world.folder.draw_mark()
    world.engine.add_network("labgen-adapter1", str(LAB.plan.adapter1), labgen_lab="labgen", labgen_folder=mark)
    world.engine.add_network("labgen-lab", "10.0.2.0/24", labgen_lab="labgen", labgen_folder=mark)
    for name in NODES:
        world.engine.add_container(f"labgen-{name}", labgen_lab="labgen", labgen_folder=mark)
    driver = world.driver()
    driver.halt(on_line=world.lines.append)
    world.up()
    started = [command for command in world.engine.commands if command.startswith(("start", "create"))]
    assert sorted(started) == [f"start labgen-{name}" for name in NODES]
    driver.destroy(on_line=world.lines.append)
    assert world.engine.containers == {}
    assert [network["Name"] for network in world.engine.networks.values()] == ["bridge"]


def test_up_makes_containers_again_that_an_interrupted_run_has_left(world: World) -> None:
    mark = world.folder.draw_mark()
    unfinished = world.engine.add_container(
        "labgen-swarm-worker1", "created", labgen_folder=mark, labgen_lab="labgen", labgen_node="swarm-worker1"
    )
    world.up()
    assert unfinished.id not in world.engine.containers
    assert world.engine.by_name("labgen-swarm-worker1").networks["labgen-lab"] == "10.0.2.102"
    assert "removing containers that an interrupted run has left" in world.lines


@pytest.mark.parametrize("labels", [{}, {"labgen_lab": "labgen", "labgen_folder": "f" * 12}])
def test_up_refuses_a_container_of_the_name_that_is_not_this_labs(world: World, labels: dict[str, str]) -> None:
    theirs = world.engine.add_container("labgen-swarm-worker1", "exited", **labels)
    error = world.refused()
    assert "a container named labgen-swarm-worker1, and it is not this lab's" in error.message
    assert "docker rm --force --volumes labgen-swarm-worker1" in error.hint
    assert list(world.engine.containers.values()) == [theirs]
    assert world.engine.commands == []


@pytest.mark.parametrize(
    ("name", "subnet", "ours", "words"),
    [
        ("labgen-lab", "10.0.2.0/24", False, "a network named labgen-lab with the subnet 10.0.2.0/24, which is not"),
        ("labgen-lab", "10.77.0.0/24", True, "with the subnet 10.77.0.0/24, which has other addresses than this lab"),
        ("theirs", "10.0.0.0/16", False, "network theirs already uses 10.0.0.0/16, which overlaps 10.0.2.0/24"),
    ],
)
def test_up_refuses_a_network_in_the_way(world: World, name: str, subnet: str, ours: bool, words: str) -> None:
    world.engine.add_network(name, subnet, labgen_folder=world.folder.draw_mark() if ours else "f" * 12)
    error = world.refused()
    assert words in error.message
    assert f"docker network rm {name}" in error.hint
    assert world.engine.commands == []
    assert world.engine.containers == {}


@pytest.mark.parametrize("name", ["bridge", "docker_gwbridge"])
def test_up_advises_to_remove_no_network_of_the_engines_own(world: World, name: str) -> None:
    world.engine.add_network(name, "10.0.0.0/16")
    error = world.refused()
    assert f"network {name} already uses 10.0.0.0/16" in error.message
    assert error.hint.startswith("Give this lab other addresses in lab.yml")
    assert "network rm" not in error.hint


def test_up_says_how_to_get_an_image_that_is_missing(world: World) -> None:
    world.engine.images.clear()
    error = world.refused()
    assert "labgen/node:0123" in error.message
    assert "labgen box build --provider docker" in error.hint


def test_up_forwards_another_port_where_one_is_taken(world: World) -> None:
    world.engine.taken = {8001}
    world.up()
    manager = world.engine.by_name("labgen-swarm-manager")
    assert manager.values("--publish") == ["127.0.0.1:2222-3221:22", "127.0.0.1::8001"]
    assert manager.networks["labgen-lab"] == "10.0.2.101"
    access = connection_info.of(world.folder.path, "docker", "swarm-manager")
    assert access is not None
    assert access.ports[8001][0] > 32767


def test_up_says_that_a_port_was_taken_while_the_node_was_halted(world: World) -> None:
    world.up()
    world.driver().halt(on_line=world.lines.append)
    world.engine.taken = {8001}
    error = world.refused()
    assert "port is already allocated" in error.message
    assert "labgen down NODE" in error.hint


def test_up_says_at_once_why_a_node_cannot_come_up(world: World) -> None:
    world.engine.units["labgen-swarm-worker1"] = "active\nfailed\n"
    error = world.refused()
    assert error.message == "swarm-worker1 does not come up: its docker does not start.\nthe unit's journal"
    assert "labgen down swarm-worker1" in error.hint


def test_up_says_what_a_node_lacks_when_its_time_is_over(world: World) -> None:
    world.engine.units["labgen-swarm-worker1"] = "active\nactivating\n"
    with pytest.raises(MachineError, match="swarm-worker1: ssh and docker are active and activating"):
        world.up(within=0)


def test_engine_of_the_lab_is_written_down_until_the_last_node_is_gone(world: World) -> None:
    world.up()
    assert endpoint.recorded(world.folder) == "unix:///var/run/docker.sock"
    # Whatever context is in use by now.
    world.engine.address = "ssh://me@server"
    world.up()
    docker = PROVIDERS["docker"].runner(world.folder, Runner(env={"A": "b"}))
    assert docker.env == {"A": "b", "DOCKER_HOST": "unix:///var/run/docker.sock"}
    world.driver().destroy(on_line=world.lines.append)
    assert endpoint.recorded(world.folder) == ""
    assert PROVIDERS["docker"].runner(world.folder, Runner()) == Runner()


@pytest.mark.parametrize(("address", "env"), [("tcp://server:2376", {}), ("unix:///x", {"DOCKER_HOST": "unix:///x"})])
def test_engine_is_not_written_down_where_the_address_does_not_say_all(
    world: World, address: str, env: dict[str, str]
) -> None:
    world.engine.address, world.engine.env = address, env
    world.up()
    assert endpoint.recorded(world.folder) == ""


def test_nodes_on_another_computer_are_reached_through_it(world: World) -> None:
    world.engine.address = "ssh://kim@server:2200"
    world.up()
    access = connection_info.of(world.folder.path, "docker", "swarm-manager")
    assert access is not None
    (host,) = ssh_config.parse(access.ssh_config)
    assert host.value("ProxyCommand") == "ssh -o BatchMode=yes -l kim -p 2200 -W %h:%p -- server"
    assert list(access.ports) == [22]
    assert PROVIDERS["docker"].other_computer(world.folder) == "ssh://kim@server:2200"


@pytest.mark.parametrize(
    ("text", "port"),
    [
        ("Bind for 127.0.0.1:8001 failed: port is already allocated", 8001),
        ("Error starting userland proxy: listen tcp4 127.0.0.1:8001: bind: address already in use", 8001),
        ("failed to bind host port for 127.0.0.1:8001:172.18.0.2:80/tcp: address already in use", 8001),
        (
            "Ports are not available: exposing port TCP 127.0.0.1:8001 -> 0.0.0.0:0: listen tcp 127.0.0.1:8001: bind: "
            "Only one usage of each socket address (protocol/network address/port) is normally permitted.",
            8001,
        ),
        ("No such image: labgen/node:0123", None),
        ("invalid IP 10.0.2.101:80", None),
    ],
)
def test_taken_port_is_read_from_what_engines_say(text: str, port: int | None) -> None:
    assert taken_port(text) == port


@pytest.mark.parametrize(
    ("text", "way"),
    [
        ("Cannot connect to the Docker daemon at unix:///tmp/none.sock. Is the docker daemon running?", "Desktop"),
        ("Bind for 127.0.0.1:8001 failed: port is already allocated", "labgen down NODE"),
        (
            "Ports are not available: exposing port TCP 127.0.0.1:8001 -> 0.0.0.0:0: listen tcp 127.0.0.1:8001: bind: "
            "Only one usage of each socket address (protocol/network address/port) is normally permitted.",
            "netstat -ano",
        ),
        (
            "Ports are not available: listen tcp 127.0.0.1:8001: bind: An attempt was made to access a socket in a way "
            "forbidden by its access permissions.",
            "netsh int ipv4 show excludedportrange tcp",
        ),
        ("No such image: labgen/node:0123", "labgen box build --provider docker"),
        ("Failed to create control group inotify object: Too many open files", "fs.inotify.max_user_instances"),
        ("Something that nobody has seen yet.", ""),
    ],
)
def test_way_out_says_what_can_be_done(text: str, way: str) -> None:
    assert way in str(way_out(text))
    assert bool(way) == bool(way_out(text))


def test_lab_key_is_made_once_and_for_its_owner_only(tmp_path: Path, require_tool: object) -> None:
    require_tool("ssh-keygen")  # type: ignore[operator]
    key = LabKey(tmp_path / "a folder" / "labgen-key")
    public = key.public()
    assert public.startswith("ssh-ed25519 ")
    assert key.path.stat().st_mode & 0o077 == 0
    assert [path.name for path in key.path.parent.iterdir()] == ["labgen-key"]
    assert key.public() == public
    key.path.write_text("half a key")
    with pytest.raises(MachineError, match="cannot be used"):
        key.public()
    key.remove()
    assert list(key.path.parent.iterdir()) == []


def test_connection_is_data_of_the_version_that_is_read(world: World) -> None:
    world.up()
    path = world.folder.vagrant_data / "machines" / "swarm-manager" / "docker" / "labgen.json"
    assert json.loads(path.read_text())["version"] == 1
