"""A libvirtd of the lab's own, started and ended for real: nothing of the host's is touched or left."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from labgen.daemon import Daemon
from labgen.errors import HostError
from labgen.folder import LabFolder
from labgen.proc import Runner


@pytest.fixture
def daemon(tmp_path: Path, require_tool: Callable[[str], str]) -> Daemon:
    for tool in ("libvirtd", "virsh", "nsenter", "unshare", "ip"):
        require_tool(tool)
    if os.geteuid() != 0:
        pytest.skip("a network namespace needs root")
    # A space, because the folder of a lab may have one.
    return Daemon(LabFolder.at(tmp_path / "my lab"), Runner())


def links() -> str:
    return Runner().run(["ip", "-oneline", "link"]).out


def test_it_lives_in_a_network_of_its_own_and_leaves_nothing(daemon: Daemon, tmp_path: Path) -> None:
    before = links()
    with pytest.raises(HostError, match="does not run any more"):
        daemon.inside()
    try:
        daemon.start()
        first = daemon.pid()
        daemon.start()
        assert daemon.pid() == first
        inside = daemon.inside()
        network = tmp_path / "net.xml"
        network.write_text(
            "<network><name>lab</name><bridge name='virbr7'/><forward mode='nat'/>"
            "<ip address='10.0.2.1' netmask='255.255.255.0'/></network>"
        )
        inside.run(["virsh", "net-create", network]).or_raise()
        assert "10.0.2.1/24" in inside.run(["ip", "-4", "address", "show", "virbr7"]).out
        # It is the lab's folder that commands work in, and its own libvirt that they see.
        assert inside.run(["pwd"]).out.strip() == str(tmp_path / "my lab")
        # A name server that is out of reach must refuse at once, or every container start waits 20 s.
        assert inside.run(["cat", "/etc/resolv.conf"]).out == ""
        assert links() == before
    finally:
        daemon.stop()
    assert daemon.pid() is None
    assert links() == before
    assert not Path("/run/netns", daemon.namespace).exists()
    assert not (tmp_path / "my lab" / ".labgen" / "libvirt").exists()
    daemon.stop()  # well, too, where nothing is left


def test_one_that_cannot_start_says_where_its_log_is_and_leaves_nothing(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labgen.daemon._CONFIGURATION", {"libvirtd.conf": "no such setting = 1\n"})
    monkeypatch.setattr("labgen.daemon._START_WITHIN", 3.0)
    with pytest.raises(HostError, match=r"waited .* for the lab's own libvirtd") as caught:
        daemon.start()
    assert "libvirtd.log" in caught.value.hint
    assert not Path("/run/netns", daemon.namespace).exists()
