"""Labs of every shape, made by real Vagrant on real VirtualBox up to the boot, and what VirtualBox has then."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest

from labgen.lab import Lab, Node

from .asked import VirtualBox
from .conftest import BOX, LabInRoom, add_box, is_master

QUOTED = """it's "labgen" #{1 + 1} \\ 실습"""
"""A box's name may hold anything that can be printed; in Ruby, half of this is code."""

SHAPES = {
    "one manager": "workers: 0",
    "the course's": "",
    "three managers and four workers": "managers: 3, workers: 4",
    "another place": (
        "network: 192.168.76.0/23, addresses: {adapter1: 10.0.2.0/24}, memory: 768, cpus: 2, "
        "ports: [{guest: 80, host: 18080}, {guest: 8001, host: 18001, node: db}], "
        "nodes: [{name: lead, role: manager, address: 192.168.77.9}, {name: db, role: worker, memory: 640, cpus: 1}]"
    ),
    "names to quote": "name: 도커 실습 1.0, managers: 1, workers: 1",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_lab_is_in_virtualbox_what_it_is_in_lab_yml(
    shape: str, lab: Callable[..., LabInRoom], virtualbox: VirtualBox
) -> None:
    quoted = shape == "names to quote"
    if quoted:
        add_box(virtualbox, QUOTED, virtualbox.place / "box" / "virtualbox.box")
    here = lab(SHAPES[shape], folder=f"it's {shape} #{{1}}", box=QUOTED if quoted else BOX)
    names = [node.name for node in here.lab.nodes]

    here.vagrant("validate").or_raise()
    # The first one makes what the others share; those come two at a time.
    with ThreadPoolExecutor(max_workers=2) as pool:
        said = [here.up(names[0]), *pool.map(here.up, names[1:])]
    assert sum("Creating the NAT network" in text for text in said) == 1
    assert here.states() == dict.fromkeys(names, "poweroff")

    there = virtualbox.machines()
    assert {name for name in there if not is_master(name)} == {here.machine(name) for name in names}
    for node in here.lab.nodes:
        told = here.settings(node.name)
        the_machine(told, node, here.lab)
        adapter_1(told, node, here.lab)
        adapter_2(told, node, here.lab)
        assert any(map(is_master, virtualbox.machines_of_disk(told["IDE-ImageUUID-0-0"]))), "not a linked clone"
    the_network(virtualbox, here.lab)

    here.destroy()
    assert [name for name in virtualbox.machines() if not is_master(name)] == []
    assert virtualbox.nat_networks() == {}


def the_machine(told: Mapping[str, str], node: Node, lab: Lab) -> None:
    assert told["name"] == f"{lab.slug} {node.name}"
    assert (told["memory"], told["cpus"]) == (str(node.memory), str(node.cpus))
    assert told["ostype"] == "Debian (64-bit)"


def adapter_1(told: Mapping[str, str], node: Node, lab: Lab) -> None:
    """Vagrant's way in: NAT on a subnet of its own, SSH and the node's ports from 127.0.0.1 only."""
    assert (told["nic1"], told["natnet1"], told["cableconnected1"]) == ("nat", str(lab.plan.adapter1), "on")
    forwarded = [value.split(",") for key, value in told.items() if key.startswith("Forwarding(")]
    ssh = [rule for rule in forwarded if rule[0] == "ssh"]
    assert [(*rule[1:3], *rule[4:]) for rule in ssh] == [("tcp", "127.0.0.1", "", "22")]
    others = {(rule[1], rule[2], int(rule[3]), int(rule[5])) for rule in forwarded if rule not in ssh}
    assert others == {("tcp", "127.0.0.1", port.host, port.guest) for port in lab.ports if port.node == node.name}


def adapter_2(told: Mapping[str, str], node: Node, lab: Lab) -> None:
    """The lab's: on its NAT network, with the address that netplan goes by."""
    assert (told["nic2"], told["nat-network2"], told["cableconnected2"]) == ("natnetwork", lab.slug, "on")
    assert told["macaddress2"] == node.mac.replace(":", "").upper()
    assert told["macaddress2"] != told["macaddress1"]
    assert {told[f"nic{number}"] for number in range(3, 9)} == {"none"}


def the_network(virtualbox: VirtualBox, lab: Lab) -> None:
    assert list(virtualbox.nat_networks()) == [lab.slug]
    told = virtualbox.nat_networks()[lab.slug]
    assert (told["Network"], told["Gateway"]) == (str(lab.plan.lab), str(lab.plan.gateway))
    assert (told["DHCP Server"], told["Enabled"]) == ("No", "Yes")
