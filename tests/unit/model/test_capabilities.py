"""What nodes lack: answers of `genl` (iproute2 6.1), recorded without IPVS, and with it after its own format."""

from __future__ import annotations

from pathlib import Path

import pytest

from labgen import config
from labgen.machines import inventory
from labgen.model.capabilities import NO_IPVS, Capability, of_kernel
from labgen.model.lab_folder import LabFolder, State

NONE = "RTNETLINK answers: No such file or directory\nError talking to the kernel\n"
THERE = "\nName: IPVS\n\tID: 0x24  Version: 0x1  header size: 0  max attribs: 6 \n"
LAB = config.parse("")


@pytest.mark.parametrize(("answer", "lacks"), [(NONE, {Capability.ROUTING_MESH: NO_IPVS}), (THERE, {})])
def test_capabilities_kernel_is_taken_at_its_word(answer: str, lacks: dict[Capability, str]) -> None:
    asked: list[str] = []

    def ask(command: str) -> str:
        asked.append(command)
        return answer

    assert of_kernel(ask) == lacks
    assert len(asked) == 1
    assert "genl ctrl get name IPVS" in asked[0]


def lacking(provider: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> set[Capability]:
    monkeypatch.setattr(inventory, "ask_once", lambda folder, node, command: NONE)
    return set(inventory.find_lacks(LabFolder.at(tmp_path), LAB, State(provider)))


@pytest.mark.parametrize(
    ("provider", "lacks"),
    [
        ("virtualbox", set()),
        ("libvirt", set()),
        ("docker", {Capability.NETPLAN, Capability.OWN_MACHINE, Capability.ROUTING_MESH}),
        ("someone-elses", set()),
    ],
)
def test_capabilities_only_nodes_on_a_shared_kernel_are_asked(
    provider: str, lacks: set[Capability], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert lacking(provider, tmp_path, monkeypatch) == lacks
