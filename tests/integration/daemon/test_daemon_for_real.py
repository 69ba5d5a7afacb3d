"""A daemon of the lab's own, started and ended for real: nothing of the host's is touched or left."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from labgen.core.errors import HostError
from labgen.core.process import Runner
from labgen.model.lab_folder import LabFolder
from labgen.providers import PROVIDERS
from labgen.providers.daemon import Daemon

NEEDS = {"libvirt": ("libvirtd", "virsh"), "docker": ("dockerd", "docker", "dnsmasq", "iptables")}


@pytest.fixture
def make(tmp_path: Path, require_tool: Callable[[str], str]) -> Callable[[str], Daemon]:
    def made(provider: str) -> Daemon:
        for tool in (*NEEDS[provider], "nsenter", "unshare", "ip"):
            require_tool(tool)
        if os.geteuid() != 0:
            pytest.skip("a network namespace needs root")
        # A space, because the folder of a lab may have one.
        return own_daemon(provider, LabFolder.at(tmp_path / "my lab"), Runner())

    return made


def links() -> str:
    return Runner().run(["ip", "-oneline", "link"]).out


def mounts() -> list[str]:
    """Mounts of the lab's folder that this computer sees."""
    return [line for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines() if "my\\040lab" in line]


def network(provider: str, daemon: Daemon, tmp_path: Path) -> str:
    """Make a network as a lab has it, and give its bridge."""
    inside = daemon.inside()
    if provider == "docker":
        options = ["--subnet", "10.0.2.0/24", "--gateway", "10.0.2.1", "--opt", "com.docker.network.bridge.name=virbr7"]
        inside.run(["docker", "network", "create", *options, "lab"]).or_raise()
    else:
        described = tmp_path / "net.xml"
        described.write_text(
            "<network><name>lab</name><bridge name='virbr7'/><forward mode='nat'/>"
            "<ip address='10.0.2.1' netmask='255.255.255.0'/></network>"
        )
        inside.run(["virsh", "net-create", described]).or_raise()
    return "virbr7"


@pytest.mark.parametrize("provider", NEEDS)
def test_daemon_it_lives_in_a_network_of_its_own_and_leaves_nothing(
    provider: str, make: Callable[[str], Daemon], tmp_path: Path
) -> None:
    daemon = make(provider)
    before = links()
    with pytest.raises(HostError, match="does not run any more"):
        daemon.inside()
    try:
        daemon.start()
        first = daemon.pid()
        daemon.start()
        assert daemon.pid() == first
        bridge = network(provider, daemon, tmp_path)
        assert "10.0.2.1/24" in daemon.inside().run(["ip", "-4", "address", "show", bridge]).out
        assert links() == before
        assert mounts() == []
    finally:
        daemon.remove()
    assert daemon.pid() is None
    assert links() == before
    assert mounts() == []
    assert not Path("/run/netns", daemon.namespace).exists()
    assert not Path("/run", daemon.namespace).exists()
    assert not (tmp_path / "my lab" / ".labgen" / daemon.place).exists()
    daemon.remove()  # well, too, where nothing is left


def test_libvirt_commands_see_the_lab_folder_and_a_resolver_that_refuses(
    make: Callable[[str], Daemon], tmp_path: Path
) -> None:
    daemon = make("libvirt")
    try:
        daemon.start()
        inside = daemon.inside()
        assert inside.run(["pwd"]).out.strip() == str(tmp_path / "my lab")
        # A name server that is out of reach must refuse at once, or every container start waits 20 s.
        assert inside.run(["cat", "/etc/resolv.conf"]).out == ""
    finally:
        daemon.remove()


def test_daemon_what_an_engine_holds_is_there_again_after_its_end(
    make: Callable[[str], Daemon], tmp_path: Path
) -> None:
    daemon = make("docker")
    try:
        daemon.start()
        network("docker", daemon, tmp_path)
        daemon.end()
        assert daemon.pid() is None
        assert not Path("/run/netns", daemon.namespace).exists()
        daemon.start()
        assert "lab" in daemon.inside().run(["docker", "network", "ls", "--format", "{{.Name}}"]).out.split()
    finally:
        daemon.remove()


@pytest.mark.parametrize("provider", NEEDS)
def test_daemon_one_that_cannot_start_says_where_its_log_is_and_leaves_nothing(
    provider: str, make: Callable[[str], Daemon], monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon = make(provider)
    monkeypatch.setattr(type(daemon), "_argv", lambda self: ["sh", "-c", "echo 'no such setting' >&2; exit 1"])
    monkeypatch.setattr("labgen.providers.daemon._START_WITHIN", 2.0)
    with pytest.raises(HostError, match=f"waited .* for the lab's own {daemon.title}") as caught:
        daemon.start()
    log = Path(caught.value.hint.removeprefix("Its log: "))
    assert "no such setting" in log.read_text(encoding="utf-8")
    assert daemon.pid() is None
    assert not Path("/run/netns", daemon.namespace).exists()


@pytest.mark.parametrize("provider", NEEDS)
def test_daemon_goes_on_where_its_folder_is_moved(provider: str, make: Callable[[str], Daemon], tmp_path: Path) -> None:
    daemon = make(provider)
    try:
        daemon.start()
        pid = daemon.pid()
        (tmp_path / "my lab").rename(tmp_path / "its lab")
        moved = own_daemon(provider, LabFolder.at(tmp_path / "its lab"), Runner(), daemon.namespace)
        moved.start()
        assert moved.pid() == pid
        # It can still write where it keeps its own.
        network(provider, moved, tmp_path)
        moved.end()
        moved.start()
        listing = ["docker", "network", "ls"] if provider == "docker" else ["virsh", "net-list", "--all"]
        assert moved.inside().run(listing).ok
    finally:
        own_daemon(provider, LabFolder.at(tmp_path / "its lab"), Runner(), daemon.namespace).remove()
    assert not daemon.exists


@pytest.mark.parametrize("provider", NEEDS)
def test_daemon_of_the_folder_that_was_copied_is_left_alone(
    provider: str, make: Callable[[str], Daemon], tmp_path: Path
) -> None:
    daemon = make(provider)
    try:
        daemon.start()
        copy = own_daemon(provider, LabFolder.at(tmp_path / "copy"), Runner(), daemon.namespace)
        for act in (copy.start, copy.remove):
            with pytest.raises(HostError, match="belongs to another lab; this folder is a copy of it"):
                act()
        assert daemon.pid() is not None
        assert daemon.inside().run(daemon.question).ok
    finally:
        daemon.remove()


def own_daemon(provider: str, folder: LabFolder, runner: Runner, namespace: str | None = None) -> Daemon:
    daemon = PROVIDERS[provider].own_daemon(folder, runner, namespace)
    assert daemon is not None
    return daemon
