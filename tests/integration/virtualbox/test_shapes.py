"""Labs of every shape, made by real Vagrant on real VirtualBox up to the boot, and what VirtualBox has then.

They come up side by side, as labs of one computer do, which is also quicker; the tests look at what was
written down on the way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from labgen.model.lab import Lab, Node

from .asked import VirtualBox
from .conftest import BOX, LabInRoom, add_box, clear, is_master

QUOTED = """it's "labgen" #{1 + 1} \\ 실습"""
"""A box's name may hold anything that can be printed; in Ruby, half of this is code."""

# Each with ports of its own: Vagrant would forward others where two labs want the same.
SHAPES = {
    "the course's": "",
    "one manager": "name: alone, workers: 0, network: 10.0.3.0/24, ports: [{guest: 8001, host: 8011}]",
    "three managers and four workers": "name: large, managers: 3, workers: 4, network: 10.0.4.0/24, ports: []",
    "another place": (
        "name: elsewhere, network: 192.168.76.0/23, addresses: {adapter1: 10.0.2.0/24}, memory: 768, cpus: 2, "
        "ports: [{guest: 80, host: 18080}, {guest: 8001, host: 18001, node: store}], "
        "nodes: [{name: lead, role: manager, address: 192.168.77.9}, {name: store, role: worker, memory: 640, cpus: 1}]"
    ),
    "names to quote": "name: 도커 실습 1.0, managers: 1, workers: 1, network: 10.0.5.0/24, ports: []",
}


@dataclass
class Seen:
    """What was seen of a lab.

    :param said: what Vagrant said while each node came up.
    :param states: of its nodes, as Vagrant has them.
    :param told: settings of its nodes' machines, as VirtualBox has them.
    :param cloned: the machine that each node's disk is a clone of.
    :param network: its NAT network, as VirtualBox has it.
    """

    lab: Lab
    said: list[str]
    states: Mapping[str, str]
    told: Mapping[str, Mapping[str, str]]
    cloned: Mapping[str, list[str]]
    network: Mapping[str, str]


@dataclass
class Course:
    """What was seen of all labs.

    :param labs: each of them.
    :param machines: names of VirtualBox's machines while they were there.
    :param networks: names of its NAT networks while they were there.
    :param beside: the course's lab again, when the others were gone.
    :param left: machines and networks when all were gone.
    """

    labs: Mapping[str, Seen]
    machines: set[str]
    networks: set[str]
    beside: Seen
    left: set[str]


@pytest.fixture(scope="module")
def course(labs: Callable[..., LabInRoom], virtualbox: VirtualBox) -> Iterator[Course]:
    try:
        yield watched(labs, virtualbox)
    finally:
        clear(virtualbox)


def watched(labs: Callable[..., LabInRoom], virtualbox: VirtualBox) -> Course:
    add_box(virtualbox, QUOTED, virtualbox.place / "box" / "virtualbox.box")
    made = {
        shape: labs(keys, folder=f"it's {shape} #{{1}}", box=QUOTED if shape == "names to quote" else BOX)
        for shape, keys in SHAPES.items()
    }
    # Much of the time is spent waiting; more at once than there are processors.
    with ThreadPoolExecutor(max_workers=3) as pool:
        said = dict(zip(made, pool.map(brought_up, made.values()), strict=True))
        states = dict(zip(made, pool.map(LabInRoom.states, made.values()), strict=True))
        seen = {shape: look(here, said[shape], states[shape], virtualbox) for shape, here in made.items()}
        machines, networks = ours(virtualbox), set(virtualbox.nat_networks())
        first, *others = made.values()
        list(pool.map(LabInRoom.destroy, others))
    beside = look(first, [], {}, virtualbox)
    first.destroy()
    return Course(seen, machines, networks, beside, ours(virtualbox) | set(virtualbox.nat_networks()))


def brought_up(here: LabInRoom) -> list[str]:
    here.vagrant("validate").or_raise()
    return [here.up(node.name) for node in here.lab.nodes]


def look(here: LabInRoom, said: list[str], states: Mapping[str, str], virtualbox: VirtualBox) -> Seen:
    told = {node.name: here.settings(node.name) for node in here.lab.nodes}
    cloned = {name: virtualbox.machines_of_disk(settings["IDE-ImageUUID-0-0"]) for name, settings in told.items()}
    return Seen(here.lab, said, states, told, cloned, virtualbox.nat_networks().get(here.lab.slug, {}))


def ours(virtualbox: VirtualBox) -> set[str]:
    return {name for name in virtualbox.machines() if not is_master(name)}


@pytest.fixture(params=SHAPES)
def seen(request: pytest.FixtureRequest, course: Course) -> Seen:
    return course.labs[request.param]


def test_vagrant_knows_its_machines(seen: Seen) -> None:
    assert seen.states == {node.name: "poweroff" for node in seen.lab.nodes}


def test_shapes_machines(seen: Seen) -> None:
    for node in seen.lab.nodes:
        told = seen.told[node.name]
        assert told["name"] == f"{seen.lab.slug} {node.name}"
        assert (told["memory"], told["cpus"]) == (str(node.memory), str(node.cpus))
        assert told["ostype"] == "Debian (64-bit)"
        assert any(map(is_master, seen.cloned[node.name])), "not a linked clone"


def test_adapter_1_is_vagrants_way_in(seen: Seen) -> None:
    """NAT on a subnet of its own, SSH and the node's ports from 127.0.0.1 only."""
    for node in seen.lab.nodes:
        told = seen.told[node.name]
        assert (told["nic1"], told["natnet1"], told["cableconnected1"]) == ("nat", str(seen.lab.plan.adapter1), "on")
        forwarded = [value.split(",") for key, value in told.items() if key.startswith("Forwarding(")]
        ssh = [rule for rule in forwarded if rule[0] == "ssh"]
        assert [(*rule[1:3], *rule[4:]) for rule in ssh] == [("tcp", "127.0.0.1", "", "22")]
        others = {(rule[1], rule[2], int(rule[3]), int(rule[5])) for rule in forwarded if rule not in ssh}
        assert others == ports(seen.lab, node)


def ports(lab: Lab, node: Node) -> set[tuple[str, str, int, int]]:
    return {("tcp", "127.0.0.1", port.host, port.guest) for port in lab.ports if port.node == node.name}


def test_adapter_2_is_the_labs(seen: Seen) -> None:
    """On its NAT network, with the MAC address that netplan goes by."""
    for node in seen.lab.nodes:
        told = seen.told[node.name]
        wired = (told["nic2"], told["nat-network2"], told["cableconnected2"])
        assert wired == ("natnetwork", seen.lab.slug, "on")
        assert told["macaddress2"] == node.mac.replace(":", "").upper()
        assert told["macaddress2"] != told["macaddress1"]
        assert {told[f"nic{number}"] for number in range(3, 9)} == {"none"}


def test_shapes_nat_network(seen: Seen) -> None:
    plan = seen.lab.plan
    assert (seen.network["Network"], seen.network["Gateway"]) == (str(plan.lab), str(plan.gateway))
    assert (seen.network["DHCP Server"], seen.network["Enabled"]) == ("No", "Yes")
    assert ["Creating the NAT network" in said for said in seen.said] == [True] + [False] * (len(seen.lab.nodes) - 1)


def test_shapes_nothing_else_was_made(course: Course) -> None:
    labs = [seen.lab for seen in course.labs.values()]
    assert course.machines == {f"{lab.slug} {node.name}" for lab in labs for node in lab.nodes}
    assert course.networks == {lab.slug for lab in labs}


def kept(told: Mapping[str, str]) -> dict[str, str]:
    """What VirtualBox tells of a machine, whether or not it has read it from its file meanwhile.

    VirtualBox 7.2 does that now and then, while its service runs on. What it has read again has its time without
    fractions of a second, and another default for whether a NAT adapter reaches this computer.
    """
    whole = told["VMStateChangeTime"].partition(".")[0]
    return {key: value for key, value in told.items() if key != "localhostReachable"} | {"VMStateChangeTime": whole}


def test_labs_that_go_touch_nothing_of_one_that_stays(course: Course) -> None:
    before, after = (
        {name: kept(told) for name, told in seen.told.items()} for seen in (course.labs["the course's"], course.beside)
    )
    assert after == before
    assert course.beside.network == course.labs["the course's"].network


def test_shapes_nothing_is_left_of_labs_that_were_destroyed(course: Course) -> None:
    assert course.left == set()
