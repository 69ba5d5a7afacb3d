"""What QEMU is given in VirtualBox's place is what VirtualBox says, and nothing else (tests/e2e/virtualbox)."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from tests.e2e.virtualbox.hypervisor import adapters, command

TOLD = {
    "name": "labgen swarm-manager",
    "memory": "1024",
    "cpus": "1",
    "nic1": "nat",
    "natnet1": "192.168.221.0/24",
    "macaddress1": "080027C0DE12",
    "nictype1": "virtio",
    "cableconnected1": "on",
    "Forwarding(0)": "ssh,tcp,127.0.0.1,2222,,22",
    "Forwarding(1)": "port-8001,tcp,127.0.0.1,2200,,8001",
    "nic2": "natnetwork",
    "nat-network2": "labgen",
    "macaddress2": "080027000265",
    "nictype2": "virtio",
    "cableconnected2": "on",
    "nic3": "none",
}


def test_both_adapters_are_as_virtualbox_has_them() -> None:
    first, second = adapters(TOLD)[1::4], adapters(TOLD)[3::4]
    assert first[0] == (
        "user,id=adapter1,net=192.168.221.0/24,hostfwd=tcp:127.0.0.1:2222-:22,hostfwd=tcp:127.0.0.1:2200-:8001"
    )
    assert first[1].startswith("tap,id=adapter2,")
    assert second[0].endswith("netdev=adapter1,mac=08:00:27:C0:DE:12,addr=0x3")
    assert second[1].endswith("netdev=adapter2,mac=08:00:27:00:02:65,addr=0x8")


def test_adapter_1_is_where_virtualbox_puts_it_when_it_is_told_nothing() -> None:
    assert "net=10.0.2.0/24" in adapters(TOLD | {"natnet1": "nat"})[1]


@pytest.mark.parametrize(
    "wrong", [{"nic2": "intnet"}, {"nic2": "hostonly"}, {"cableconnected2": "off"}, {"cableconnected1": "off"}]
)
def test_hypervisor_what_would_not_reach_the_lab_network_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(SystemExit, match="not in this stand-in"):
        adapters(TOLD | wrong)


def test_hypervisor_path_with_a_comma_does_not_become_an_option() -> None:
    line = command(TOLD, Path("/a,b/disk.qcow2"), Path("/a,b"))
    assert "file=/a,,b/disk.qcow2,format=qcow2,if=ide,index=0,cache=unsafe" in line
    assert ("-m", "1024") in itertools.pairwise(line)
